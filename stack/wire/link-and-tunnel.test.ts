// Ethernet, ARP, UDP, GRE and MPLS: the formats with little to go wrong.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from './address.js';
import { expectSelfContained, u8, u16, u32 } from './arbitraries.test.helper.js';
import * as arp from './arp.js';
import { copyBytes, equalBytes, getU16, getU24, getU32, hex, setU16, setU24, setU32 } from './bytes.js';
import * as eth from './ethernet.js';
import * as gre from './gre.js';
import * as mpls from './mpls.js';
import * as udp from './udp.js';

const mac = fc.uint8Array({ minLength: 6, maxLength: 6, size: 'max' });

describe('bytes', () => {
  it('load what was stored', () => {
    fc.assert(
      fc.property(u32, (v) => {
        const b = new Uint8Array(12);
        setU16(b, 1, v);
        setU24(b, 4, v);
        setU32(b, 7, v);
        expect([getU16(b, 1), getU24(b, 4), getU32(b, 7)]).toEqual([v & 0xffff, v & 0xffffff, v]);
        expect([b[0], b[3], b[11]]).toEqual([0, 0, 0]);
        const c = new Uint8Array(12);
        copyBytes(c, 3, b, 7, 4);
        expect(getU32(c, 3)).toBe(v);
        expect(equalBytes(b, 7, c, 3, 4)).toBe(true);
        c[6] ^= 1;
        expect(equalBytes(b, 7, c, 3, 4)).toBe(false);
        expect(hex(b, 7, 4)).toBe(v.toString(16).padStart(8, '0'));
      }),
    );
  });
});

describe('Ethernet', () => {
  it('reads what was written, tagged or not', () => {
    fc.assert(
      fc.property(
        mac,
        mac,
        fc.integer({ min: 0x600, max: 0xffff }),
        fc.option(fc.nat(4095)),
        (dst, src, type, tag) => {
          fc.pre(type !== eth.ETHERTYPE_VLAN);
          const b = new Uint8Array(30);
          expect(eth.writeEthernet(b, 2, dst, 0, src, 0, type)).toBe(16);
          let len = 14;
          if (tag !== null) {
            setU16(b, 14, eth.ETHERTYPE_VLAN);
            setU16(b, 16, 0xe000 | tag);
            setU16(b, 18, type);
            len = 18;
          }
          expect(eth.checkEthernet(b, 2, len)).toBe(0);
          expect(eth.checkEthernet(b, 2, len - 1)).toBe(eth.ETH_ERR_SHORT);
          expect([eth.etherType(b, 2), eth.headerLength(b, 2), eth.vlan(b, 2)]).toEqual([
            type,
            len,
            tag ?? -1,
          ]);
          expect([...b.subarray(2, 14)]).toEqual([...dst, ...src]);
          expect(eth.isGroup(b, 2)).toBe((dst[0] & 1) === 1);
        },
      ),
    );
    const short = new Uint8Array(14);
    expect(eth.checkEthernet(short, 0, 14)).toBe(eth.ETH_ERR_NO_TYPE);
  });

  it('maps groups and prints addresses', () => {
    const out = new Uint8Array(6);
    eth.multicastHardware(out, 0, parseAddress('224.129.2.3'), 0, true);
    expect(eth.formatHardware(out)).toBe('01:00:5e:01:02:03');
    eth.multicastHardware(out, 0, parseAddress('ff02::1:ff0e:8c6c'), 0, false);
    expect(eth.formatHardware(out)).toBe('33:33:ff:0e:8c:6c');
    fc.assert(
      fc.property(mac, (m) => {
        expect([...eth.parseHardware(eth.formatHardware(m))]).toEqual([...m]);
      }),
    );
    expect(() => eth.parseHardware('02:00:00')).toThrow("not a hardware address: '02:00:00'");
  });
});

describe('ARP', () => {
  it('reads what was written and refuses the rest', () => {
    const b = new Uint8Array(30);
    const spa = parseAddress('192.0.2.1');
    const tpa = parseAddress('192.0.2.2');
    const sha = Uint8Array.of(2, 0, 0, 0, 0, 1);
    expect(arp.writeArp(b, 1, arp.ARP_REQUEST, sha, spa, 12, new Uint8Array(6), tpa, 12)).toBe(29);
    expect(arp.checkArp(b, 1, 28)).toBe(0);
    expect(arp.describeArp(b, 1, 28)).toBe('ARP who-has 192.0.2.2 tell 192.0.2.1');
    expect(arp.checkArp(b, 1, 27)).toBe(arp.ARP_ERR_SHORT);
    arp.writeArp(b, 1, arp.ARP_REPLY, sha, spa, 12, sha, tpa, 12);
    expect(arp.describeArp(b, 1, 28)).toBe('ARP 192.0.2.1 is-at 02:00:00:00:00:01');
    expect([...b.subarray(1 + arp.ARP_OFF_SHA, 1 + arp.ARP_OFF_SPA)]).toEqual([...sha]);
    expect([...b.subarray(1 + arp.ARP_OFF_TPA, 29)]).toEqual([192, 0, 2, 2]);
    b[8] = 3;
    expect(arp.checkArp(b, 1, 28)).toBe(arp.ARP_ERR_OPERATION);
    b[5] = 8;
    expect(arp.checkArp(b, 1, 28)).toBe(arp.ARP_ERR_TYPE);
    expect(arp.describeArp(b, 1, 28)).toBe('ARP malformed (not Ethernet/IPv4)');
  });
});

