import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectSelfContained, u16, u32 } from './arbitraries.test.helper.js';
import * as tcp from './tcp.js';

const flags = fc.nat(0x1ff);
const words = fc.integer({ min: 5, max: 15 });

describe('TCP header', () => {
  it('reads what was written', () => {
    fc.assert(
      fc.property(
        u16,
        u16,
        u32,
        u32,
        words,
        flags,
        u16,
        u16,
        fc.nat(9),
        (sp, dp, seq, ack, w, f, win, urg, o) => {
          const b = new Uint8Array(80).fill(0xee);
          expect(tcp.writeTcp(b, o, sp, dp, seq, ack, w * 4, f, win, urg)).toBe(o + 20);
          expect(tcp.checkTcp(b, o, w * 4)).toBe(0);
          expect([tcp.srcPort(b, o), tcp.dstPort(b, o), tcp.seq(b, o), tcp.ack(b, o)]).toEqual([
            sp,
            dp,
            seq,
            ack,
          ]);
          expect([tcp.dataOffset(b, o), tcp.headerLength(b, o), tcp.flags(b, o)]).toEqual([w, w * 4, f]);
          expect([tcp.window(b, o), tcp.urgent(b, o), tcp.checksum(b, o), tcp.reserved(b, o)]).toEqual([
            win,
            urg,
            0,
            0,
          ]);
        },
      ),
    );
  });

  it('sets each field alone', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 20, size: 'max' }),
        u16,
        u32,
        flags,
        (b, x, y, f) => {
          const words = tcp.dataOffset(b, 0);
          tcp.setSrcPort(b, 0, x);
          tcp.setDstPort(b, 0, x ^ 1);
          tcp.setSeq(b, 0, y);
          tcp.setAck(b, 0, y ^ 0x80000001);
          tcp.setWindow(b, 0, x ^ 2);
          tcp.setChecksum(b, 0, x ^ 3);
          tcp.setUrgent(b, 0, x ^ 4);
          tcp.setFlags(b, 0, f);
          expect(tcp.dataOffset(b, 0)).toBe(words);
          expect([tcp.srcPort(b, 0), tcp.dstPort(b, 0)]).toEqual([x, x ^ 1]);
          expect([tcp.window(b, 0), tcp.checksum(b, 0), tcp.urgent(b, 0)]).toEqual([x ^ 2, x ^ 3, x ^ 4]);
          expect([tcp.seq(b, 0), tcp.ack(b, 0)]).toEqual([y, (y ^ 0x80000001) >>> 0]);
          expect(tcp.flags(b, 0)).toBe(f);
        },
      ),
    );
  });

  it('keeps the flags where RFC 9293 and RFC 9768 put them', () => {
    const b = new Uint8Array(20);
    const at = (f: number) => {
      tcp.setHeaderLengthAndFlags(b, 0, 20, f);
      return [b[12], b[13]];
    };
    expect(at(tcp.TCP_FIN)).toEqual([0x50, 0x01]);
    expect(at(tcp.TCP_SYN | tcp.TCP_ACK)).toEqual([0x50, 0x12]);
    expect(at(tcp.TCP_CWR | tcp.TCP_ECE)).toEqual([0x50, 0xc0]);
    expect(at(tcp.TCP_AE)).toEqual([0x51, 0x00]);
  });

  it('refuses short and lying headers', () => {
    const b = new Uint8Array(20);
    expect(tcp.checkTcp(b, 0, 19)).toBe(tcp.TCP_ERR_SHORT);
    b[12] = 0x40;
    expect(tcp.checkTcp(b, 0, 20)).toBe(tcp.TCP_ERR_OFFSET_SMALL);
    b[12] = 0x60;
    expect(tcp.checkTcp(b, 0, 20)).toBe(tcp.TCP_ERR_OFFSET_LARGE);
    b[12] = 0x50;
    expect(tcp.checkTcp(b, 0, 20)).toBe(0);
    expect([0, 1, 2, 3, 9].map(tcp.describeTcpError)).toEqual([
      'ok',
      'shorter than 20 bytes',
      'data offset below 5',
      'data offset beyond the end',
      'unknown error 9',
    ]);
  });

  it('answers from the segment alone for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80, size: 'max' }), (data) => {
        const text = expectSelfContained(data, (b, o) => tcp.describeTcp(b, o, data.length));
        expect(String(text).includes('NaN') || String(text).includes('undefined')).toBe(false);
      }),
    );
  });

  it('describes a segment as people know it', () => {
    const b = new Uint8Array(52);
    tcp.writeTcp(b, 0, 43512, 8080, 1000, 2000, 32, tcp.TCP_PSH | tcp.TCP_ACK | tcp.TCP_URG, 502, 3);
    b.set([1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6], 20);
    expect(tcp.describeTcp(b, 0, 52)).toBe(
      'TCP 43512 > 8080: Flags [PU.], seq 1000:1020, ack 2000, win 502, urg 3, options [TS val 5 ecr 6], length 20',
    );
    expect(tcp.describeTcpFlags(0)).toBe('none');
    expect(tcp.describeTcpFlags(tcp.TCP_SYN | tcp.TCP_ECE | tcp.TCP_CWR | tcp.TCP_AE)).toBe('SEWA');
    expect(tcp.describeTcp(b, 0, 4)).toBe('TCP malformed (shorter than 20 bytes)');
  });
});
