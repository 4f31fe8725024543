import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectSelfContained, u16, u32 } from './arbitraries.test.helper.js';
import { describeTcpOptions, parseTcpOptions, TcpOptions } from './tcp-options.js';
import * as w from './tcp-options-write.js';

const u24 = fc.nat(0xffffff);

/** A set of options as a plain object; offsets of MD5 are made relative. */
function plain(t: TcpOptions, base = 0) {
  return {
    mss: t.mss,
    wscale: t.wscale,
    sackPermitted: t.sackPermitted,
    ts: t.hasTimestamps ? [t.tsVal, t.tsEcr] : null,
    sack: [...t.sack.subarray(0, t.sackCount * 2)],
    fastOpen: t.fastOpenLength < 0 ? null : [...t.fastOpenCookie.subarray(0, t.fastOpenLength)],
    experimental: t.fastOpenLength < 0 ? false : t.fastOpenExperimental,
    md5: t.md5Offset < 0 ? -1 : t.md5Offset - base,
    accEcn: t.accEcn,
    fields: [...t.accEcnFields.subarray(0, t.accEcnCount)],
    malformed: t.malformed,
  };
}

const spec = fc
  .record({
    mss: fc.option(u16),
    wscale: fc.option(fc.nat(255)),
    sackPermitted: fc.boolean(),
    ts: fc.option(fc.tuple(u32, u32)),
    sack: fc.array(fc.tuple(u32, u32), { maxLength: 4, size: 'max' }),
    cookie: fc.option(
      fc.constantFrom(0, 4, 6, 8, 10, 12, 14, 16).chain((n) => fc.uint8Array({ minLength: n, maxLength: n })),
    ),
    experimental: fc.boolean(),
    md5: fc.boolean(),
    accEcn: fc.option(fc.constantFrom(0, 1)),
    fields: fc.array(u24, { maxLength: 3, size: 'max' }),
  })
  .map((r) => {
    const t = new TcpOptions();
    if (r.mss !== null) t.mss = r.mss;
    if (r.wscale !== null) t.wscale = r.wscale;
    t.sackPermitted = r.sackPermitted;
    if (r.ts !== null) {
      t.hasTimestamps = true;
      [t.tsVal, t.tsEcr] = r.ts;
    }
    t.sackCount = r.sack.length;
    t.sack.set(r.sack.flat());
    if (r.cookie !== null) {
      t.fastOpenLength = r.cookie.length;
      t.fastOpenCookie.set(r.cookie);
      t.fastOpenExperimental = r.experimental;
    }
    if (r.md5) t.md5Offset = 0;
    if (r.accEcn !== null) {
      t.accEcn = r.accEcn;
      t.accEcnCount = r.fields.length;
      t.accEcnFields.set(r.fields);
    }
    return t;
  });

function parse(...bytes: number[]): TcpOptions {
  const t = new TcpOptions();
  parseTcpOptions(Uint8Array.from(bytes), 0, bytes.length, t);
  return t;
}

