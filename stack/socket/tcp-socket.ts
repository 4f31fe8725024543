// A TCP socket: the life of one, from socket() to close(), as Linux's inet_stream_* calls have it. Bytes move in
// tcp-transfer.ts, options are in tcp-socket-options.ts, connecting in tcp-connect.ts. It drives a Tcb or a Listener of the
// core and never looks at packets.
import type { TcpHandle, TcpHandleUser } from '../endpoint/tcp-handle.js';
import {
  EVENT_CLOSED,
  EVENT_CONNECTED,
  EVENT_ERROR,
  EVENT_ERROR_QUEUE,
  EVENT_HANGUP,
  EVENT_PRIORITY,
  EVENT_READ_HANGUP,
  EVENT_READABLE,
  EVENT_WRITABLE,
  type Listener,
  listenerAccept,
  listenerClose,
  listenerSetBacklog,
  stateBit,
  TCP_CLOSE,
  TCP_CLOSING,
  TCP_FIN_WAIT1,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  type Tcb,
  tcpAtMark,
  tcpClose,
  tcpInputQueued,
  tcpPoll,
  tcpShutdown,
} from '../tcp/index.js';
import { fillAddress } from './address.js';
import {
  AF_INET6,
  IPPROTO_TCP,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDHUP,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
  SHUT_WR,
  SOCK_STREAM,
} from './constants.js';
import type { SocketEnvironment } from './environment.js';
import { EAGAIN, EINVAL, ENOTCONN } from './errno.js';
import type { ReceiveRequest, SendRequest } from './message.js';
import { icmpError, transmitTimestamp, zerocopyDone } from './notify.js';
import { BLOCK } from './pending.js';
import { Socket, type SocketOptions } from './socket.js';
import { tcpSocketBind } from './tcp-bind.js';
import { disconnect, tcpSocketConnect } from './tcp-connect.js';
import { tcpSocketIoctl } from './tcp-ioctl.js';
import { getTcpSocketOption, setTcpSocketOption } from './tcp-socket-options.js';
import {
  tcpSocketReceive,
  tcpSocketReceivePlain,
  tcpSocketSend,
  tcpSocketSendPlain,
} from './tcp-transfer.js';
import type { SocketAddress } from './types.js';

/** socket->state of Linux. */
export const UNCONNECTED = 1;
export const CONNECTING = 2;
export const CONNECTED = 3;
export const DISCONNECTING = 4;

export class TcpSocket extends Socket implements TcpHandleUser {
  handle: TcpHandle;
  listener: Listener | null = null;
  stage = UNCONNECTED;
  /** bind() chose the port (SOCK_BINDPORT_LOCK), the address (SOCK_BINDADDR_LOCK). */
  portLocked = false;
  addressLocked = false;
  /** What a connect that may not wait answers: -EINPROGRESS or -EALREADY. */
  connectPending = 0;
  /** Options of the connection as the user set them: a connection after this one starts with the same. */
  readonly replay = new Map<string, { level: number; name: number; value: Uint8Array }>();
  /** TCP_SAVE_SYN, TCP_INQ. */
  saveSyn = 0;
  inq = false;
  /** SOF_TIMESTAMPING_OPT_ID: ids count from here. */
  timestampKeyBase = 0;
  closed = false;

  constructor(
    env: SocketEnvironment,
    family: number,
    flags: number,
    handle: TcpHandle | null = null,
    inherit: SocketOptions | null = null,
  ) {
    super(env, family, SOCK_STREAM, IPPROTO_TCP, flags);
    this.handle = handle ?? env.tcp.create(family === AF_INET6);
    this.handle.user = this;
    if (inherit) Object.assign(this.options, inherit, { kept: new Map(inherit.kept) });
  }

  get tcb(): Tcb {
    return this.handle.tcb;
  }

  bind(address: SocketAddress): number {
    return tcpSocketBind(this, address);
  }

  connect(address: SocketAddress, first: boolean): number {
    return tcpSocketConnect(this, address, first);
  }

  override listen(backlog: number): number {
    const { state } = this.tcb;
    if (this.stage !== UNCONNECTED || (state !== TCP_CLOSE && state !== TCP_LISTEN)) return -EINVAL;
    const limit = Math.min(backlog >>> 0, this.env.config.somaxconn);
    if (this.listener !== null) {
      listenerSetBacklog(this.listener, backlog);
      return 0;
    }
    const result = this.env.tcp.listen(this.handle, limit, this.listenFamilies());
    if (typeof result === 'number') return result;
    this.listener = result;
    return 0;
  }

