// Cutting a TCP super-packet into the segments that it stands for, as a device with TSO would (Linux's
// tcp_gso_segment), for links that take none. One segment at a time into the caller's bytes. Knows headers; no
// connection and no buffers.

import { setU16, setU32 } from '../wire/bytes.js';
import * as ipv4 from '../wire/ipv4.js';
import * as ipv6 from '../wire/ipv6.js';
import * as tcp from '../wire/tcp.js';
import { finishTransport, startTransport } from './output.js';
import { IpPacket, parseIp } from './packet.js';

/** Bytes that are no super-packet of TCP. */
export class SegmentationError extends Error {
  readonly code = 'ERR_SEGMENTATION';
  constructor(what: string) {
    super(`cannot segment: ${what}`);
    this.name = 'SegmentationError';
  }
}

/** Cuts one super-packet after the other: `start`, then `next` until it returns 0. */
export class TcpSegmenter {
  readonly #packet = new IpPacket();
  #b: Uint8Array = new Uint8Array(0);
  #o = 0;
  /** Bytes of IP and TCP headers; where in them TCP begins. */
  #head = 0;
  #tcp = 0;
  #data = 0;
  #size = 0;
  #done = 0;
  #seq = 0;
  #flags = 0;
  #id = 0;
  #accEcn = false;
  #partial = false;

  /**
   * Prepares the packet of `len` bytes at `b[o]`, which must stay as it is, for segments of `size` payload bytes. `accEcn`:
   * CWR is one of AccECN's counter bits and stays in every segment; otherwise it is classic ECN's and goes into the first
   * alone (RFC 3168 section 6.1.2). `partial`: leave the checksums to the link. Throws SegmentationError.
   */
  start(b: Uint8Array, o: number, len: number, size: number, accEcn = false, partial = false): void {
    const packet = this.#packet;
    if (size < 1) throw new SegmentationError(`into segments of ${size} bytes`);
    if (parseIp(b, o, len, packet, true) !== 0) throw new SegmentationError('not a valid IP packet');
    if (packet.protocol !== tcp.TCP_PROTOCOL || packet.fragment) throw new SegmentationError('not TCP');
    if (tcp.checkTcp(b, packet.payload, packet.payloadLength) !== 0)
      throw new SegmentationError('bad TCP header');
    this.#b = b;
    this.#o = o;
    this.#tcp = packet.payload - o;
    this.#head = this.#tcp + tcp.headerLength(b, packet.payload);
    this.#data = packet.length - this.#head;
    this.#size = size;
    this.#done = 0;
    this.#seq = tcp.seq(b, packet.payload);
    this.#flags = tcp.flags(b, packet.payload);
    this.#id = packet.ipv6 ? 0 : ipv4.id(b, o);
    this.#accEcn = accEcn;
    this.#partial = partial;
  }

  /** Segments that `next` will give in all; a packet without data is one. */
  get count(): number {
    return Math.max(1, Math.ceil(this.#data / this.#size));
  }

  /** Writes the next segment as a whole IP packet to `out[at]` and returns its length; 0 when all are out. */
  next(out: Uint8Array, at: number): number {
    if (this.#done > 0 ? this.#done >= this.#data : this.#done < 0) return 0;
    const { ipv6: v6, source, destination } = this.#packet;
    const head = this.#head;
    const length = Math.min(this.#size, this.#data - this.#done);
    const last = this.#done + length >= this.#data;
    out.set(this.#b.subarray(this.#o, this.#o + head), at);
    const from = this.#o + head + this.#done;
    out.set(this.#b.subarray(from, from + length), at + head);
    const t = at + this.#tcp;
    let flags = this.#flags;
    // The end of the data and the push belong to the last, the congestion-window-reduced mark to the first.
    if (!last) flags &= ~(tcp.TCP_FIN | tcp.TCP_PSH);
    if (this.#done > 0 && !this.#accEcn) flags &= ~tcp.TCP_CWR;
    tcp.setFlags(out, t, flags);
    setU32(out, t + tcp.TCP_OFF_SEQ, (this.#seq + this.#done) >>> 0);
    if (v6) setU16(out, at + ipv6.IPV6_OFF_PAYLOAD_LENGTH, head - ipv6.IPV6_HEADER + length);
    else {
      setU16(out, at + ipv4.IPV4_OFF_TOTAL_LENGTH, head + length);
      setU16(out, at + ipv4.IPV4_OFF_ID, this.#id + Math.floor(this.#done / this.#size));
      ipv4.finishHeader(out, at);
    }
    const bytes = head - this.#tcp + length;
    if (this.#partial)
      startTransport(out, t, bytes, tcp.TCP_OFF_CHECKSUM, source, destination, tcp.TCP_PROTOCOL);
    else finishTransport(out, t, bytes, tcp.TCP_OFF_CHECKSUM, source, destination, tcp.TCP_PROTOCOL);
    // A packet without data is out after one segment.
    this.#done = this.#data === 0 ? -1 : this.#done + length;
    return head + length;
  }
}
