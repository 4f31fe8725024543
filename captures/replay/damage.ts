// Segments that were damaged on their way into the capture: their checksum is wrong though their sender's others are right.
// A host that leaves checksums to its device has wrong ones everywhere, or the sum of the pseudo-header alone.

import { getU16 } from '../../stack/wire/bytes.js';
import { partialChecksum, pseudoSum, sumBytes, verifies } from '../../stack/wire/checksum.js';
import { TCP_PROTOCOL } from '../../stack/wire/tcp.js';
import type { Segment } from '../streams/segment.js';
import type { Directed } from './clock.js';

/** Where the checksum stands in a TCP header. */
const CHECKSUM = 16;
/** Beyond it nothing went over a wire as it is: a device cut it up or put it together, and changed no checksum. */
const LARGEST_FRAME = 9_000;

type Finding = 'right' | 'wrong' | 'unknown';

/** The packets without those that are damaged. */
export function undamaged(packets: readonly Directed[]): readonly Directed[] {
  const found = packets.map(({ item }) => (item.kind === 'tcp' ? checksum(item) : 'unknown'));
  const count = (direction: number, finding: Finding): number =>
    packets.reduce((n, p, i) => n + (p.direction === direction && found[i] === finding ? 1 : 0), 0);
  const believed = [0, 1].map((direction) => count(direction, 'right') > count(direction, 'wrong'));
  return packets.filter((p, i) => found[i] !== 'wrong' || !believed[p.direction]);
}

function checksum(s: Segment): Finding {
  const { bytes } = s;
  const whole = !s.headerSnapped && !s.malformed && s.payload.length === s.length;
  if (!whole || bytes.length > LARGEST_FRAME) return 'unknown';
  const pseudo = pseudoSum(s.source, 0, s.destination, 0, TCP_PROTOCOL, bytes.length);
  if (verifies(pseudo + sumBytes(bytes, 0, bytes.length))) return 'right';
  const carried = getU16(bytes, CHECKSUM);
  // 0: nobody filled it in. The pseudo-header's sum: the device was to add the rest; some leave the length out, too.
  const without = pseudoSum(s.source, 0, s.destination, 0, TCP_PROTOCOL, 0);
  const open = [0, partialChecksum(pseudo), partialChecksum(without)];
  return open.includes(carried) ? 'unknown' : 'wrong';
}
