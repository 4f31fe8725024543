// Bytes in and out of a TCP socket: what tcp_sendmsg and tcp_recvmsg of Linux do around the queues, without their waiting.
import {
  stateBit,
  TCP_CLOSE_WAIT,
  TCP_ESTABLISHED,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  tcpInputQueued,
  tcpReceive,
  tcpReceiveUrgent,
  tcpSend,
} from '../tcp/index.js';
import {
  AF_UNSPEC,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSG_FASTOPEN,
  MSG_MORE,
  MSG_NOSIGNAL,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  MSG_ZEROCOPY,
  SOF_TIMESTAMPING_RX_SOFTWARE,
  SOF_TIMESTAMPING_SOFTWARE,
} from './constants.js';
import { putControl, putInt, scmTimestamping, writeTimespec } from './control-message.js';
import { EAGAIN, EALREADY, EINPROGRESS, EISCONN, ENOTCONN, EOPNOTSUPP, EPIPE } from './errno.js';
import type { ReceiveRequest, SendRequest } from './message.js';
import {
  SCM_TIMESTAMP,
  SCM_TIMESTAMPING,
  SCM_TIMESTAMPNS,
  SO_TIMESTAMP,
  SOL_SOCKET,
  SOL_TCP,
  TCP_CM_INQ,
} from './options.js';
import { BLOCK } from './pending.js';
import { finish, startConnect } from './tcp-connect.js';
import { CONNECTED, CONNECTING, type TcpSocket, UNCONNECTED } from './tcp-socket.js';

const HANDSHAKE = stateBit(TCP_SYN_SENT) | stateBit(TCP_SYN_RECV);
const CAN_SEND = stateBit(TCP_ESTABLISHED) | stateBit(TCP_CLOSE_WAIT);
const FASTOPEN_CLIENT = 1;

/** Total bytes when all is queued, BLOCK when it must wait (progress is in `request`), or -errno. */
export function tcpSocketSend(socket: TcpSocket, request: SendRequest): number {
  const { tcb, env } = socket;
  if (!request.connectTried && (request.flags & MSG_FASTOPEN || tcb.opt.deferConnect)) {
    request.connectTried = true;
    const result = sendFastOpen(socket, request);
    if (result < 0) return result;
  } else if (!request.connectTried) {
    socket.connectPending = 0;
  }
  // The data of a fast open may go on as soon as the SYN is answered; until then the call waits, as connect does.
  if (request.connectTried && socket.stage === CONNECTING) {
    if (stateBit(tcb.state) & HANDSHAKE) return BLOCK;
    // A refusal is the call's result even when bytes went in the SYN: they did not arrive.
    const result = finish(socket);
    if (result < 0) return result;
  }
  if (!(stateBit(tcb.state) & CAN_SEND)) {
    if (tcb.error !== 0) return partialOr(request, -socket.takeError());
    const passiveFastOpen = tcb.state === TCP_SYN_RECV && socket.stage === CONNECTED;
    if (!passiveFastOpen) {
      if (!(stateBit(tcb.state) & HANDSHAKE)) return partialOr(request, -EPIPE);
      return BLOCK;
    }
  }
  let flags = request.flags;
  if (!socket.options.zerocopy) flags &= ~MSG_ZEROCOPY;
  if (request.length === 0) return 0;
  tcb.snd.zerocopyParts = request.partLengths;
  while (request.done < request.length) {
    const left = request.length - request.done;
    const sent = tcpSend(tcb, env.now(), request.bytes, request.done, left, flags);
    if (sent === -EAGAIN || sent === 0) return BLOCK;
    if (sent < 0) {
      if (request.done > 0) return request.done;
      // As sk_stream_error: a pending error says more than EPIPE.
      return sent === -EPIPE && tcb.error !== 0 ? -socket.takeError() : sent;
    }
    request.done += sent;
    // Pushing may have made room again; a call that may not wait ends all the same, as Linux's does.
    if ((flags & MSG_DONTWAIT) !== 0) break;
  }
  return request.done;
}

