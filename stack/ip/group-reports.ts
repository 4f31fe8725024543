// When a host tells routers about its multicast groups, and in which version: the part that IGMP (RFC 1112, 2236, 3376) and
// MLD (RFC 2710, 3810) have in common, for one family on one link. Any-source groups. Sans-IO: queries, other hosts'
// reports and the wanted groups come in; what is to be sent comes out of `take`. Versions are counted as IGMP's: 3 is IGMPv3
// and MLDv2, 2 is IGMPv2 and MLDv1, 1 is IGMPv1.
import { equalAddress } from '../wire/address.js';

/** Record types of version 3 (RFC 3376 section 4.2.12, RFC 3810 section 5.2.12). */
export const MODE_IS_EXCLUDE = 2;
export const CHANGE_TO_INCLUDE = 3;
export const CHANGE_TO_EXCLUDE = 4;

/** RFC 3376 sections 8.1, 8.2, RFC 3810 sections 9.1, 9.2: until a querier says otherwise. Times in µs. */
const ROBUSTNESS = 2;
const QUERY_INTERVAL = 125e6;
/** A querier's word on these is believed up to here; 7 is the field's largest. */
const MAX_ROBUSTNESS = 7;
/** RFC 3376 section 8.11; RFC 3810 section 9.11. RFC 2236 section 8.10 and RFC 2710 section 7.10 have ten seconds. */
const UNSOLICITED_INTERVAL = 1e6;
const UNSOLICITED_INTERVAL_OLD = 10e6;
/** Records of groups that were left and are still to be told. */
const MAX_LEFT = 256;

const NEVER = Number.POSITIVE_INFINITY;

export interface GroupQuery {
  version: 1 | 2 | 3;
  /** Null: all groups. */
  group: Uint8Array | null;
  /** µs within which to answer. */
  maxResponse: number;
  /** Of version 3; 0: not said. Interval in µs. */
  robustness: number;
  interval: number;
}

/** One thing to send: records of one report (version 3), or one message about one group. */
export interface GroupMessage {
  version: 1 | 2 | 3;
  leave: boolean;
  /** Version 3: pairs of record type and group. Older: one pair. */
  records: { type: number; group: Uint8Array }[];
}

interface Group {
  readonly address: Uint8Array;
  joined: boolean;
  /** State-change reports still to be sent. */
  changes: number;
  /** When a query about this group is answered. */
  answer: number;
  /** We were the last to report it, as far as one hears: leaving is ours to tell (RFC 2236 section 3). */
  reporter: boolean;
}

export class GroupReports {
  readonly #random32: () => number;
  /** Joined, and left ones whose leaving is still to be told. */
  readonly #groups: Group[] = [];
  #robustness = ROBUSTNESS;
  #interval = QUERY_INTERVAL;
  /** Until when queriers of version 1 and 2 count as present. */
  #olderUntil: [number, number] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  #changeDue = NEVER;
  #answerAllDue = NEVER;
  /** Version in which the last thing was planned: a change of it cancels what was planned (RFC 3376 section 7.2.1). */
  #planned: 1 | 2 | 3 = 3;

  constructor(random32: () => number) {
    this.#random32 = random32;
  }

  /** The version that is spoken at `now`. */
  version(now: number): 1 | 2 | 3 {
    return now < this.#olderUntil[0] ? 1 : now < this.#olderUntil[1] ? 2 : 3;
  }

