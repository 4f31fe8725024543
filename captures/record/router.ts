// What a router on the wire of a recording does to packets: marks congestion, cuts IPv4 packets up, refuses those that are
// too big (RFC 791, RFC 1191, RFC 8201, RFC 3168).

import { finish, sumBytes } from '../../stack/wire/checksum.js';
import { finishHeader } from '../../stack/wire/ipv4.js';

/** Marks an ECN-capable packet as having met congestion. */
export function markCongestion(b: Uint8Array): void {
  if (b[0]! >>> 4 === 4) {
    if ((b[1]! & 3) === 0) return;
    b[1]! |= 3;
    finishHeader(b, 0);
  } else if ((b[1]! & 0x30) !== 0) b[1]! |= 0x30;
}

/** The IPv4 packet in pieces of at most `mtu` bytes. */
export function fragments4(b: Uint8Array, mtu: number): Uint8Array[] {
  const head = (b[0]! & 15) * 4;
  const room = (mtu - head) & ~7;
  const pieces: Uint8Array[] = [];
  for (let at = head; at < b.length; at += room) {
    const end = Math.min(at + room, b.length);
    const piece = new Uint8Array(head + end - at);
    piece.set(b.subarray(0, head));
    piece.set(b.subarray(at, end), head);
    const view = new DataView(piece.buffer);
    view.setUint16(2, piece.length);
    view.setUint16(6, ((at - head) >>> 3) | (end < b.length ? 0x2000 : 0));
    finishHeader(piece, 0);
    pieces.push(piece);
  }
  return pieces;
}

/** "Fragmentation needed" or "packet too big" about `b`, from the packet's own destination. */
export function tooBig(b: Uint8Array, mtu: number): Uint8Array {
  return b[0]! >>> 4 === 4 ? tooBig4(b, mtu) : tooBig6(b, mtu);
}

function tooBig4(b: Uint8Array, mtu: number): Uint8Array {
  const quoted = b.subarray(0, Math.min(b.length, 48));
  const out = new Uint8Array(28 + quoted.length);
  const view = new DataView(out.buffer);
  out[0] = 0x45;
  view.setUint16(2, out.length);
  out[8] = 64;
  out[9] = 1;
  out.set(b.subarray(16, 20), 12);
  out.set(b.subarray(12, 16), 16);
  finishHeader(out, 0);
  out[20] = 3;
  out[21] = 4;
  view.setUint16(26, mtu);
  out.set(quoted, 28);
  view.setUint16(22, finish(sumBytes(out, 20, out.length)));
  return out;
}

function tooBig6(b: Uint8Array, mtu: number): Uint8Array {
  const quoted = b.subarray(0, Math.min(b.length, 1232));
  const out = new Uint8Array(48 + quoted.length);
  const view = new DataView(out.buffer);
  out[0] = 0x60;
  view.setUint16(4, 8 + quoted.length);
  out[6] = 58;
  out[7] = 64;
  out.set(b.subarray(24, 40), 8);
  out.set(b.subarray(8, 24), 24);
  out[40] = 2;
  view.setUint32(44, mtu);
  out.set(quoted, 48);
  const pseudo = sumBytes(out, 8, 40) + 58 + 8 + quoted.length;
  view.setUint16(42, finish(pseudo + sumBytes(out, 40, out.length)));
  return out;
}
