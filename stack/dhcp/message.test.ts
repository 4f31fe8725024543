import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../wire/address.js';
import { DHCP_DISCOVER, DHCP_OFFER, DHCP_REQUEST, readDhcp, writeDhcp } from './message.js';
import { dhcpReply } from './server.test.helper.js';

const HW = Uint8Array.of(2, 0, 0, 0, 0, 1);
const base = { type: DHCP_OFFER, xid: 0x1234_5678, hardware: HW };

describe('DHCP messages (RFC 2131, RFC 2132)', () => {
  it('a client without an address asks to be answered by broadcast, one with an address says it', () => {
    const b = new Uint8Array(310).fill(0xee);
    const none = { client: null, requested: null, server: null };
    expect(writeDhcp(b, 10, { type: DHCP_DISCOVER, xid: 7, seconds: 70_000, hardware: HW, ...none })).toBe(
      300,
    );
    const m = b.subarray(10);
    expect([...m.subarray(0, 16)]).toEqual([1, 1, 6, 0, 0, 0, 0, 7, 0xff, 0xff, 0x80, 0, 0, 0, 0, 0]);
    expect([...m.subarray(236, 243)]).toEqual([0x63, 0x82, 0x53, 0x63, 53, 1, 1]);
    const own = parseAddress('10.0.0.50');
    writeDhcp(b, 10, { ...base, type: DHCP_REQUEST, seconds: 3, client: own, requested: null, server: null });
    expect([...m.subarray(8, 16)]).toEqual([0, 3, 0, 0, 10, 0, 0, 50]);
  });

  it('reads what a server gives', () => {
    const more = [6, 8, 10, 0, 0, 2, 10, 0, 0, 3, 15, 11, ...Buffer.from('example.net'), 26, 2, 5, 0x78];
    const read = readDhcp(dhcpReply({ ...base, router: '10.0.0.1', lease: 3600, more }), HW)!;
    expect(formatAddress(read.yours)).toBe('10.0.0.50');
    expect(read.routers.map((each) => formatAddress(each))).toEqual(['10.0.0.1']);
    expect(read.dnsServers.map((each) => formatAddress(each))).toEqual(['10.0.0.2', '10.0.0.3']);
    expect(read).toMatchObject({
      xid: 0x1234_5678,
      prefix: 24,
      domain: 'example.net',
      mtu: 1400,
      lease: 3600,
      t1: 0,
    });
    expect(readDhcp(dhcpReply({ ...base, lease: 0xffff_ffff }), HW)!.lease).toBe(Number.POSITIVE_INFINITY);
  });

  it('goes on in the file and name fields when the server says so (option 52)', () => {
    const b = dhcpReply({ ...base, more: [52, 1, 3] });
    b.set([51, 4, 0, 0, 1, 0, 255], 108);
    b.set([58, 4, 0, 0, 0, 9, 255], 44);
    expect(readDhcp(b, HW)).toMatchObject({ lease: 256, t1: 9 });
  });

  it('hostile or not: what is damaged, another’s, or senseless is none', () => {
    const good = dhcpReply(base);
    const changed = (at: number, value: number) => {
      const b = good.slice();
      b[at] = value;
      return readDhcp(b, HW);
    };
    expect(readDhcp(good, HW)).not.toBe(null);
    expect([changed(0, 1), changed(1, 6), changed(28, 4), changed(236, 0), changed(240, 1)]).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(readDhcp(good.subarray(0, 239), HW)).toBe(null);
    // An option that leads beyond the end.
    expect(readDhcp(dhcpReply({ ...base, more: [12, 200, 1] }), HW)).toBe(null);
    const prefix = (mask: string) => readDhcp(dhcpReply({ ...base, mask }), HW)!.prefix;
    expect(['255.255.255.255', '255.0.255.0', '0.0.0.0', '255.255.254.0'].map(prefix)).toEqual([
      32, 32, 32, 23,
    ]);
    const server = (text: string) => readDhcp(dhcpReply({ ...base, server: text }), HW)!.server;
    expect(['224.0.0.1', '0.0.0.0', '127.0.0.1', '255.255.255.255'].map(server)).toEqual([
      null,
      null,
      null,
      null,
    ]);
    const domain = readDhcp(dhcpReply({ ...base, more: [15, 9, ...Buffer.from('a;b\n$(c)/')] }), HW)!.domain;
    expect(domain).toBe('abc');
  });

  it('any bytes are read without a fault', () => {
    const bytes = fc.uint8Array({ maxLength: 600 });
    fc.assert(
      fc.property(bytes, fc.boolean(), (tail, whole) => {
        const b = whole ? new Uint8Array([...dhcpReply(base).subarray(0, 240), ...tail]) : tail;
        const read = readDhcp(b, HW);
        if (read !== null) expect(read.routers.length + read.dnsServers.length).toBeLessThanOrEqual(16);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