  /** Which families' packets a listener takes. */
  private listenFamilies(): { inet6: boolean; v6only: boolean } {
    return { inet6: this.family === AF_INET6, v6only: this.options.v6only };
  }

  override accept(flags: number): TcpSocket | number {
    if (this.listener === null || this.tcb.state !== TCP_LISTEN) return -EINVAL;
    const child = listenerAccept(this.listener, this.env.now());
    if (child === null) return BLOCK;
    const socket = new TcpSocket(this.env, this.family, flags, this.env.tcp.handleOf(child), this.options);
    socket.stage = CONNECTED;
    socket.timestampKeyBase = this.timestampKeyBase;
    for (const [key, option] of this.replay) socket.replay.set(key, option);
    return socket;
  }

  shutdown(how: number): number {
    const mask = how + 1; // 1 read, 2 write
    const { tcb } = this;
    const now = this.env.now();
    if (this.stage === CONNECTING) {
      const open =
        stateBit(tcb.state) & (stateBit(TCP_SYN_SENT) | stateBit(TCP_SYN_RECV) | stateBit(TCP_CLOSE));
      this.stage = open ? DISCONNECTING : CONNECTED;
    }
    let result = 0;
    if (tcb.state === TCP_LISTEN || tcb.state === TCP_SYN_SENT) {
      // A listener is ended by a shutdown for reading only.
      if (tcb.state === TCP_SYN_SENT || (mask & 1) !== 0) {
        disconnect(this);
        this.stage = UNCONNECTED;
      }
    } else {
      if (tcb.state === TCP_CLOSE) result = -ENOTCONN;
      tcpShutdown(tcb, now, how);
    }
    this.waiters.wake(0);
    return result;
  }

  send(request: SendRequest): number {
    return tcpSocketSend(this, request);
  }

  override sendPlain(bytes: Uint8Array, flags: number): number {
    return tcpSocketSendPlain(this, bytes, flags);
  }

  receive(request: ReceiveRequest): number {
    return tcpSocketReceive(this, request);
  }

  override receivePlain(bytes: Uint8Array, flags: number): number {
    return tcpSocketReceivePlain(this, bytes, flags);
  }

  override sendInterrupted(request: SendRequest): number {
    if (request.done > 0) return request.done;
    return request.connectTried ? this.connectPending || -EAGAIN : -EAGAIN;
  }

  localAddress(out: SocketAddress): number {
    const { tcb } = this;
    const port = this.handle.binding.inTable || tcb.localPort !== 0 ? tcb.localPort : 0;
    fillAddress(out, this.family, tcb.localAddress, port, tcb.zone);
    return 0;
  }

  remoteAddress(out: SocketAddress): number {
    const { tcb } = this;
    const { state } = tcb;
    if (tcb.remotePort === 0 || state === TCP_LISTEN) return -ENOTCONN;
    // As inet_getname: in CLOSE and SYN-SENT there is no peer yet (or any more).
    if (state === TCP_CLOSE || state === TCP_SYN_SENT) return -ENOTCONN;
    fillAddress(out, this.family, tcb.remoteAddress, tcb.remotePort, tcb.zone);
    return 0;
  }

  // RFC 9293 MUST-47, SHLD-25
  takeError(): number {
    const { tcb } = this;
    let error = tcb.error;
    tcb.error = 0;
    if (error === 0) {
      error = tcb.softError;
      tcb.softError = 0;
    }
    return error;
  }

  setOption(level: number, name: number, value: Uint8Array): number {
    return setTcpSocketOption(this, level, name, value);
  }

  getOption(level: number, name: number, length: number): Uint8Array | number {
    return getTcpSocketOption(this, level, name, length);
  }

  override ioctl(request: number, value: Int32Array | number[]): number {
    return tcpSocketIoctl(this, request, value);
  }