/** Flags that a plain send may have: they change nothing but when it ends, and what it may hold back. */
const PLAIN = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE;

/** Bytes of an ordinary connection's ordinary send that were queued at once, or -EAGAIN; 0: see `tcpSocketSend`. */
export function tcpSocketSendPlain(socket: TcpSocket, bytes: Uint8Array, flags: number): number {
  const { tcb } = socket;
  const { length } = bytes;
  if (tcb.state !== TCP_ESTABLISHED || (flags & ~PLAIN) !== 0 || length === 0) return 0;
  if (socket.stage !== CONNECTED || tcb.opt.deferConnect || tcb.error !== 0 || tcb.shutdown !== 0) return 0;
  socket.connectPending = 0;
  const sent = tcpSend(tcb, socket.env.now(), bytes, 0, length, flags);
  if (sent > 0) return sent;
  return (sent === 0 || sent === -EAGAIN) && (flags & MSG_DONTWAIT) !== 0 ? -EAGAIN : 0;
}

function partialOr(request: SendRequest, error: number): number {
  return request.done > 0 ? request.done : error;
}

/** sendto(MSG_FASTOPEN), or the first send after a connect that was put off: 0, or -errno (tcp_sendmsg_fastopen). */
function sendFastOpen(socket: TcpSocket, request: SendRequest): number {
  const { tcb, env } = socket;
  if (tcb.opt.deferConnect) {
    // The core sends the SYN with what fits; -EINPROGRESS: it asked for a cookie instead, the data comes later.
    const taken = tcpSend(tcb, env.now(), request.bytes, 0, request.length, request.flags);
    if (taken < 0 && taken !== -EINPROGRESS) return taken;
    request.done = Math.max(0, taken);
    socket.connectPending = -EINPROGRESS;
    return 0;
  }
  const data = { bytes: request.bytes, from: 0, length: request.length, flags: request.flags };
  const { address } = request;
  if (!(env.config.tcpFastopen & FASTOPEN_CLIENT) || address?.family === AF_UNSPEC) return -EOPNOTSUPP;
  if (socket.stage === CONNECTED) return -EISCONN;
  if (socket.stage === CONNECTING) {
    // As a second connect(): it waits for the handshake, or finds it done and the flag has no further meaning.
    socket.connectPending = -EALREADY;
    return 0;
  }
  if (socket.stage !== UNCONNECTED || tcb.state === TCP_LISTEN) return -EISCONN;
  // Without a destination Linux takes the socket for one that is connected, or tries to be.
  if (address === null) return -ENOTCONN;
  const taken = startConnect(socket, address, data);
  if (taken < 0) return taken;
  request.done = taken;
  socket.stage = CONNECTING;
  socket.connectPending = -EINPROGRESS;
  return 0;
}

/** Bytes, 0 at the end of the stream, BLOCK, or -errno. */
export function tcpSocketReceive(socket: TcpSocket, request: ReceiveRequest): number {
  const { tcb, env } = socket;
  const { flags } = request;
  if (flags & MSG_ERRQUEUE) return socket.errorQueue.receive(request, socket.family);
  if (tcb.state === TCP_LISTEN) return -ENOTCONN;
  if (flags & MSG_OOB) return receiveUrgent(socket, request);
  const peek = (flags & MSG_PEEK) !== 0;
  const { peekOffset } = tcb.rcv;
  if (peek) request.done = 0;
  let result = 0;
  let at = 0;
  for (const part of request.parts) {
    const skip = Math.max(0, request.done - at);
    at += part.length;
    if (skip >= part.length && part.length > 0) continue;
    if (peek && request.done > 0) {
      result = peekOn(socket, request, part);
    } else {
      const target = flags & MSG_TRUNC ? null : part;
      result = tcpReceive(tcb, env.now(), target, skip, part.length - skip, flags);
    }
    if (result <= 0) break;
    request.done += result;
    if (request.done < at) break;
  }
  if (request.parts.length === 0) result = 0;
  const enough = request.done >= wanted(socket, request);
  if (!enough && (result === -EAGAIN || (result > 0 && request.done > 0))) {
    // A look that must wait begins anew where it began.
    if (peek) tcb.rcv.peekOffset = peekOffset;
    return BLOCK;
  }
  if (request.done === 0 && result < 0) return result;
  if (request.message) addControl(socket, request);
  return request.done;
}

