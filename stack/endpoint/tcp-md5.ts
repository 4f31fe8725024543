// Signatures of TCP segments (RFC 2385): filling in the digest of what goes out, verifying what came in. Which key counts is
// the core's decision (tcp/md5.ts).
import { Md5 } from '../host/md5.js';
import type { FlowAddress } from '../tcp/flow-ends.js';
import { md5KeyFor } from '../tcp/md5.js';
import type { SegmentIn } from '../tcp/segment.js';
import type { Tcb } from '../tcp/tcb.js';
import { copyBytes } from '../wire/bytes.js';
import { TCP_OFF_CHECKSUM, TCP_PROTOCOL } from '../wire/tcp.js';

const md5 = new Md5();
const pseudo = new Uint8Array(40);
const header = new Uint8Array(20);
const digest = new Uint8Array(16);

/**
 * RFC 2385 section 2.0: the pseudo-header, the TCP header without options and with a checksum of zero, the data, the key;
 * with RFC 8200's pseudo-header for IPv6. The segment is `b[tcp, tcp+length)`, its data starts at `data`.
 */
function sign(
  source: Uint8Array,
  destination: Uint8Array,
  ipv6: boolean,
  b: Uint8Array,
  tcp: number,
  length: number,
  data: number,
  key: Uint8Array,
): void {
  md5.reset();
  if (ipv6) {
    copyBytes(pseudo, 0, source, 0, 16);
    copyBytes(pseudo, 16, destination, 0, 16);
    new DataView(pseudo.buffer).setUint32(32, length);
    pseudo[36] = 0;
    pseudo[37] = 0;
    pseudo[38] = 0;
    pseudo[39] = TCP_PROTOCOL;
    md5.update(pseudo, 0, 40);
  } else {
    copyBytes(pseudo, 0, source, 12, 4);
    copyBytes(pseudo, 4, destination, 12, 4);
    pseudo[8] = 0;
    pseudo[9] = TCP_PROTOCOL;
    pseudo[10] = length >>> 8;
    pseudo[11] = length;
    md5.update(pseudo, 0, 12);
  }
  copyBytes(header, 0, b, tcp, 20);
  header[TCP_OFF_CHECKSUM] = 0;
  header[TCP_OFF_CHECKSUM + 1] = 0;
  md5
    .update(header, 0, 20)
    .update(b, data, tcp + length)
    .update(key, 0, key.length)
    .digest(digest, 0);
}

/** Writes the digest of the segment at `b[tcp]` to `b[at]`; without a key for the peer the field stays zero. */
export function signSegment(
  keys: Tcb['opt']['md5Keys'],
  flow: FlowAddress,
  b: Uint8Array,
  tcp: number,
  length: number,
  at: number,
): void {
  const key = md5KeyFor(keys, flow.remoteAddress);
  if (key === null) return;
  const data = tcp + ((b[tcp + 12] >>> 4) << 2);
  sign(flow.localAddress, flow.remoteAddress, flow.ipv6, b, tcp, length, data, key.key);
  copyBytes(b, at, digest, 0, 16);
}

/** Whether a signed segment's digest is right for the key of its peer. One without a key, or unsigned, is the core's affair. */
export function verifySegment(keys: Tcb['opt']['md5Keys'], seg: SegmentIn): boolean {
  const at = seg.options.md5Offset;
  const key = at < 0 ? null : md5KeyFor(keys, seg.remoteAddress);
  if (key === null) return true;
  const { bytes, headerOffset, headerEnd } = seg;
  const length = headerEnd - headerOffset + seg.length;
  sign(seg.remoteAddress, seg.localAddress, seg.ipv6, bytes, headerOffset, length, headerEnd, key.key);
  let wrong = 0;
  for (let i = 0; i < 16; i++) wrong |= bytes[at + i] ^ digest[i];
  return wrong === 0;
}