describe('TCP options', () => {
  it('parses back every set it writes, padded to words and as long as announced', () => {
    fc.assert(
      fc.property(spec, fc.nat(7), (t, o) => {
        const b = new Uint8Array(160).fill(0xee);
        const end = w.writeTcpOptions(b, o, t);
        expect(end - o).toBe(w.tcpOptionsLength(t));
        expect((end - o) % 4).toBe(0);
        const back = new TcpOptions();
        parseTcpOptions(b, o, end, back);
        expect(plain(back)).toEqual(plain(t));
        if (t.md5Offset >= 0)
          expect([...b.subarray(t.md5Offset, t.md5Offset + 16)]).toEqual(Array(16).fill(0));
      }),
    );
  });

  it('never throws and reads nothing outside its range', () => {
    const kinds = fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 19, 34, 172, 174, 254, 99);
    const bytes = fc.array(fc.oneof(kinds, fc.nat(36), fc.nat(255)), { maxLength: 60, size: 'max' });
    const t = new TcpOptions();
    fc.assert(
      fc.property(bytes, (list) => {
        expectSelfContained(Uint8Array.from(list), (b, o) => {
          parseTcpOptions(b, o, o + list.length, t);
          return plain(t, o);
        });
      }),
      { numRuns: 1000 },
    );
  });

  it('writes a SYN in the order of Linux', () => {
    const t = new TcpOptions();
    t.mss = 1460;
    t.sackPermitted = true;
    t.hasTimestamps = true;
    t.tsVal = 0x01020304;
    t.wscale = 7;
    const b = new Uint8Array(20);
    expect(w.writeTcpOptions(b, 0, t)).toBe(20);
    expect([...b]).toEqual([2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7]);
    t.hasTimestamps = false;
    expect(w.writeTcpOptions(b, 0, t)).toBe(12);
    expect([...b.subarray(0, 12)]).toEqual([2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7]);
  });

  it('stops at EOL, skips NOP and unknown options', () => {
    expect(parse(1, 1, 99, 3, 7, 2, 4, 1, 2).mss).toBe(0x0102);
    expect(parse(0, 2, 4, 1, 2).mss).toBe(-1);
    expect(parse(0, 2, 4, 1, 2).malformed).toBe(false);
  });

  // RFC 9293 MUST-7
  it('stops at a bad length and keeps what came before', () => {
    for (const bad of [
      [3, 3, 5, 2],
      [3, 3, 5, 2, 0, 4, 2],
      [3, 3, 5, 2, 1, 4, 2],
      [3, 3, 5, 8, 10, 4, 2],
    ]) {
      const t = parse(...bad);
      expect(t.malformed).toBe(true);
      expect(t.wscale).toBe(5);
      expect(t.sackPermitted).toBe(false);
    }
  });

  it('ignores known options of a wrong size and goes on', () => {
    expect(parse(2, 3, 5, 4, 2)).toMatchObject({ mss: -1, sackPermitted: true, malformed: false });
    expect(parse(3, 4, 5, 5, 4, 2)).toMatchObject({ wscale: -1, sackPermitted: true });
    expect(parse(8, 4, 0, 0, 4, 2)).toMatchObject({ hasTimestamps: false, sackPermitted: true });
    expect(parse(5, 9, 0, 0, 0, 0, 0, 0, 0, 4, 2)).toMatchObject({ sackCount: 0, sackPermitted: true });
    expect(parse(5, 11, ...Array(9).fill(0), 4, 2)).toMatchObject({ sackCount: 0, sackPermitted: true });
    expect(parse(5, 2, 4, 2)).toMatchObject({ sackCount: 0, sackPermitted: true });
    expect(parse(5, 42, ...Array(40).fill(1))).toMatchObject({ sackCount: 0, malformed: false });
  });

  it('takes the last of a repeated option', () => {
    expect(parse(2, 4, 0, 1, 2, 4, 0, 2).mss).toBe(2);
  });

  it('knows cookie lengths: none asks, odd is no option, out of range cancels', () => {
    expect(parse(34, 2).fastOpenLength).toBe(0);
    expect(parse(34, 5, 1, 2, 3).fastOpenLength).toBe(-1);
    expect(parse(34, 7, 1, 2, 3, 4, 5).fastOpenLength).toBe(-1);
    expect(parse(34, 6, 1, 2, 3, 4, 34, 7, 1, 2, 3, 4, 5).fastOpenLength).toBe(4);
    expect(parse(34, 6, 1, 2, 3, 4, 34, 4, 1, 2).fastOpenLength).toBe(-1);
    expect(parse(34, 4, 1, 2).fastOpenLength).toBe(-1);
    expect(parse(34, 6, 1, 2, 3, 4).fastOpenLength).toBe(4);
    expect(parse(34, 20, ...Array(18).fill(1)).fastOpenLength).toBe(-1);
    expect(parse(254, 4, 0xf9, 0x89)).toMatchObject({ fastOpenLength: 0, fastOpenExperimental: true });
    expect(parse(254, 4, 0xf9, 0x88).fastOpenLength).toBe(-1);
    // The magic must lie within the option, whatever follows it.
    expect(parse(254, 3, 0xf9, 0x89).fastOpenLength).toBe(-1);
    expect(parse(34, 6, 1, 2, 3, 4, 254, 2, 0xf9, 0x89)).toMatchObject({
      fastOpenLength: 4,
      malformed: true,
    });
  });

  it('takes the whole fields of an AccECN option of any length (RFC 9768 section 3.2.3)', () => {
    expect(parse(172, 2)).toMatchObject({ accEcn: 0, accEcnCount: 0 });
    expect(parse(174, 7, 1, 2, 3, 4, 5)).toMatchObject({ accEcn: 1, accEcnCount: 1 });
    expect(parse(174, 7, 1, 2, 3, 4, 5).accEcnFields[0]).toBe(0x010203);
    expect(parse(172, 14, ...Array(12).fill(9)).accEcnCount).toBe(3);
  });

  it('takes the fast path only for exactly NOP NOP TS', () => {
    const b = new Uint8Array(12);
    expect(w.writeTimestampsAligned(b, 0, 1, 2)).toBe(12);
    expect(parse(...b)).toMatchObject({ hasTimestamps: true, tsVal: 1, tsEcr: 2, mss: -1 });
    b[3] = 11;
    expect(parse(...b)).toMatchObject({ hasTimestamps: false, malformed: true });
  });

  it('describes options in the words of packetdrill', () => {
    const t = parse(2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7);
    expect(describeTcpOptions(t)).toBe('mss 1460,sackOK,TS val 1 ecr 2,wscale 7');
    expect(describeTcpOptions(parse(5, 10, 0, 0, 0, 1, 0, 0, 0, 2))).toBe('sack 1:2');
    expect(describeTcpOptions(parse(34, 6, 0xab, 1, 2, 3))).toBe('FO ab010203');
    expect(describeTcpOptions(parse(254, 4, 0xf9, 0x89))).toBe('FOEXP');
    expect(describeTcpOptions(parse(174, 8, 0, 0, 1, 0, 0, 2))).toBe('ECN e1b 1 ceb 2');
    expect(describeTcpOptions(parse(172, 5, 0, 0, 1))).toBe('ECN e0b 1');
    expect(describeTcpOptions(parse(19, 18, ...Array(16).fill(0), 2, 1))).toBe('md5,malformed');
  });

  it('writes EOL and NOPs', () => {
    const b = new Uint8Array(8).fill(9);
    expect(w.writeEol(b, w.writeNop(b, 0))).toBe(2);
    expect(w.padNops(b, 2, 0)).toBe(4);
    expect(w.padNops(b, 4, 0)).toBe(4);
    expect([...b]).toEqual([1, 0, 1, 1, 9, 9, 9, 9]);
  });
});
