// The `ip` target's datagrams as packets: whose they are, what they carry, and their fragments. Knows no stack.

import { buildIp, buildUdp } from '../packets.js';
import type { Datagram } from './ip-commands.js';
import { streamBytes } from './stream-bytes.js';

/** Where every datagram goes. */
export const PORT = 9;

const address = (v6: boolean, last: number): Uint8Array =>
  v6 ? Uint8Array.of(0xfd, ...new Array<number>(14).fill(0), last) : Uint8Array.of(10, 0, 0, last);

export const sourceOf = (d: { v6: boolean; source: number }): Uint8Array => address(d.v6, 2 + d.source);
export const ownAddress = (v6: boolean): Uint8Array => address(v6, 1);

export function payloadOf(d: Datagram): Uint8Array {
  return streamBytes(d.source * 7919, Math.min(d.size, d.v6 ? 65_000 : 65_480));
}

/** What tells packets that are put together from others, for one destination and protocol. */
export function fragmentKey(source: Uint8Array, id: number): string {
  return `${source.length} ${source[source.length - 1]} ${id}`;
}

/** The datagram's fragments in order; one packet when it is not cut. */
export function piecesOf(d: Datagram): Uint8Array[] {
  const [src, dst] = [sourceOf(d), ownAddress(d.v6)];
  const whole = buildUdp(src, dst, 1000 + d.source, PORT, payloadOf(d));
  const places = [...new Set(d.cuts.map((cut) => cut * 8).filter((at) => at >= 8 && at < whole.length))].sort(
    (a, b) => a - b,
  );
  // What a link can carry.
  const cuts: number[] = [];
  let from = 0;
  const cut = (at: number): void => {
    cuts.push(at);
    from = at;
  };
  for (const place of [...places, whole.length]) {
    while (place - from > 1400) cut(from + 1400);
    if (place < whole.length && place !== from) cut(place);
  }
  if (cuts.length === 0) return [buildIp({ src, dst, protocol: 17, payload: whole, id: d.id })];
  const edges = [0, ...cuts, whole.length];
  return edges.slice(1).map((end, i) => {
    const fragment = { offset: edges[i], more: end < whole.length };
    return buildIp({ src, dst, protocol: 17, payload: whole.subarray(edges[i], end), id: d.id, fragment });
  });
}