describe('UDP', () => {
  it('reads what was written and refuses lying lengths', () => {
    fc.assert(
      fc.property(u16, u16, fc.integer({ min: 8, max: 65535 }), u16, (src, dst, len, sum) => {
        const b = new Uint8Array(10);
        expect(udp.writeUdp(b, 1, src, dst, len)).toBe(9);
        expect([udp.srcPort(b, 1), udp.dstPort(b, 1), udp.length(b, 1), udp.checksum(b, 1)]).toEqual([
          src,
          dst,
          len,
          0,
        ]);
        udp.setChecksum(b, 1, sum);
        expect(udp.checksum(b, 1)).toBe(sum);
        expect(udp.checkUdp(b, 1, len)).toBe(0);
        expect(udp.checkUdp(b, 1, len + 9)).toBe(0);
        if (len > 8) expect(udp.checkUdp(b, 1, len - 1)).toBe(udp.UDP_ERR_LENGTH);
      }),
    );
    const b = new Uint8Array(8);
    expect(udp.checkUdp(b, 0, 7)).toBe(udp.UDP_ERR_SHORT);
    expect(udp.checkUdp(b, 0, 8)).toBe(udp.UDP_ERR_LENGTH);
    expect(udp.describeUdp(b, 0, 8)).toBe('UDP malformed (length field)');
    udp.writeUdp(b, 0, 53, 1024, 20);
    expect(udp.describeUdp(b, 0, 20)).toBe('UDP 53 > 1024, length 12');
  });
});

describe('GRE and MPLS', () => {
  it('reads back every combination of fields', () => {
    fc.assert(
      fc.property(fc.nat(7), u16, u32, u32, (bits, type, key, seq) => {
        const f =
          (bits & 1 ? gre.GRE_CHECKSUM : 0) |
          (bits & 2 ? gre.GRE_KEY : 0) |
          (bits & 4 ? gre.GRE_SEQUENCE : 0);
        const b = new Uint8Array(20);
        const end = gre.writeGre(b, 0, f, type, key, seq);
        expect([gre.checkGre(b, 0, end), gre.headerLength(b, 0), gre.flags(b, 0)]).toEqual([0, end, f]);
        expect(gre.checkGre(b, 0, end - 1)).toBe(gre.GRE_ERR_SHORT);
        expect(gre.protocolType(b, 0)).toBe(type);
        expect([gre.key(b, 0), gre.sequence(b, 0)]).toEqual([bits & 2 ? key : -1, bits & 4 ? seq : -1]);
      }),
    );
    expect(gre.checkGre(Uint8Array.of(0, 1, 8, 0), 0, 4)).toBe(gre.GRE_ERR_VERSION);
  });

  it('reads back label stacks', () => {
    fc.assert(
      fc.property(fc.nat(0xfffff), fc.nat(7), u8, (label, tc, ttl) => {
        const b = new Uint8Array(8);
        const next = mpls.writeEntry(b, 0, label, tc, false, ttl);
        expect(mpls.writeEntry(b, next, label, tc, true, ttl)).toBe(8);
        expect([mpls.label(b, 4), mpls.trafficClass(b, 4), mpls.ttl(b, 4)]).toEqual([label, tc, ttl]);
        expect([mpls.bottomOfStack(b, 0), mpls.bottomOfStack(b, 4)]).toEqual([false, true]);
        expect([mpls.stackLength(b, 0, 8), mpls.stackLength(b, 0, 7)]).toEqual([8, -1]);
      }),
    );
  });
});

describe('arbitrary bytes', () => {
  it('never lead a check or description astray', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40, size: 'max' }), (data) => {
        expectSelfContained(data, (b, o) => [
          eth.checkEthernet(b, o, data.length),
          arp.describeArp(b, o, data.length),
          udp.describeUdp(b, o, data.length),
          gre.checkGre(b, o, data.length) === 0 ? [gre.key(b, o), gre.sequence(b, o)] : -1,
          mpls.stackLength(b, o, data.length),
        ]);
      }),
    );
  });
});
