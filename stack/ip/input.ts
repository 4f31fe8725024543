// From the bytes of a received packet to what is to be done with it: validation, whether it is for us, and which part
// of the stack takes it. Writes the answers that IP itself gives (echo replies, errors), within the rate limits.
// Knows the own addresses; no flows, no neighbours, no buffers.

import type { StackConfig } from '../config/config.js';
import { isIpv4 } from '../wire/address.js';
import * as icmp from '../wire/icmp.js';
import * as icmpv6 from '../wire/icmpv6.js';
import { IGMP_PROTOCOL } from '../wire/igmp.js';
import { TCP_PROTOCOL } from '../wire/tcp.js';
import { UDP_PROTOCOL } from '../wire/udp.js';
import { type AddressTable, DST_NOT_OURS, DST_UNICAST } from './addresses.js';
import { isEchoRequest, mayAnswerWithError, writeEchoReply, writeIcmpError } from './icmp-build.js';
import { ICMP_NOT_ERROR, IcmpError, parseIcmpError } from './icmp-error.js';
import type { IcmpLimiter } from './icmp-limit.js';
import type { IpIds } from './output.js';
import { IP_ERR_PROBLEM, IP_ERR_PROBLEM_UNICAST, IpPacket, parseIp } from './packet.js';

/** Drop it; `reason` says why (an IP_ERR_… code, or 0: damaged or senseless ICMP). */
export const INPUT_DROP = 0;
/** TCP or UDP: `packet`. */
export const INPUT_TRANSPORT = 1;
/** A fragment, for reassembly. */
export const INPUT_FRAGMENT = 2;
/** An ICMP error about a packet of ours: `error`. */
export const INPUT_ICMP_ERROR = 3;
/** An echo request: `echoReply` answers. */
export const INPUT_ECHO = 4;
/** IGMP: not yet looked at. */
export const INPUT_IGMP = 10;
/** ICMPv6 neighbour discovery (types 133 … 137), checksum verified. */
export const INPUT_ND = 5;
/** Any other undamaged ICMP message (echo replies among them). */
export const INPUT_ICMP = 6;
/** A protocol that nobody speaks: `protocolUnreachable` answers. */
export const INPUT_UNKNOWN = 7;
/** Not for us. */
export const INPUT_NOT_OURS = 8;
/** A fault that may be reported: `parameterProblem` answers. */
export const INPUT_PROBLEM = 9;

export type InputConfig = Pick<StackConfig, 'ipDefaultTtl' | 'ipv6HopLimit' | 'icmpEchoIgnoreAll'>;

export class IpInput {
  readonly packet = new IpPacket();
  readonly error = new IcmpError();
  /** Of the last packet: why it was dropped; what its destination means (DST_…); the link it came by. */
  reason = 0;
  destination = DST_NOT_OURS;
  link = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  readonly #config: InputConfig;
  readonly #addresses: AddressTable;
  readonly #limiter: IcmpLimiter;
  readonly #ids: IpIds;

  constructor(config: InputConfig, addresses: AddressTable, limiter: IcmpLimiter, ids: IpIds) {
    this.#config = config;
    this.#addresses = addresses;
    this.#limiter = limiter;
    this.#ids = ids;
  }

  /** Judges the packet of at most `len` bytes at `b[o]` that came by `link`. Returns an INPUT_… verdict. */
  receive(b: Uint8Array, o: number, len: number, link: number, loopback: boolean): number {
    const packet = this.packet;
    this.#bytes = b;
    this.link = link;
    this.reason = parseIp(b, o, len, packet, loopback);
    if (this.reason !== 0) {
      if (this.reason !== IP_ERR_PROBLEM && this.reason !== IP_ERR_PROBLEM_UNICAST) return INPUT_DROP;
      this.destination = this.#addresses.classify(packet.destination, 0, link);
      return this.destination === DST_NOT_OURS ? INPUT_NOT_OURS : INPUT_PROBLEM;
    }
    this.destination = this.#addresses.classify(packet.destination, 0, link);
    if (this.destination === DST_NOT_OURS) return INPUT_NOT_OURS;
    if (packet.fragment) return INPUT_FRAGMENT;
    if (packet.protocol === TCP_PROTOCOL || packet.protocol === UDP_PROTOCOL) return INPUT_TRANSPORT;
    if (packet.protocol === (packet.ipv6 ? icmpv6.ICMPV6_PROTOCOL : icmp.ICMP_PROTOCOL)) return this.#icmp(b);
    if (!packet.ipv6 && packet.protocol === IGMP_PROTOCOL) return INPUT_IGMP;
    // 59: no next header (RFC 8200 section 4.7), nothing is there to be taken.
    return packet.ipv6 && packet.protocol === 59 ? INPUT_DROP : INPUT_UNKNOWN;
  }

