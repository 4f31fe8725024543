import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../wire/address.js';
import { checkIcmpv6 } from '../wire/icmpv6.js';
import { AddressTable } from './addresses.js';
import { MAX_RECORDS, MAX_REPORT, MLD2_REPORT, MulticastListener } from './mld.js';

function listenerWith(...addresses: string[]): { table: AddressTable; listener: MulticastListener } {
  const table = new AddressTable();
  for (const text of addresses) table.add(parseAddress(text), text.includes(':') ? 64 : 120, 0);
  return { table, listener: new MulticastListener(table, () => 0x8000_0000) };
}

describe('multicast listener discovery', () => {
  it('reports the solicited-node groups, from the link-local address, as RFC 3810 section 5.2 says', () => {
    const { listener } = listenerWith('2001:db8::12:3456', 'fe80::2', '2001:db8:1::12:3456', '10.0.0.1');
    const out = new Uint8Array(MAX_REPORT + 4).fill(0xee);
    const length = listener.write(out, 4, 0, 4);
    // IPv6, hop-by-hop, report, two records: two addresses share a group, IPv4 has none.
    expect(length).toBe(40 + 8 + 8 + 2 * 20);
    expect(out[4 + 6]).toBe(0);
    expect(out[4 + 7]).toBe(1);
    expect(formatAddress(out, 4 + 8)).toBe('fe80::2');
    expect(formatAddress(out, 4 + 24)).toBe('ff02::16');
    expect([...out.subarray(44, 52)]).toEqual([58, 0, 5, 2, 0, 0, 1, 0]);
    expect(out[52]).toBe(MLD2_REPORT);
    expect([...out.subarray(58, 64)]).toEqual([0, 2, 4, 0, 0, 0]);
    expect(formatAddress(out, 64)).toBe('ff02::1:ff12:3456');
    expect(formatAddress(out, 84)).toBe('ff02::1:ff00:2');
    // The checksum covers a pseudo header: the walker takes it at its IPv6 offset.
    const whole = out.slice(4, 4 + length);
    expect(checkIcmpv6(whole, 0, 48, length - 48)).toBe(0);
  });

  it('has nothing to say for IPv4, or for another link, and keeps to the smallest MTU', () => {
    const out = new Uint8Array(MAX_REPORT);
    const four = listenerWith('10.0.0.1').listener;
    expect(four.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
    expect(four.write(out, 0, 0, 4)).toBe(0);
    const many = listenerWith(
      ...Array.from({ length: MAX_RECORDS + 9 }, (_, i) => `2001:db8::${(i + 1).toString(16)}`),
    ).listener;
    expect(many.write(out, 0, 1, 4)).toBe(0);
    expect(many.write(out, 0, 0, 4)).toBe(MAX_REPORT);
    expect(MAX_REPORT).toBeLessThanOrEqual(1280);
  });

  it('reports a change twice, within a second, and answers queries within their time', () => {
    const { listener, table } = listenerWith('2001:db8::1');
    expect(listener.nextTimeout()).toBeLessThan(0);
    expect(listener.take(100)).toBe(4);
    expect(listener.nextTimeout()).toBe(100 + 0.5e6);
    expect(listener.take(200)).toBe(0);
    expect(listener.take(100 + 0.5e6)).toBe(4);
    expect(listener.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
    table.add(parseAddress('2001:db8::2'), 64, 0);
    expect(listener.nextTimeout()).toBeLessThan(0);
    expect([listener.take(2e6), listener.take(3e6)]).toEqual([4, 4]);
    listener.query(4e6, 1000);
    expect(listener.nextTimeout()).toBe(4.5e6);
    // A later answer to a second query would not be earlier: one report serves both.
    listener.query(4.4e6, 10_000);
    expect(listener.nextTimeout()).toBe(4.5e6);
    expect(listener.take(4.5e6)).toBe(2);
    // Section 5.1.3: above 32767 the code is a floating-point number.
    listener.query(5e6, 0x8000);
    expect(listener.nextTimeout()).toBe(5e6 + (0x1000 << 3) * 500);
  });
});
