import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as a from './address.js';
import { address, address4, address6 } from './arbitraries.test.helper.js';

describe('addresses', () => {
  it('prints and parses back every address', () => {
    fc.assert(
      fc.property(address, (bytes) => {
        expect([...a.parseAddress(a.formatAddress(bytes))]).toEqual([...bytes]);
      }),
    );
  });

  it('prints what the WHATWG URL parser, an independent RFC 5952 printer, prints', () => {
    fc.assert(
      fc.property(address6, (bytes) => {
        expect(`[${a.formatAddress(bytes)}]`).toBe(new URL(`http://[${a.formatIpv6(bytes, 0)}]/`).hostname);
        const full = Array.from({ length: 8 }, (_, i) =>
          ((bytes[2 * i] << 8) | bytes[2 * i + 1]).toString(16),
        );
        expect(`[${a.formatAddress(bytes)}]`).toBe(new URL(`http://[${full.join(':')}]/`).hostname);
      }),
    );
  });

  it('follows RFC 5952 sections 4 and 5', () => {
    const same: [string, string][] = [
      ['2001:DB8:0:0:0:0:2:1', '2001:db8::2:1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['::', '::'],
      ['::1', '::1'],
      ['1::', '1::'],
      ['::ffff:192.0.2.1', '192.0.2.1'],
      ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ];
    for (const [text, want] of same) expect(a.formatAddress(a.parseAddress(text))).toBe(want);
    expect(a.formatIpv6(a.parseAddress('192.0.2.1'), 0)).toBe('::ffff:192.0.2.1');
  });

  it('accepts exactly the IPv6 texts that Node accepts', () => {
    const text = fc
      .array(fc.constantFrom(':', '::', '1', '0', 'ffff', '12345', 'g', '1.2.3.4', '.'), {
        maxLength: 16,
        size: 'max',
      })
      .map((x) => x.join(''));
    fc.assert(
      fc.property(text, (t) => {
        expect(a.parseIpv6(t, new Uint8Array(16), 0)).toBe(isIPv6(t));
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses what is no address with a typed error that shows it', () => {
    for (const bad of [
      '',
      '1.2.3',
      '1.2.3.256',
      '01.2.3.4',
      '1.2.3.4.5',
      ':',
      ':::',
      '1::2::3',
      'fe80::1%0',
      'x',
    ]) {
      expect(() => a.parseAddress(bad)).toThrow(a.AddressError);
      expect(() => a.parseAddress(bad)).toThrow(`not an IP address: '${bad}'`);
    }
    for (const bad of ['10.0.0.0/33', '::/129', '10.0.0.0/-1', '10.0.0.0/', '10.0.0.0/08']) {
      expect(() => a.parsePrefix(bad)).toThrow(a.AddressError);
    }
  });

  it('normalises prefixes to 128 bits and matches by them', () => {
    const p = a.parsePrefix('192.168.0.1/16');
    expect(p.bits).toBe(112);
    expect(a.formatPrefix(p)).toBe('192.168.0.1/16');
    expect(a.inPrefix(a.parseAddress('192.168.255.1'), 0, p.address, 0, p.bits)).toBe(true);
    expect(a.inPrefix(a.parseAddress('192.169.0.1'), 0, p.address, 0, p.bits)).toBe(false);
    expect(a.parsePrefix('2001:db8::1').bits).toBe(128);
    expect(a.formatPrefix(a.parsePrefix('2001:db8::/32'))).toBe('2001:db8::/32');
    fc.assert(
      fc.property(address, fc.nat(127), (x, bit) => {
        const y = Uint8Array.from(x);
        y[bit >>> 3] ^= 0x80 >>> (bit & 7);
        expect(a.commonPrefix(x, 0, y, 0)).toBe(bit);
        expect(a.commonPrefix(x, 0, Uint8Array.from(x), 0)).toBe(128);
        expect(a.equalAddress(x, 0, y, 0)).toBe(false);
        expect(a.equalAddress(x, 0, Uint8Array.from(x), 0)).toBe(true);
      }),
    );
  });

  it('knows the classes of both families', () => {
    const p = a.parseAddress;
    const table: [(x: Uint8Array) => boolean, string[], string[]][] = [
      [a.isUnspecified, ['::', '0.0.0.0'], ['::1', '0.0.0.1']],
      [a.isLoopback, ['::1', '127.0.0.1', '127.9.9.9'], ['::', '128.0.0.1', '::2', '1::1']],
      [a.isMulticast, ['ff02::1', '224.0.0.1', '239.1.1.1'], ['fe80::1', '240.0.0.1', '223.0.0.1']],
      [a.isLinkLocal, ['fe80::1', 'febf::1', '169.254.1.1'], ['fec0::1', '169.253.1.1']],
      [
        a.isLimitedBroadcast,
        ['255.255.255.255'],
        ['255.255.255.254', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
      ],
      [a.isIpv4, ['1.2.3.4'], ['::1.2.3.4', '::fffe:1.2.3.4', '1::ffff:1.2.3.4']],
    ];
    for (const [test, yes, no] of table) {
      for (const t of yes) expect(test(p(t)), t).toBe(true);
      for (const t of no) expect(test(p(t)), t).toBe(false);
    }
  });

  it('derives solicited-node and link-local addresses', () => {
    const out = new Uint8Array(16);
    a.solicitedNode(out, 0, a.parseAddress('4037::1:800:200e:8c6c'), 0);
    expect(a.formatAddress(out)).toBe('ff02::1:ff0e:8c6c');
    const mac = Uint8Array.of(0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde);
    expect(a.formatAddress(a.linkLocalFromHardware(mac))).toBe('fe80::3656:78ff:fe9a:bcde');
    fc.assert(
      fc.property(address4, (x) => {
        expect(a.isIpv4(x)).toBe(true);
      }),
    );
  });
});
