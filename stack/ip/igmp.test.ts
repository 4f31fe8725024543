import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../wire/address.js';
import * as igmp from '../wire/igmp.js';
import * as ipv4 from '../wire/ipv4.js';
import { CHANGE_TO_EXCLUDE, type GroupMessage, GroupReports } from './group-reports.js';
import { igmpInput, MAX_PACKET, MAX_RECORDS, writeIgmpPacket } from './igmp.js';
import { parsed } from './ip.test.helper.js';

const G = parseAddress('239.1.2.3');
const ALL = parseAddress('224.0.0.1');
const ROUTER = parseAddress('10.0.0.254');

const message = (version: 1 | 2 | 3, leave: boolean, ...groups: Uint8Array[]): GroupMessage => ({
  version,
  leave,
  records: groups.map((group) => ({ type: CHANGE_TO_EXCLUDE, group })),
});

/** A message of a router or another host: type, code, group, and what version 3 adds. */
function packet(bytes: number[], destination = ALL, ttl = 1): Uint8Array {
  const b = new Uint8Array(20 + bytes.length);
  ipv4.writeIpv4(b, 0, 0, b.length, 1, 0, ttl, igmp.IGMP_PROTOCOL, ROUTER, 0, destination, 0);
  b.set(bytes, 20);
  b.set([0, 0], 22);
  let sum = 0;
  for (let i = 20; i < b.length; i += 2) sum += (b[i] << 8) | b[i + 1];
  sum = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
  b.set([sum >>> 8, sum & 255], 22);
  return b;
}

describe('IGMP', () => {
  it('writes version 3 reports with a router alert, to 224.0.0.22 with a TTL of 1 (RFC 3376 section 4)', () => {
    const out = new Uint8Array(MAX_PACKET + 2);
    const to = new Uint8Array(16);
    const source = parseAddress('10.0.0.2');
    const length = writeIgmpPacket(out, 2, message(3, false, G, parseAddress('239.1.2.4')), 0, source, 7, to);
    const p = parsed(out.slice(2, 2 + length));
    expect([p.ttl, p.protocol, p.tos, p.payload]).toEqual([1, 2, 0xc0, 24]);
    expect(formatAddress(p.source)).toBe('10.0.0.2');
    expect(formatAddress(to)).toBe('224.0.0.22');
    expect([...out.subarray(22, 26)]).toEqual([148, 4, 0, 0]);
    expect(igmp.checkIgmp(out, 26, length - 24)).toBe(0);
    expect([...out.subarray(32, 42)]).toEqual([0, 2, CHANGE_TO_EXCLUDE, 0, 0, 0, 239, 1, 2, 3]);
    expect(igmp.describeIgmp(out, 26, length - 24)).toBe('igmp v3 report, 2 group record(s)');
  });

  it('writes versions 2 and 1: reports to the group, leaving to all routers', () => {
    const out = new Uint8Array(MAX_PACKET);
    const to = new Uint8Array(16);
    for (const [version, leave, type, where] of [
      [2, false, 0x16, '239.1.2.3'],
      [2, true, 0x17, '224.0.0.2'],
      [1, false, 0x12, '239.1.2.3'],
    ] as const) {
      expect(writeIgmpPacket(out, 0, message(version, leave, G), 0, null, 0, to)).toBe(32);
      expect([out[24], formatAddress(to), [...out.subarray(12, 16)]]).toEqual([type, where, [0, 0, 0, 0]]);
      expect(igmp.checkIgmp(out, 24, 8)).toBe(0);
    }
    const many = Array.from({ length: MAX_RECORDS + 1 }, (_, i) => parseAddress(`239.0.0.${i}`));
    expect(writeIgmpPacket(out, 0, message(3, false, ...many), 0, null, 0, to)).toBe(MAX_PACKET);
    expect(MAX_PACKET).toBeLessThanOrEqual(576);
  });

  it('takes queries of three versions, and ignores forged and damaged ones', () => {
    const asked = (b: Uint8Array) => {
      const reports = new GroupReports(() => 0x8000_0000);
      reports.sync(0, [G]);
      for (const at of [0, 0.5e6]) reports.take(at);
      const taken = igmpInput(1e6, b, parsed(b), reports);
      return taken ? [reports.version(1e6), (reports.nextTimeout() - 1e6) / 1e5] : null;
    };
    const none = [0, 0, 0, 0];
    const g = [239, 1, 2, 3];
    expect(asked(packet([0x11, 0, 0, 0, ...none]))).toEqual([1, 50]);
    expect(asked(packet([0x11, 20, 0, 0, ...none]))).toEqual([2, 10]);
    expect(asked(packet([0x11, 20, 0, 0, ...none, 2, 125, 0, 0]))).toEqual([3, 10]);
    expect(asked(packet([0x11, 20, 0, 0, ...g, 2, 125, 0, 0], G))).toEqual([3, 10]);
    // A general query to one host alone, from beyond the link, about no group, of no version, damaged.
    expect(asked(packet([0x11, 20, 0, 0, ...none, 2, 125, 0, 0], parseAddress('10.0.0.2')))).toBe(null);
    expect(asked(packet([0x11, 20, 0, 0, ...none, 2, 125, 0, 0], ALL, 64))).toBe(null);
    expect(asked(packet([0x11, 20, 0, 0, 10, 0, 0, 1, 2, 125, 0, 0]))).toBe(null);
    expect(asked(packet([0x11, 20, 0, 0, ...none, 2, 125]))).toBe(null);
    const damaged = packet([0x11, 20, 0, 0, ...none]);
    damaged[24] ^= 1;
    expect(asked(damaged)).toBe(null);
    expect(asked(packet([0x17, 0, 0, 0, ...g]))).toBe(null);
  });

  it('another member’s report spares ours (RFC 2236 section 3)', () => {
    const reports = new GroupReports(() => 0x8000_0000);
    reports.sync(0, [G]);
    for (const at of [0, 0.5e6]) reports.take(at);
    const query = packet([0x11, 100, 0, 0, 0, 0, 0, 0]);
    igmpInput(1e6, query, parsed(query), reports);
    const report = packet([0x16, 0, 0, 0, 239, 1, 2, 3], G);
    expect(igmpInput(2e6, report, parsed(report), reports)).toBe(true);
    expect(reports.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
  });
});
