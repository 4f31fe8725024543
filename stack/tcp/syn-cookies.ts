// SYN cookies (RFC 4987 section 3.6): what a listener must remember of a SYN, inside the sequence number of its SYN-ACK and
// the timestamp that the peer will echo. Layout as Linux's; keyed by SipHash with the stack's secret.
import type { StackConfig } from '../config/config.js';
import type { Request } from './request.js';
import type { SegmentIn } from './segment.js';
import { sipHash, sipLow } from './siphash.js';

/** MSS values that fit the cookie's index, ascending. */
const MSS_V4 = [536, 1300, 1440, 1460];
const MSS_V6 = [1220, 1420, 1440, 8940];
const COUNT_SHIFT = 24;
const LOW_MASK = 0xff_ffff;
/** A cookie is good for two minutes: its counter runs in minutes. */
const MAX_AGE = 2;
const MINUTE = 60_000_000;

const TS_BITS = 6;
const TS_MASK = 63;
const TS_WSCALE_MASK = 15;
const TS_SACK = 16;
const TS_ECN = 32;

const message = new Uint8Array(41);

function hash(secret: Uint8Array, index: number, flow: Request | SegmentIn, count: number): number {
  message.set(flow.remoteAddress, 0);
  message.set(flow.localAddress, 16);
  message[32] = flow.remotePort >>> 8;
  message[33] = flow.remotePort;
  message[34] = flow.localPort >>> 8;
  message[35] = flow.localPort;
  message[36] = index;
  message[37] = count >>> 24;
  message[38] = count >>> 16;
  message[39] = count >>> 8;
  message[40] = count;
  sipHash(secret, 0, message, 41);
  return sipLow;
}

function minutes(now: number): number {
  return Math.floor(now / MINUTE) >>> 0;
}

/** Initial sequence number that holds the peer's MSS class and the time; cuts `request.peerMss` to its class. */
export function cookieSequence(secret: Uint8Array, request: Request, now: number): number {
  const table = request.ipv6 ? MSS_V6 : MSS_V4;
  let index = table.length - 1;
  while (index > 0 && request.peerMss < table[index]!) index--;
  request.peerMss = table[index]!;
  const count = minutes(now);
  const base = hash(secret, 0, request, 0) + request.irs + count * 2 ** COUNT_SHIFT;
  return ((base + ((hash(secret, 1, request, count) + index) & LOW_MASK)) % 2 ** 32) >>> 0;
}

/** The MSS that a returned cookie holds, 0 when it is none of ours or too old. */
export function checkCookie(secret: Uint8Array, seg: SegmentIn, now: number): number {
  const cookie = (seg.ack - 1) >>> 0;
  const irs = (seg.seq - 1) >>> 0;
  const rest = (cookie - hash(secret, 0, seg, 0) - irs) >>> 0;
  const count = minutes(now);
  const age = (count - (rest >>> COUNT_SHIFT)) & 0xff;
  if (age >= MAX_AGE) return 0;
  const index = (rest - hash(secret, 1, seg, (count - age) >>> 0)) & LOW_MASK;
  const table = seg.ipv6 ? MSS_V6 : MSS_V4;
  return index < table.length ? table[index]! : 0;
}

/** Timestamp for a cookie SYN-ACK: its low six bits hold window scale, SACK and ECN; never ahead of the clock. */
export function cookieTimestamp(request: Request, clock: number): number {
  let bits = request.wscale ? request.sndWscale : TS_WSCALE_MASK;
  if (request.sack) bits |= TS_SACK;
  if (request.ecn) bits |= TS_ECN;
  let stamp = (((clock >>> TS_BITS) << TS_BITS) | bits) >>> 0;
  if (stamp > clock) stamp -= 1 << TS_BITS;
  return (stamp + request.tsOffset) >>> 0;
}

/** Reads back what `cookieTimestamp` put in; `echo` without the flow's offset. */
export function restoreCookieTimestamp(request: Request, echo: number, config: StackConfig): void {
  const bits = echo & TS_MASK;
  request.sack = (bits & TS_SACK) !== 0 && config.tcpSack !== 0;
  request.ecn = (bits & TS_ECN) !== 0 && config.tcpEcn !== 0;
  const wscale = bits & TS_WSCALE_MASK;
  request.wscale = wscale !== TS_WSCALE_MASK && config.tcpWindowScaling !== 0;
  request.sndWscale = request.wscale ? wscale : 0;
}
