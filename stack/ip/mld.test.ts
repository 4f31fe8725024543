import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../wire/address.js';
import { checkIcmpv6, finishIcmpv6 } from '../wire/icmpv6.js';
import { AddressTable } from './addresses.js';
import { CHANGE_TO_EXCLUDE, type GroupMessage, GroupReports } from './group-reports.js';
import { parsed } from './ip.test.helper.js';
import {
  MAX_RECORDS,
  MAX_REPORT,
  MLD_DONE,
  MLD_QUERY,
  MLD_REPORT,
  MLD2_REPORT,
  mldInput,
  writeMldPacket,
} from './mld.js';

const OWN = parseAddress('fe80::2');
const ROUTER = parseAddress('fe80::1');
const G = parseAddress('ff02::1:ff00:2');

function tableWith(...addresses: string[]): AddressTable {
  const table = new AddressTable();
  for (const text of addresses) table.add(parseAddress(text), text.includes(':') ? 64 : 120, 0);
  return table;
}

const message = (version: 1 | 2 | 3, leave: boolean, ...groups: Uint8Array[]): GroupMessage => ({
  version,
  leave,
  records: groups.map((group) => ({ type: CHANGE_TO_EXCLUDE, group })),
});

/** A query or report as a router or another host sends it; `bytes` behind the group are version 2's. */
function mld(type: number, code: number, group: Uint8Array, more: number[] = [], source = ROUTER, hops = 1) {
  const body = 24 + more.length;
  const b = new Uint8Array(48 + body);
  b.set([0x60, 0, 0, 0, 0, 8 + body, 0, hops]);
  b.set(source, 8);
  b.set(parseAddress('ff02::1'), 24);
  b.set([58, 0, 5, 2, 0, 0, 1, 0], 40);
  b.set([type, 0, 0, 0, code >>> 8, code & 255], 48);
  b.set(group, 56);
  b.set(more, 72);
  finishIcmpv6(b, 48, body, b, 8, b, 24);
  return b;
}

describe('multicast listener discovery', () => {
  it('reports from the link-local address, as RFC 3810 section 5.2 says', () => {
    const table = tableWith('2001:db8::12:3456', 'fe80::2', '2001:db8:1::12:3456', '10.0.0.1');
    const groups = table.reportable(0, false);
    // Two addresses share a group, IPv4 has none.
    expect(groups.map((each) => formatAddress(each))).toEqual(['ff02::1:ff12:3456', 'ff02::1:ff00:2']);
    expect(table.reportable(1, false)).toEqual([]);
    const out = new Uint8Array(MAX_REPORT + 4).fill(0xee);
    const to = new Uint8Array(16);
    const length = writeMldPacket(out, 4, message(3, false, ...groups), 0, OWN, to);
    // IPv6, hop-by-hop, report, two records.
    expect(length).toBe(40 + 8 + 8 + 2 * 20);
    expect(out[4 + 6]).toBe(0);
    expect(out[4 + 7]).toBe(1);
    expect(formatAddress(out, 4 + 8)).toBe('fe80::2');
    expect(formatAddress(out, 4 + 24)).toBe('ff02::16');
    expect(formatAddress(to)).toBe('ff02::16');
    expect([...out.subarray(44, 52)]).toEqual([58, 0, 5, 2, 0, 0, 1, 0]);
    expect(out[52]).toBe(MLD2_REPORT);
    expect([...out.subarray(58, 64)]).toEqual([0, 2, 4, 0, 0, 0]);
    expect(formatAddress(out, 64)).toBe('ff02::1:ff12:3456');
    expect(formatAddress(out, 84)).toBe('ff02::1:ff00:2');
    const whole = out.slice(4, 4 + length);
    expect(checkIcmpv6(whole, 0, 48, length - 48)).toBe(0);
  });

  it('cuts reports to the smallest MTU, and speaks version 1 where that is asked (RFC 2710)', () => {
    const many = Array.from({ length: MAX_RECORDS + 9 }, (_, i) =>
      parseAddress(`ff02::${(i + 2).toString(16)}`),
    );
    const out = new Uint8Array(MAX_REPORT);
    const to = new Uint8Array(16);
    expect(writeMldPacket(out, 0, message(3, false, ...many), 0, null, to)).toBe(MAX_REPORT);
    expect(formatAddress(out, 8)).toBe('::');
    expect(MAX_REPORT).toBeLessThanOrEqual(1280);
    expect(writeMldPacket(out, 0, message(3, false, ...many), MAX_RECORDS, null, to)).toBe(56 + 9 * 20);
    for (const [leave, type, where] of [
      [false, MLD_REPORT, 'ff02::1:ff00:2'],
      [true, MLD_DONE, 'ff02::2'],
    ] as const) {
      const length = writeMldPacket(out, 0, message(2, leave, G), 0, OWN, to);
      expect([length, out[48], formatAddress(to), formatAddress(out, 56)]).toEqual([
        72,
        type,
        where,
        'ff02::1:ff00:2',
      ]);
      expect(checkIcmpv6(out, 0, 48, 24)).toBe(0);
    }
  });

  it('takes queries of both versions, and only true ones (RFC 3810 section 6.2)', () => {
    const any = new Uint8Array(16);
    const delayAfter = (b: Uint8Array): number | null => {
      const reports = new GroupReports(() => 0x8000_0000);
      reports.sync(0, [G]);
      for (const at of [0, 0.5e6]) reports.take(at);
      return mldInput(1e6, b, parsed(b), reports) ? reports.nextTimeout() - 1e6 : null;
    };
    expect(delayAfter(mld(MLD_QUERY, 1000, any, [2, 125, 0, 0]))).toBe(0.5e6);
    expect(delayAfter(mld(MLD_QUERY, 1000, any))).toBe(0.5e6);
    expect(delayAfter(mld(MLD_QUERY, 0x8000, any, [2, 125, 0, 0]))).toBe((0x1000 << 3) * 500);
    expect(delayAfter(mld(MLD_QUERY, 1000, G, [2, 125, 0, 0]))).toBe(0.5e6);
    // From no link-local address, with a hop limit of more than one, without a router alert, about no group.
    expect(delayAfter(mld(MLD_QUERY, 1000, any, [2, 125, 0, 0], parseAddress('2001:db8::1')))).toBe(null);
    expect(delayAfter(mld(MLD_QUERY, 1000, any, [2, 125, 0, 0], ROUTER, 2))).toBe(null);
    expect(delayAfter(mld(MLD_QUERY, 1000, any, [2, 125]))).toBe(null);
    expect(delayAfter(mld(MLD_QUERY, 1000, parseAddress('2001:db8::1'), [2, 125, 0, 0]))).toBe(null);
    const padded = mld(MLD_QUERY, 1000, any, [2, 125, 0, 0]);
    padded.set([1, 4, 0, 0, 0, 0], 42);
    expect(delayAfter(padded)).toBe(null);
  });

  it('another listener’s version 1 report spares ours', () => {
    const reports = new GroupReports(() => 0x8000_0000);
    reports.sync(0, [G]);
    for (const at of [0, 0.5e6]) reports.take(at);
    const asked = mld(MLD_QUERY, 1000, new Uint8Array(16));
    expect(mldInput(1e6, asked, parsed(asked), reports)).toBe(true);
    const report = mld(MLD_REPORT, 0, G, [], new Uint8Array(16));
    expect(mldInput(1.1e6, report, parsed(report), reports)).toBe(true);
    expect(reports.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
  });
});
