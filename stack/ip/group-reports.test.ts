import { describe, expect, it } from 'vitest';
import { parseAddress } from '../wire/address.js';
import {
  CHANGE_TO_EXCLUDE,
  CHANGE_TO_INCLUDE,
  expandCode,
  type GroupQuery,
  GroupReports,
  MODE_IS_EXCLUDE,
} from './group-reports.js';

const G = parseAddress('239.1.2.3');
const H = parseAddress('239.1.2.4');
/** Chance that is always one half. */
const reports = () => new GroupReports(() => 0x8000_0000);
const query = (part: Partial<GroupQuery> = {}): GroupQuery => ({
  version: 3,
  group: null,
  maxResponse: 10e6,
  robustness: 0,
  interval: 0,
  ...part,
});
const types = (r: GroupReports, now: number) =>
  r.take(now).map((m) => ({ v: m.version, leave: m.leave, types: m.records.map((each) => each.type) }));

describe('when groups are reported', () => {
  it('a new group at once and again within a second, leaving likewise (RFC 3376 section 5.1)', () => {
    const r = reports();
    r.sync(100, [G]);
    expect(r.nextTimeout()).toBe(100);
    expect(types(r, 100)).toEqual([{ v: 3, leave: false, types: [CHANGE_TO_EXCLUDE] }]);
    expect(r.nextTimeout()).toBe(100 + 0.5e6);
    expect(types(r, 200)).toEqual([]);
    expect(types(r, 100 + 0.5e6)).toEqual([{ v: 3, leave: false, types: [CHANGE_TO_EXCLUDE] }]);
    expect(r.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
    r.sync(1e6, []);
    expect(types(r, 1e6)).toEqual([{ v: 3, leave: false, types: [CHANGE_TO_INCLUDE] }]);
    expect(types(r, 1.5e6)).toEqual([{ v: 3, leave: false, types: [CHANGE_TO_INCLUDE] }]);
    expect(r.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
    // What is gone is gone: a query gets no answer.
    r.query(2e6, query());
    expect(types(r, 20e6)).toEqual([]);
  });

  it('a query within its time, all groups in one report; one that is answered already asks for nothing more', () => {
    const r = reports();
    r.sync(0, [G, H]);
    types(r, 0);
    types(r, 0.5e6);
    r.query(1e6, query());
    expect(r.nextTimeout()).toBe(6e6);
    r.query(2e6, query({ group: G }));
    expect(r.nextTimeout()).toBe(6e6);
    expect(types(r, 6e6)).toEqual([{ v: 3, leave: false, types: [MODE_IS_EXCLUDE, MODE_IS_EXCLUDE] }]);
    r.query(10e6, query({ group: H, maxResponse: 2e6 }));
    expect(r.nextTimeout()).toBe(11e6);
    expect(r.take(11e6)[0].records).toEqual([{ type: MODE_IS_EXCLUDE, group: H }]);
    r.query(12e6, query({ group: parseAddress('239.9.9.9') }));
    expect(r.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
  });

  it('takes the querier’s robustness, within what its field can say', () => {
    const r = reports();
    r.query(0, query({ robustness: 4 }));
    types(r, 20e6);
    r.sync(30e6, [G]);
    let sent = 0;
    for (let at = 30e6; sent < 20 && r.nextTimeout() <= at; at += 0.5e6) sent += r.take(at).length;
    expect(sent).toBe(4);
  });

  it('falls back to version 2 and 1 while such queriers are there, and comes back (RFC 3376 section 7.2)', () => {
    const r = reports();
    r.sync(0, [G]);
    types(r, 0);
    types(r, 0.5e6);
    r.query(1e6, query({ version: 2 }));
    expect(r.version(1e6)).toBe(2);
    expect(types(r, 6e6)).toEqual([{ v: 2, leave: false, types: [MODE_IS_EXCLUDE] }]);
    // Another member's report: ours is spared, and leaving is the other's to tell.
    r.query(7e6, query({ version: 2 }));
    r.heard(8e6, G);
    expect(types(r, 20e6)).toEqual([]);
    r.sync(21e6, []);
    expect(types(r, 21e6)).toEqual([]);
    r.sync(22e6, [H]);
    expect(types(r, 22e6)).toEqual([{ v: 2, leave: false, types: [CHANGE_TO_EXCLUDE] }]);
    r.sync(23e6, []);
    expect(types(r, 23e6)).toEqual([{ v: 2, leave: true, types: [CHANGE_TO_INCLUDE] }]);
    // Version 1 wins over 2 and knows no leaving. Two times 125 s and the answer's ten: then it is forgotten.
    r.query(24e6, query({ version: 1 }));
    expect(r.version(24e6)).toBe(1);
    r.sync(24e6, [G]);
    expect(types(r, 24e6)[0].v).toBe(1);
    r.sync(25e6, []);
    expect(types(r, 25e6)).toEqual([]);
    expect(r.version(24e6 + 260e6)).toBe(3);
  });

  it('what was reported in version 3 is left in version 2', () => {
    const r = reports();
    r.sync(0, [G]);
    types(r, 0);
    r.query(1, query({ version: 2 }));
    r.sync(2, []);
    expect(types(r, 2)).toEqual([{ v: 2, leave: true, types: [CHANGE_TO_INCLUDE] }]);
  });

  it('a change of version cancels what was planned in the other', () => {
    const r = reports();
    r.sync(0, [G]);
    types(r, 0);
    types(r, 0.5e6);
    r.query(1e6, query());
    expect(r.nextTimeout()).toBe(6e6);
    r.query(2e6, query({ version: 2, group: null, maxResponse: 20e6 }));
    expect(r.nextTimeout()).toBe(12e6);
  });

  it('keeps no more than 256 groups that were left', () => {
    const r = reports();
    for (let i = 0; i < 2000; i++) {
      r.sync(0, [parseAddress(`239.0.${i >> 8}.${i & 255}`)]);
      r.sync(0, []);
    }
    expect(r.take(0)[0].records.length).toBe(256);
  });

  it('reads floating-point codes (RFC 3376 section 4.1.1, RFC 3810 section 5.1.3)', () => {
    expect([0x7f, 0x80, 0xff].map((code) => expandCode(code, 8))).toEqual([127, 128, 31 << 10]);
    expect([0x7fff, 0x8000, 0xffff].map((code) => expandCode(code, 16))).toEqual([
      32767,
      32768,
      0x1fff << 10,
    ]);
  });
});
