// Cutting a packet of ours into fragments that fit a path (RFC 791 section 3.2, RFC 8200 section 4.5), one at a time into
// the caller's bytes. For UDP and ICMP; TCP sends segments that fit. Knows one packet, no routes.

import * as ipv4 from '../wire/ipv4.js';
import * as ipv6 from '../wire/ipv6.js';
import {
  IPPROTO_HOPOPTS,
  IPPROTO_ROUTING,
  IPV6_FRAGMENT_HEADER,
  writeFragmentHeader,
} from '../wire/ipv6-extensions.js';

/** Packets that cannot be cut. */
export class FragmentationError extends Error {
  readonly code: 'EMSGSIZE' | 'EINVAL';
  constructor(code: FragmentationError['code'], message: string) {
    super(`${code}: ${message}`);
    this.name = 'FragmentationError';
    this.code = code;
  }
}

/** Cuts one packet after the other: `start`, then `next` until it returns 0. */
export class Fragmenter {
  #b: Uint8Array = new Uint8Array(0);
  #o = 0;
  #ipv6 = false;
  /** Bytes repeated in each fragment; of the rest, how much there is, is done, and goes into one fragment. */
  #head = 0;
  #data = 0;
  #done = 0;
  #piece = 0;
  #id = 0;
  /** IPv6: where the unfragmentable part names what follows, and what that is. */
  #nextAt = 0;
  #next = 0;

  /**
   * Prepares the whole packet of `len` bytes at `b[o]`, which must stay as it is, for packets of at most `mtu` bytes under
   * identification `id`. EMSGSIZE for an IPv4 packet with DF; EINVAL for IPv4 options (none of ours has any) or an MTU
   * without room for eight bytes of data.
   */
  start(b: Uint8Array, o: number, len: number, mtu: number, id: number): void {
    this.#b = b;
    this.#o = o;
    this.#id = id;
    this.#done = 0;
    this.#ipv6 = b[o] >>> 4 === 6;
    if (this.#ipv6) this.#split6();
    else {
      if (ipv4.headerLength(b, o) !== ipv4.IPV4_MIN_HEADER)
        throw new FragmentationError('EINVAL', 'IPv4 options');
      if (ipv4.dontFragment(b, o)) throw new FragmentationError('EMSGSIZE', "don't-fragment is set");
      this.#head = ipv4.IPV4_MIN_HEADER;
    }
    this.#data = len - this.#head;
    this.#piece = (mtu - this.#head - (this.#ipv6 ? IPV6_FRAGMENT_HEADER : 0)) & ~7;
    if (this.#piece < 8) throw new FragmentationError('EINVAL', `an MTU of ${mtu} has no room`);
  }

  /** Fragments that `next` will give in all. */
  get count(): number {
    return Math.ceil(this.#data / this.#piece);
  }

  /** Writes the next fragment as a whole packet to `out[at]` and returns its length; 0 when all are out. */
  next(out: Uint8Array, at: number): number {
    if (this.#done >= this.#data) return 0;
    const length = Math.min(this.#piece, this.#data - this.#done);
    const more = this.#done + length < this.#data;
    const head = this.#head;
    out.set(this.#b.subarray(this.#o, this.#o + head), at);
    let body = at + head;
    if (this.#ipv6) {
      out[at + this.#nextAt] = 44;
      body = writeFragmentHeader(out, body, this.#next, this.#done, more, this.#id);
      const payload = body - at - ipv6.IPV6_HEADER + length;
      out[at + ipv6.IPV6_OFF_PAYLOAD_LENGTH] = payload >>> 8;
      out[at + ipv6.IPV6_OFF_PAYLOAD_LENGTH + 1] = payload;
    } else {
      const total = head + length;
      const word = (more ? ipv4.IPV4_MF : 0) | (this.#done >>> 3);
      out[at + ipv4.IPV4_OFF_TOTAL_LENGTH] = total >>> 8;
      out[at + ipv4.IPV4_OFF_TOTAL_LENGTH + 1] = total;
      out[at + ipv4.IPV4_OFF_ID] = this.#id >>> 8;
      out[at + ipv4.IPV4_OFF_ID + 1] = this.#id;
      out[at + ipv4.IPV4_OFF_FRAGMENT] = word >>> 8;
      out[at + ipv4.IPV4_OFF_FRAGMENT + 1] = word;
      ipv4.finishHeader(out, at);
    }
    const from = this.#o + head + this.#done;
    out.set(this.#b.subarray(from, from + length), body);
    this.#done += length;
    return body - at + length;
  }

  // The unfragmentable part: up to and with hop-by-hop and routing headers (RFC 8200 section 4.5).
  #split6(): void {
    const b = this.#b;
    let nextAt = ipv6.IPV6_OFF_NEXT_HEADER;
    let head = ipv6.IPV6_HEADER;
    while (b[this.#o + nextAt] === IPPROTO_HOPOPTS || b[this.#o + nextAt] === IPPROTO_ROUTING) {
      nextAt = head;
      head += (b[this.#o + head + 1] + 1) << 3;
    }
    this.#head = head;
    this.#nextAt = nextAt;
    this.#next = b[this.#o + nextAt];
  }
}