  poll(): number {
    if (this.listener !== null) {
      return this.listener.pending > 0 ? POLLIN | POLLRDNORM : 0;
    }
    const events = tcpPoll(this.tcb);
    let mask = 0;
    if (events & EVENT_READABLE) mask |= POLLIN | POLLRDNORM;
    if (events & EVENT_WRITABLE) mask |= POLLOUT | POLLWRNORM;
    if (events & EVENT_HANGUP) mask |= POLLHUP;
    if (events & EVENT_READ_HANGUP) mask |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (events & EVENT_PRIORITY) mask |= POLLPRI;
    if (events & EVENT_ERROR || this.tcb.error !== 0 || !this.errorQueue.empty) mask |= POLLERR;
    // The strict profile reports what does not end the connection too (RFC 9293 section 3.9.1.8).
    if (this.tcb.softError !== 0 && this.env.config.profile === 'strict') mask |= POLLERR;
    return mask;
  }

  /** The core reported EVENT_* bits: wakes who waits, with the masks that Linux's callbacks carry. */
  onEvents(events: number): void {
    let mask = 0;
    if (events & (EVENT_CONNECTED | EVENT_HANGUP | EVENT_READ_HANGUP | EVENT_CLOSED)) {
      this.waiters.wake(0);
      return;
    }
    if (events & EVENT_READABLE) mask |= POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND;
    if (events & EVENT_PRIORITY) mask |= POLLPRI | POLLRDBAND;
    if (events & EVENT_WRITABLE) mask |= POLLOUT | POLLWRNORM | POLLWRBAND;
    if (events & (EVENT_ERROR | EVENT_ERROR_QUEUE)) mask |= POLLERR;
    if (mask !== 0) this.waiters.wake(mask);
  }

  /** Whether close() has to wait for SO_LINGER: data or FIN that the peer has not acknowledged. */
  private get lingers(): boolean {
    if (!this.options.linger || this.options.lingerTime === 0 || this.listener !== null) return false;
    if (tcpInputQueued(this.tcb) > 0) return false; // it will be a reset
    const nothing = stateBit(TCP_SYN_SENT) | stateBit(TCP_CLOSE) | stateBit(TCP_SYN_RECV);
    return (stateBit(this.tcb.state) & nothing) === 0;
  }

  /** First step of a close that lingers: sends FIN; false when there is nothing to wait for. */
  beginLinger(): boolean {
    if (!this.lingers) return false;
    tcpShutdown(this.tcb, this.env.now(), SHUT_WR);
    return this.lingering;
  }

  /** As sk_stream_closing: FIN not acknowledged yet. */
  get lingering(): boolean {
    const waiting = stateBit(TCP_FIN_WAIT1) | stateBit(TCP_CLOSING) | stateBit(TCP_LAST_ACK);
    return (stateBit(this.tcb.state) & waiting) !== 0;
  }

  onTransmitTimestamp(kind: number, key: number, now: number): void {
    transmitTimestamp(this, kind, key, now);
  }

  onZerocopyDone(lo: number, hi: number, copied: boolean): void {
    zerocopyDone(this, lo, hi, copied);
  }

  onIcmpError(type: number, code: number, info: number, errno: number): void {
    icmpError(this, type, code, info, errno);
  }

  /** The listener ends: its requests vanish, children that nobody accepted are reset. */
  dropListener(): void {
    if (this.listener === null) return;
    this.env.tcp.stopListening(this.handle);
    listenerClose(this.listener, this.env.now());
    this.listener = null;
    this.env.tcp.forget(this.handle);
  }

  /** Goes on with a fresh block. */
  adopt(handle: TcpHandle): void {
    this.handle = handle;
    handle.user = this;
  }

  /** The next byte to read is the urgent one, out of line. */
  get atMark(): boolean {
    return !this.tcb.oobInline && tcpAtMark(this.tcb);
  }

  override writerWaits(waits: boolean): void {
    this.tcb.writePending = waits;
  }

  /** The stack closes: what is open is reset. */
  abortOnRelease(): void {
    this.options.linger = true;
    this.options.lingerTime = 0;
  }

  release(): void {
    if (this.closed) return;
    this.closed = true;
    const now = this.env.now();
    if (this.listener !== null) {
      this.dropListener();
    } else {
      const { tcb } = this;
      this.handle.user = null;
      if (tcb.state === TCP_CLOSE) {
        tcb.orphan = true;
        tcpClose(tcb, now);
        this.env.tcp.forget(this.handle);
      } else {
        tcpClose(tcb, now, this.options.linger && this.options.lingerTime === 0);
      }
    }
    this.waiters.wake(0);
    this.errorQueue.clear();
  }
}