  /** What the host is in now. New groups are reported at once, and again (RFC 3376 section 5.1, RFC 3810 section 6.1). */
  sync(now: number, wanted: readonly Uint8Array[]): void {
    const same = (x: Uint8Array, y: Uint8Array) => equalAddress(x, 0, y, 0);
    for (const g of this.#groups) {
      if (!g.joined || wanted.some((each) => same(each, g.address))) continue;
      g.joined = false;
      this.#changed(now, g);
    }
    for (const address of wanted) {
      let g = this.#groups.find((each) => same(each.address, address));
      if (g?.joined) continue;
      if (g === undefined) {
        g = { address: Uint8Array.from(address), joined: true, changes: 0, answer: NEVER, reporter: false };
        this.#groups.push(g);
      }
      g.joined = true;
      this.#changed(now, g);
    }
    // Joining and leaving in turn must not fill the memory: who left first is not spoken of any more.
    let left = this.#groups.filter((g) => !g.joined).length;
    for (let i = 0; left > MAX_LEFT; i++) {
      if (this.#groups[i].joined) continue;
      this.#groups.splice(i--, 1);
      left--;
    }
  }

  /** A query came (RFC 3376 sections 5.2, 7.2.1, 8.12; RFC 3810 sections 6.2, 8.2.1, 9.12). */
  query(now: number, query: GroupQuery): void {
    if (query.version === 3) {
      if (query.robustness > 0) this.#robustness = Math.min(query.robustness, MAX_ROBUSTNESS);
      if (query.interval > 0) this.#interval = query.interval;
    } else if (query.group === null) {
      this.#olderUntil[query.version - 1] = now + this.#robustness * this.#interval + query.maxResponse;
    }
    this.#switchVersion(now);
    const due = now + (this.#random32() / 2 ** 32) * query.maxResponse;
    // What answers all groups in time answers this question too.
    if (this.#answerAllDue <= due) return;
    const v3 = this.version(now) === 3;
    if (query.group === null && v3) {
      this.#answerAllDue = due;
      return;
    }
    for (const g of this.#groups) {
      if (!g.joined || (query.group !== null && !equalAddress(g.address, 0, query.group, 0))) continue;
      // Older versions: a delay for each group by itself (RFC 2236 section 3).
      const at = v3 ? due : now + (this.#random32() / 2 ** 32) * query.maxResponse;
      g.answer = Math.min(g.answer, at);
    }
  }

  /** Another host reported the group in an older version: ours is not needed (RFC 2236 section 3). */
  heard(now: number, group: Uint8Array): void {
    if (this.version(now) === 3) return;
    for (const g of this.#groups) {
      if (!equalAddress(g.address, 0, group, 0)) continue;
      g.answer = NEVER;
      g.reporter = false;
      if (g.joined) g.changes = 0;
    }
  }

  nextTimeout(): number {
    let next = Math.min(this.#changeDue, this.#answerAllDue);
    for (const g of this.#groups) if (g.answer < next) next = g.answer;
    return next;
  }

  /** What is to be sent at `now`; empty when nothing is due. */
  take(now: number): GroupMessage[] {
    this.#switchVersion(now);
    const messages: GroupMessage[] = [];
    const version = this.version(now);
    if (this.#changeDue <= now) this.#takeChanges(now, version, messages);
    const answered: GroupMessage['records'] = [];
    const all = this.#answerAllDue <= now;
    if (all) this.#answerAllDue = NEVER;
    for (const g of this.#groups) {
      if (!all && g.answer > now) continue;
      g.answer = NEVER;
      if (!g.joined) continue;
      g.reporter = true;
      if (version === 3) answered.push({ type: MODE_IS_EXCLUDE, group: g.address });
      else messages.push({ version, leave: false, records: [{ type: MODE_IS_EXCLUDE, group: g.address }] });
    }
    if (answered.length > 0) messages.push({ version, leave: false, records: answered });
    return messages;
  }

  #takeChanges(now: number, version: 1 | 2 | 3, messages: GroupMessage[]): void {
    const records: GroupMessage['records'] = [];
    let more = false;
    for (let i = 0; i < this.#groups.length; i++) {
      const g = this.#groups[i];
      if (g.changes === 0) continue;
      g.changes--;
      if (g.changes > 0) more = true;
      const type = g.joined ? CHANGE_TO_EXCLUDE : CHANGE_TO_INCLUDE;
      if (version === 3) {
        records.push({ type, group: g.address });
        g.reporter = true;
      } else if (g.joined) {
        messages.push({ version, leave: false, records: [{ type, group: g.address }] });
        g.reporter = true;
      } else {
        // Version 1 has no leaving; in version 2 the last reporter says it, once.
        if (version === 2 && g.reporter) {
          messages.push({ version, leave: true, records: [{ type, group: g.address }] });
        }
        g.changes = 0;
      }
      if (!g.joined && g.changes === 0) this.#groups.splice(i--, 1);
    }
    if (records.length > 0) messages.push({ version, leave: false, records });
    const interval = version === 3 ? UNSOLICITED_INTERVAL : UNSOLICITED_INTERVAL_OLD;
    this.#changeDue = more ? now + (this.#random32() / 2 ** 32) * interval : NEVER;
  }

  #changed(now: number, g: Group): void {
    g.changes = this.#robustness;
    g.answer = NEVER;
    this.#changeDue = Math.min(this.#changeDue, now);
  }

  #switchVersion(now: number): void {
    const version = this.version(now);
    if (version === this.#planned) return;
    this.#planned = version;
    this.#answerAllDue = NEVER;
    for (const g of this.#groups) g.answer = NEVER;
  }
}

/** Maximum Resp Code and QQIC of version 3: above 127 (15 bits: 32767) a floating-point number (RFC 3376 4.1.1, RFC 3810 5.1.3). */
export function expandCode(code: number, bits: 8 | 16): number {
  if (bits === 8) return code < 0x80 ? code : ((code & 0x0f) | 0x10) << (((code >>> 4) & 7) + 3);
  return code < 0x8000 ? code : ((code & 0x0fff) | 0x1000) << (((code >>> 12) & 7) + 3);
}