  #icmp(b: Uint8Array): number {
    const packet = this.packet;
    const found = parseIcmpError(b, packet, this.error);
    if (found === 0) return INPUT_ICMP_ERROR;
    if (found !== ICMP_NOT_ERROR) return INPUT_DROP;
    if (isEchoRequest(b, packet)) return INPUT_ECHO;
    const type = b[packet.payload];
    if (packet.ipv6 && type >= icmpv6.ICMPV6_ROUTER_SOLICITATION && type <= icmpv6.ICMPV6_REDIRECT)
      return INPUT_ND;
    return INPUT_ICMP;
  }

  /**
   * Writes the reply to the echo request just received to `out[at]` and returns its length; 0: none. `source` is used when
   * the request went to a group. IPv4 broadcasts and groups are not answered (icmp_echo_ignore_broadcasts).
   */
  echoReply(out: Uint8Array, at: number, source: Uint8Array | null): number {
    const packet = this.packet;
    if (this.#config.icmpEchoIgnoreAll !== 0) return 0;
    const unicast = this.destination === DST_UNICAST;
    if (!unicast && !packet.ipv6) return 0;
    const from = unicast ? packet.destination : source;
    if (from === null) return 0;
    const id = packet.ipv6 ? 0 : this.#ids.next(from, packet.source, icmp.ICMP_PROTOCOL);
    return writeEchoReply(out, at, from, this.#bytes, packet, this.#ttl(packet.ipv6), id);
  }

  /**
   * Writes an ICMP error about the packet just received to `out[at]` and returns its length; 0 when none may be sent
   * (mayAnswerWithError, rate limits). `source` is used when the packet went to a group.
   */
  answerError(
    now: number,
    type: number,
    code: number,
    rest: number,
    out: Uint8Array,
    at: number,
    source: Uint8Array | null,
  ): number {
    const packet = this.packet;
    const unicast = this.destination === DST_UNICAST;
    if (!mayAnswerWithError(this.#bytes, packet, unicast, type, code)) return 0;
    const from = unicast ? packet.destination : source;
    if (from === null) return 0;
    if (!this.#limiter.allows(now, packet.ipv6, type, code, packet.source, 0)) return 0;
    const id = packet.ipv6 ? 0 : this.#ids.next(from, packet.source, icmp.ICMP_PROTOCOL);
    const { start, length } = packet;
    return writeIcmpError(
      out,
      at,
      from,
      packet.source,
      type,
      code,
      rest,
      this.#bytes,
      start,
      length,
      this.#ttl(packet.ipv6),
      id,
    );
  }

  /** The answer to INPUT_UNKNOWN: RFC 1122 section 3.2.2.1, RFC 4443 section 3.4. */
  protocolUnreachable(now: number, out: Uint8Array, at: number): number {
    const packet = this.packet;
    if (!packet.ipv6)
      return this.answerError(now, icmp.ICMP_UNREACHABLE, icmp.ICMP_PROTOCOL_UNREACHABLE, 0, out, at, null);
    const pointer = packet.nextHeaderAt - packet.start;
    return this.answerError(
      now,
      icmpv6.ICMPV6_PARAMETER_PROBLEM,
      icmpv6.ICMPV6_BAD_NEXT_HEADER,
      pointer,
      out,
      at,
      null,
    );
  }

  /** The answer to a datagram for a port that nobody listens on. */
  portUnreachable(now: number, out: Uint8Array, at: number): number {
    return this.packet.ipv6
      ? this.answerError(now, icmpv6.ICMPV6_UNREACHABLE, icmpv6.ICMPV6_PORT_UNREACHABLE, 0, out, at, null)
      : this.answerError(now, icmp.ICMP_UNREACHABLE, icmp.ICMP_PORT_UNREACHABLE, 0, out, at, null);
  }

  /** The answer to a packet whose other fragments never came: RFC 1122 section 3.3.2, RFC 8200 section 4.5. */
  reassemblyTimeExceeded(now: number, out: Uint8Array, at: number): number {
    const type = this.packet.ipv6 ? icmpv6.ICMPV6_TIME_EXCEEDED : icmp.ICMP_TIME_EXCEEDED;
    return this.answerError(now, type, 1, 0, out, at, null);
  }

  /** The answer to INPUT_PROBLEM, and to FRAGMENT_PROBLEM with the reassembler's pointer and code. */
  parameterProblem(
    now: number,
    out: Uint8Array,
    at: number,
    source: Uint8Array | null,
    pointer = this.packet.problemPointer,
    code = this.reason === 0 ? 0 : this.packet.problemCode,
  ): number {
    const { packet } = this;
    if (this.reason === IP_ERR_PROBLEM_UNICAST && this.destination !== DST_UNICAST) return 0;
    if (isIpv4(packet.source)) {
      return this.answerError(now, icmp.ICMP_PARAMETER_PROBLEM, 0, (pointer << 24) >>> 0, out, at, source);
    }
    return this.answerError(now, icmpv6.ICMPV6_PARAMETER_PROBLEM, code, pointer, out, at, source);
  }

  #ttl(v6: boolean): number {
    return v6 ? this.#config.ipv6HopLimit : this.#config.ipDefaultTtl;
  }
}
