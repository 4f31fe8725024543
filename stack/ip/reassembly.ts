// Putting fragments of IPv4 and IPv6 packets together again, within bounds of memory, number and time. A packet with
// overlapping fragments is given up, with all that still comes of it (RFC 5722, RFC 8200 section 4.5; IPv4 alike, as in
// Linux); exact duplicates are ignored. Knows packets; nothing of flows or buffers.

import { equalAddress } from '../wire/address.js';
import { ICMPV6_PROTOCOL } from '../wire/icmpv6.js';
import { Ipv6Chain, skipFrom } from '../wire/ipv6-extensions.js';
import { TCP_MIN_HEADER, TCP_PROTOCOL } from '../wire/tcp.js';
import { UDP_PROTOCOL } from '../wire/udp.js';
import { Datagram } from './datagram.js';
import type { IpPacket } from './packet.js';

/** The fragment is kept; more are missing. */
export const FRAGMENT_WAITING = 0;
/** The packet is complete: `copyTo` it before the next call. */
export const FRAGMENT_COMPLETE = 1;
/** The fragment was dropped: a duplicate, no room, nonsense, or of a packet that was given up before. */
export const FRAGMENT_DROPPED = 2;
/** Dropped, and a Parameter Problem with `problemCode` and `problemPointer` may be sent (IPv6 only). */
export const FRAGMENT_PROBLEM = 3;
/** With this fragment the whole packet was given up: overlap, or ECN that does not agree. */
export const FRAGMENT_FAILED = 4;

export interface ReassemblyOptions {
  /** Bytes of all incomplete packets; default 4 MiB (ipfrag_high_thresh). */
  memory?: number;
  /** Incomplete packets; default 256. */
  packets?: number;
  /** Of these, from one source; default a quarter. */
  packetsPerSource?: number;
  /** Separate ranges of one packet; default 128. */
  ranges?: number;
  /** µs; default 30 s (ipfrag_time) and 60 s (RFC 8200 section 4.5). */
  timeout4?: number;
  timeout6?: number;
}

const MAX_PAYLOAD = 65535;
const chain = new Ipv6Chain();

// RFC 7112: the first fragment has all headers, the upper layer's included, or the packet can slip past filters.
function headersComplete(b: Uint8Array, packet: IpPacket): boolean {
  if (!skipFrom(b, packet.protocol, packet.payload, packet.end, chain)) return false;
  const room = packet.end - chain.offset;
  if (chain.protocol === TCP_PROTOCOL)
    return room >= TCP_MIN_HEADER && room >= (b[chain.offset + 12] >>> 4) << 2;
  return chain.protocol === UDP_PROTOCOL || chain.protocol === ICMPV6_PROTOCOL ? room >= 8 : true;
}

export class Reassembler {
  readonly #options: Required<ReassemblyOptions>;
  /** In order of their age: deadlines are not, because the two families' timeouts differ. */
  readonly #waiting: Datagram[] = [];
  #complete: Datagram | null = null;
  #memory = 0;
  #next = Number.POSITIVE_INFINITY;
  problemCode = 0;
  problemPointer = 0;
  /** Packets put together; packets given up for overlap, time, and want of room. */
  readonly counters = { reassembled: 0, overlaps: 0, timeouts: 0, evicted: 0 };
  /**
   * Told of a packet whose time ran out with its first fragment present: `b[o, o+length)` is what a Time Exceeded (code 1)
   * may quote.
   */
  onTimeout: ((now: number, link: number, b: Uint8Array, o: number, length: number) => void) | null = null;