/** Bytes of a receive without flags that has what it wants at once, or -EAGAIN; 0: see `tcpSocketReceive`. */
export function tcpSocketReceivePlain(socket: TcpSocket, bytes: Uint8Array, flags: number): number {
  const { tcb } = socket;
  const { length } = bytes;
  if (tcb.state === TCP_LISTEN || (flags & ~MSG_DONTWAIT) !== 0 || tcb.rcv.lowat > 1 || length === 0)
    return 0;
  // A pending error is taken by whoever finds nothing to read: that must be the whole call.
  if (tcb.error !== 0) return 0;
  const open = tcb.state === TCP_ESTABLISHED && (flags & MSG_DONTWAIT) !== 0;
  if (!open && tcpInputQueued(tcb) === 0) return 0;
  const got = tcpReceive(tcb, socket.env.now(), bytes, 0, length, flags);
  return got > 0 || got === -EAGAIN ? got : 0;
}

/** How much must be there before a call that waits returns: SO_RCVLOWAT, or everything with MSG_WAITALL. */
function wanted(socket: TcpSocket, request: ReceiveRequest): number {
  const wish = request.flags & MSG_WAITALL ? request.length : Math.min(socket.tcb.rcv.lowat, request.length);
  return Math.max(1, wish);
}

/** A peek over several buffers: the core peeks from the start, so what came before is peeked again and left out. */
function peekOn(socket: TcpSocket, request: ReceiveRequest, part: Uint8Array): number {
  if (socket.tcb.rcv.peekOffset >= 0)
    return tcpReceive(socket.tcb, socket.env.now(), part, 0, part.length, request.flags);
  const all = new Uint8Array(request.done + part.length);
  const got = tcpReceive(socket.tcb, socket.env.now(), all, 0, all.length, request.flags);
  if (got <= request.done) return 0;
  part.set(all.subarray(request.done, got));
  return got - request.done;
}

function receiveUrgent(socket: TcpSocket, request: ReceiveRequest): number {
  const byte = tcpReceiveUrgent(socket.tcb, (request.flags & MSG_PEEK) !== 0);
  if (byte < 0) return byte;
  request.outFlags |= MSG_OOB;
  if (request.length === 0) {
    request.outFlags |= MSG_TRUNC;
    return 0;
  }
  request.scatter(Uint8Array.of(byte));
  return 1;
}

/** Control messages of a recvmsg: receive timestamps, then the bytes that wait (TCP_INQ). */
function addControl(socket: TcpSocket, request: ReceiveRequest): void {
  const { tcb, options, env } = socket;
  if (request.done > 0 && tcb.rcv.lastReadStamp > 0) {
    const stamp = env.wallTime(tcb.rcv.lastReadStamp);
    if (options.timestamp !== 0) {
      const data = new Uint8Array(16);
      const view = new DataView(data.buffer);
      writeTimespec(view, 0, stamp);
      if (options.timestamp === SO_TIMESTAMP) view.setBigInt64(8, BigInt(Math.floor(stamp % 1e6)), true);
      putControl(
        request,
        SOL_SOCKET,
        options.timestamp === SO_TIMESTAMP ? SCM_TIMESTAMP : SCM_TIMESTAMPNS,
        data,
      );
    }
    const both = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    if ((options.timestamping & both) === both) {
      putControl(request, SOL_SOCKET, SCM_TIMESTAMPING, scmTimestamping(stamp));
    }
  }
  if (socket.inq) {
    const queued = tcpInputQueued(tcb);
    putInt(request, SOL_TCP, TCP_CM_INQ, queued === 0 && tcb.rcv.finReceived ? 1 : queued);
  }
}
