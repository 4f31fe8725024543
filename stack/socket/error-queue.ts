// The error queue of a socket (MSG_ERRQUEUE): transmit timestamps, zerocopy completions, ICMP errors, in the order in
// which they came, bounded by the socket's receive buffer. Knows no protocol.
import {
  AF_INET,
  AF_INET6,
  MSG_ERRQUEUE,
  MSG_TRUNC,
  SO_EE_CODE_ZEROCOPY_COPIED,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SO_EE_ORIGIN_LOCAL,
  SO_EE_ORIGIN_ZEROCOPY,
} from './constants.js';
import { putControl, scmTimestamping } from './control-message.js';
import { EAGAIN } from './errno.js';
import type { ReceiveRequest } from './message.js';
import { IP_RECVERR, IPV6_RECVERR, SCM_TIMESTAMPING, SOL_IP, SOL_IPV6, SOL_SOCKET } from './options.js';
import type { ExtendedError, SocketAddress } from './types.js';

/** What one entry costs of the receive buffer: Linux charges the truesize of an skb without data. */
const ENTRY_TRUESIZE = 768;

export interface ErrorEntry extends ExtendedError {
  /** Wall-clock µs for SCM_TIMESTAMPING, or NaN. */
  timestamp: number;
  /** What the packet carried; `null` when it existed but its bytes are not kept (then MSG_TRUNC says so). */
  payload: Uint8Array | null;
  /** Where the failed packet was sent to. */
  destination: SocketAddress | null;
}

export class ErrorQueue {
  private readonly entries: ErrorEntry[] = [];

  get empty(): boolean {
    return this.entries.length === 0;
  }

  get length(): number {
    return this.entries.length;
  }

  /** False when the receive buffer (bytes) has no room for it: it is lost, as in Linux. */
  push(entry: ErrorEntry, receiveBuffer: number): boolean {
    if ((this.entries.length + 1) * ENTRY_TRUESIZE > receiveBuffer) return false;
    this.entries.push(entry);
    return true;
  }

  /**
   * Zerocopy completion for ids lo … hi: joins the newest entry when that is one that continues there and says the
   * same about copying (skb_zerocopy_notify_extend).
   */
  zerocopy(lo: number, hi: number, copied: boolean, receiveBuffer: number): boolean {
    const code = copied ? SO_EE_CODE_ZEROCOPY_COPIED : 0;
    const tail = this.entries.at(-1);
    if (
      tail !== undefined &&
      tail.origin === SO_EE_ORIGIN_ZEROCOPY &&
      tail.code === code &&
      (tail.data + 1) >>> 0 === lo
    ) {
      tail.data = hi;
      return true;
    }
    const entry: ErrorEntry = {
      errno: 0,
      origin: SO_EE_ORIGIN_ZEROCOPY,
      type: 0,
      code,
      info: lo,
      data: hi,
      offender: null,
      timestamp: Number.NaN,
      payload: EMPTY,
      destination: null,
    };
    return this.push(entry, receiveBuffer);
  }

  clear(): void {
    this.entries.length = 0;
  }

  /** recvmsg(MSG_ERRQUEUE): bytes of the failed packet, or -EAGAIN. `family` is the socket's. */
  receive(request: ReceiveRequest, family: number): number {
    const entry = this.entries.shift();
    if (entry === undefined) return -EAGAIN;
    if (entry.payload === null) {
      request.outFlags |= MSG_TRUNC;
    } else if (request.scatter(entry.payload) < entry.payload.length) {
      request.outFlags |= MSG_TRUNC;
    }
    if (!Number.isNaN(entry.timestamp)) {
      putControl(request, SOL_SOCKET, SCM_TIMESTAMPING, scmTimestamping(entry.timestamp));
    }
    request.source = entry.destination;
    const inet6 = family === AF_INET6;
    putControl(
      request,
      inet6 ? SOL_IPV6 : SOL_IP,
      inet6 ? IPV6_RECVERR : IP_RECVERR,
      formatExtendedError(entry, inet6),
    );
    request.outFlags |= MSG_ERRQUEUE;
    return request.done;
  }

  /** errno of the next entry that is an error (not a notification), which SO_ERROR shows next; 0: none. */
  nextError(): number {
    const next = this.entries[0];
    if (next === undefined) return 0;
    const real =
      next.origin === SO_EE_ORIGIN_ICMP ||
      next.origin === SO_EE_ORIGIN_ICMP6 ||
      next.origin === SO_EE_ORIGIN_LOCAL;
    return real ? next.errno : 0;
  }
}

const EMPTY = new Uint8Array(0);

/** struct sock_extended_err followed by the offender's sockaddr (zeroed when there is none). */
function formatExtendedError(entry: ExtendedError, inet6: boolean): Uint8Array {
  const data = new Uint8Array(16 + (inet6 ? 28 : 16));
  const view = new DataView(data.buffer);
  view.setUint32(0, entry.errno, true);
  data[4] = entry.origin;
  data[5] = entry.type;
  data[6] = entry.code;
  view.setUint32(8, entry.info >>> 0, true);
  view.setUint32(12, entry.data >>> 0, true);
  const offender = entry.offender;
  if (offender === null) return data;
  view.setUint16(16, inet6 ? AF_INET6 : AF_INET, true);
  if (inet6) {
    data.set(offender.address, 24);
    view.setUint32(40, offender.scopeId ?? 0, true);
  } else {
    data.set(offender.address.subarray(12), 20);
  }
  return data;
}
