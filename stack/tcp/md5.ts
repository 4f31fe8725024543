// TCP MD5 signatures (RFC 2385): which key a connection uses and whether a segment is signed rightly.
// The digest itself is filled in by the output, at `SegmentOut.md5Offset` (wire/md5 is its owner).
import { counterIndex } from '../host/counters.js';
import type { SegmentIn } from './segment.js';
import type { Md5Key, Tcb } from './tcb.js';

const NOT_FOUND = counterIndex('TcpExtTCPMD5NotFound');
const UNEXPECTED = counterIndex('TcpExtTCPMD5Unexpected');

function matches(key: Md5Key, address: Uint8Array): boolean {
  const whole = key.prefix >>> 3;
  for (let i = 0; i < whole; i++) if (key.address[i] !== address[i]) return false;
  const rest = key.prefix & 7;
  if (rest === 0) return true;
  const mask = (0xff << (8 - rest)) & 0xff;
  return ((key.address[whole]! ^ address[whole]!) & mask) === 0;
}

/** The key for a peer: the longest prefix. */
export function md5KeyFor(keys: Md5Key[] | null, address: Uint8Array): Md5Key | null {
  let best: Md5Key | null = null;
  if (keys !== null) {
    for (const key of keys) {
      if (matches(key, address) && (best === null || key.prefix > best.prefix)) best = key;
    }
  }
  return best;
}

/** A key must come with a signature and a signature with a key; counts and refuses otherwise. */
function judge(tcb: Tcb, key: Md5Key | null, seg: SegmentIn): boolean {
  const signed = seg.options.md5Offset >= 0;
  if (key === null && !signed) return true;
  if (key !== null && signed) return true;
  tcb.host.counters.add(key === null ? UNEXPECTED : NOT_FOUND);
  return false;
}

/** May the connection take this segment? */
export function md5Acceptable(tcb: Tcb, seg: SegmentIn): boolean {
  if (tcb.opt.md5Keys === null && seg.options.md5Offset < 0) return true;
  return judge(tcb, md5KeyFor(tcb.opt.md5Keys, seg.remoteAddress), seg);
}

/** The same for a listener, whose keys are for many peers. */
export function md5AcceptableForListener(tcb: Tcb, seg: SegmentIn): boolean {
  return md5Acceptable(tcb, seg);
}

/** A connection takes over the key of its listener (or its own) for its peer. */
export function adoptMd5Key(tcb: Tcb, from: Tcb): void {
  const key = md5KeyFor(from.opt.md5Keys, tcb.remoteAddress);
  tcb.opt.md5Keys = key === null ? null : [key];
  tcb.opt.md5Active = key !== null;
}
