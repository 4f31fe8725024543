// Segments that a device would have carried as one: consecutive outbound packets are taken together until the
// script's length is reached, as packetdrill does unless --strict_segments is given. The pieces must agree in all
// header fields that segmentation offload copies; FIN, PSH and CWR may differ.

import { ACK, AE, CWR, type DecodedPacket, type DecodedTcp, ECE, RST, SYN, URG } from './decode.js';

/** Null when `next` may follow `previous` in one super-packet, else the first thing that keeps it from it. */
export function cannotFollow(
  next: DecodedPacket,
  previous: DecodedPacket,
  gathered: number,
  wanted: number,
): string | null {
  const n = next.transport;
  const p = previous.transport;
  if (n.kind !== p.kind || next.outer.length !== previous.outer.length) return 'headers';
  if (n.kind === 'tcp' && p.kind === 'tcp') {
    const field = tcpMismatch(n, p, previous.payloadLength);
    if (field) return field;
  }
  // All but the last piece are of one size.
  if (next.payloadLength < wanted - gathered && next.payloadLength !== previous.payloadLength) {
    return `payload length (${previous.payloadLength} then ${next.payloadLength} bytes)`;
  }
  return null;
}

const COPIED = [
  ['syn', SYN],
  ['rst', RST],
  ['ack', ACK],
  ['urg', URG],
  ['ece', ECE],
  ['ae', AE],
] as const;

function tcpMismatch(n: DecodedTcp, p: DecodedTcp, previousLength: number): string | null {
  if (n.headerLength !== p.headerLength) return 'header length';
  for (const [name, mask] of COPIED) if ((n.flags & mask) !== (p.flags & mask)) return name;
  if ((p.sequence + previousLength) >>> 0 !== n.sequence) return 'sequence number';
  if (p.ack !== n.ack) return 'ack';
  if (p.window !== n.window) return 'window';
  if (p.urgent !== n.urgent) return 'urgent pointer';
  return null;
}

/** The pieces as one packet: headers of the last, sequence number and CWR of the first, all payloads in a row. */
export function mergePackets(pieces: readonly DecodedPacket[]): DecodedPacket {
  const first = pieces[0]!;
  const last = pieces[pieces.length - 1]!;
  if (pieces.length === 1) return first;
  const total = pieces.reduce((sum, p) => sum + p.payloadLength, 0);
  const bytes = new Uint8Array(last.payloadOffset + total);
  bytes.set(last.bytes.subarray(0, last.payloadOffset));
  let at = last.payloadOffset;
  for (const p of pieces) {
    bytes.set(p.bytes.subarray(p.payloadOffset, p.payloadOffset + p.payloadLength), at);
    at += p.payloadLength;
  }
  const merged = { ...last, bytes, payloadLength: total };
  if (first.transport.kind !== 'tcp' || last.transport.kind !== 'tcp') return merged;
  const flags = (last.transport.flags & ~CWR) | (first.transport.flags & CWR);
  return { ...merged, transport: { ...last.transport, sequence: first.transport.sequence, flags } };
}