  constructor(options: ReassemblyOptions = {}) {
    const packets = options.packets ?? 256;
    this.#options = {
      memory: options.memory ?? 4 * 1024 * 1024,
      packets,
      packetsPerSource: options.packetsPerSource ?? Math.max(1, packets >>> 2),
      ranges: options.ranges ?? 128,
      timeout4: options.timeout4 ?? 30e6,
      timeout6: options.timeout6 ?? 60e6,
    };
  }

  /** Incomplete packets held. */
  get size(): number {
    return this.#waiting.length;
  }

  /** Bytes held for them. */
  get memory(): number {
    return this.#memory;
  }

  /** Takes in a validated packet with `packet.fragment` set, received by `link` at `now`. Returns a FRAGMENT_… code. */
  add(now: number, b: Uint8Array, packet: IpPacket, link: number): number {
    this.#complete = null;
    this.problemCode = 0;
    const { fragmentOffset: start, payloadLength: length, moreFragments } = packet;
    if (moreFragments && (length & 7) !== 0) {
      // RFC 8200 section 4.5: points to the payload length field.
      this.problemPointer = 4;
      return packet.ipv6 ? FRAGMENT_PROBLEM : FRAGMENT_DROPPED;
    }
    const header = packet.ipv6 ? packet.fragmentHeader - packet.start - 40 : packet.payload - packet.start;
    if (start + length + Math.max(0, header) > MAX_PAYLOAD) {
      this.problemPointer = packet.ipv6 ? packet.fragmentHeader + 2 - packet.start : 0;
      return packet.ipv6 ? FRAGMENT_PROBLEM : FRAGMENT_DROPPED;
    }
    if (length === 0) return FRAGMENT_DROPPED;
    if (packet.ipv6 && start === 0 && !headersComplete(b, packet)) {
      this.problemCode = 3;
      this.problemPointer = 0;
      return FRAGMENT_PROBLEM;
    }
    const d = this.#find(packet, link) ?? this.#open(now, packet, link);
    if (d.dead) return FRAGMENT_DROPPED;
    const before = d.memory;
    const ok = d.insert(b, packet, this.#options.ranges);
    this.#memory += d.memory - before;
    if (!ok) {
      if (d.dead) {
        this.counters.overlaps++;
        this.#memory -= d.memory;
        d.forget();
        return FRAGMENT_FAILED;
      }
      return FRAGMENT_DROPPED;
    }
    if (d.isComplete) {
      this.#remove(this.#waiting.indexOf(d));
      if (!d.ecnAgrees) return FRAGMENT_FAILED;
      this.counters.reassembled++;
      this.#complete = d;
      return FRAGMENT_COMPLETE;
    }
    this.#makeRoom(d);
    return FRAGMENT_WAITING;
  }

  /** Bytes of the packet that `add` has just completed, header included. */
  get completeLength(): number {
    return this.#complete === null ? 0 : this.#complete.packetLength;
  }

  /** Writes the packet that `add` has just completed, as if it had never been cut, to `out[o]`; returns its length. */
  copyTo(out: Uint8Array, o: number): number {
    return this.#complete === null ? 0 : this.#complete.copyTo(out, o);
  }

  nextTimeout(): number {
    return this.#next;
  }

  /** Gives up the packets whose time has run out by `now`. */
  onTimer(now: number): void {
    if (now < this.#next) return;
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      const d = this.#waiting[i];
      if (d.deadline > now) continue;
      this.#remove(i);
      if (d.dead) continue;
      this.counters.timeouts++;
      if (d.first.length > 0) this.onTimeout?.(now, d.link, d.first, 0, d.first.length);
    }
    this.#plan();
  }

  #find(packet: IpPacket, link: number): Datagram | undefined {
    for (let i = 0; i < this.#waiting.length; i++) {
      const d = this.#waiting[i];
      if (d.id !== packet.fragmentId || d.ipv6 !== packet.ipv6 || d.link !== link) continue;
      // RFC 791: the protocol belongs to the key; RFC 8200: it does not.
      if (!packet.ipv6 && d.protocol !== packet.protocol) continue;
      if (!equalAddress(d.source, 0, packet.source, 0)) continue;
      if (equalAddress(d.destination, 0, packet.destination, 0)) return d;
    }
    return undefined;
  }

  #open(now: number, packet: IpPacket, link: number): Datagram {
    const { packets, packetsPerSource, timeout4, timeout6 } = this.#options;
    // One source cannot push out the others': its own oldest goes first.
    let own = 0;
    let oldest = -1;
    for (let i = 0; i < this.#waiting.length; i++) {
      if (!equalAddress(this.#waiting[i].source, 0, packet.source, 0)) continue;
      if (oldest < 0) oldest = i;
      own++;
    }
    if (own >= packetsPerSource) this.#evict(oldest);
    else if (this.#waiting.length >= packets) this.#evict(0);
    const deadline = now + (packet.ipv6 ? timeout6 : timeout4);
    const d = new Datagram(packet, link, deadline);
    this.#waiting.push(d);
    if (deadline < this.#next) this.#next = deadline;
    return d;
  }

  #makeRoom(keep: Datagram): void {
    for (let i = 0; this.#memory > this.#options.memory && i < this.#waiting.length; ) {
      if (this.#waiting[i] === keep || this.#waiting[i].memory === 0) i++;
      else this.#evict(i);
    }
  }

  #evict(at: number): void {
    this.counters.evicted++;
    this.#remove(at);
  }

  #remove(at: number): void {
    const [d] = this.#waiting.splice(at, 1);
    this.#memory -= d.memory;
    if (d.deadline <= this.#next) this.#plan();
  }

  #plan(): void {
    this.#next = Number.POSITIVE_INFINITY;
    for (const d of this.#waiting) if (d.deadline < this.#next) this.#next = d.deadline;
  }
}
