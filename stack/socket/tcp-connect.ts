// connect() of a TCP socket: checks, source address, port, the SYN; the states of Linux's __inet_stream_connect; and
// connect(AF_UNSPEC), which dissolves.

import {
  type ConnectData,
  stateBit,
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LISTEN,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  tcpAbort,
  tcpConnect,
} from '../tcp/index.js';
import { copyAddress, isIpv4, isLinkLocal, isMulticast, isUnspecified } from '../wire/address.js';
import { checkDestination, INET_LOOPBACK, INET6_LOOPBACK } from './address.js';
import { AF_INET6, AF_UNSPEC } from './constants.js';
import {
  EADDRNOTAVAIL,
  EALREADY,
  ECONNABORTED,
  ECONNRESET,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
} from './errno.js';
import { BLOCK } from './pending.js';
import { CONNECTED, CONNECTING, type TcpSocket, UNCONNECTED } from './tcp-socket.js';
import { applyToTcb } from './tcp-socket-options.js';
import type { SocketAddress } from './types.js';

const HANDSHAKE = stateBit(TCP_SYN_SENT) | stateBit(TCP_SYN_RECV);

/**
 * One step of a connect call: 0, BLOCK while the handshake is under way (then `socket.connectPending` is what a call
 * that may not wait answers), or -errno.
 */
export function tcpSocketConnect(socket: TcpSocket, address: SocketAddress, first: boolean): number {
  if (!first) return progress(socket);
  if (address.family === AF_UNSPEC) {
    disconnect(socket);
    socket.stage = UNCONNECTED;
    return 0;
  }
  switch (socket.stage) {
    case CONNECTED:
      return -EISCONN;
    case CONNECTING:
      if (socket.tcb.opt.deferConnect) return -EISCONN;
      socket.connectPending = -EALREADY;
      break;
    case UNCONNECTED: {
      if (socket.tcb.state !== TCP_CLOSE) return -EISCONN;
      const result = startConnect(socket, address, null);
      if (result < 0) return result;
      socket.stage = CONNECTING;
      if (socket.tcb.opt.deferConnect) return 0;
      socket.connectPending = -EINPROGRESS;
      break;
    }
    default:
      return -EINVAL;
  }
  return progress(socket);
}

function progress(socket: TcpSocket): number {
  const { tcb } = socket;
  if (stateBit(tcb.state) & HANDSHAKE) return BLOCK;
  return finish(socket);
}

/** The handshake is over, one way or the other. */
export function finish(socket: TcpSocket): number {
  const { tcb } = socket;
  if (tcb.state === TCP_CLOSE) {
    const error = socket.takeError() || ECONNABORTED;
    disconnect(socket);
    socket.stage = UNCONNECTED;
    return -error;
  }
  socket.stage = CONNECTED;
  return 0;
}

// RFC 9293 MUST-43, MUST-44, MUST-45
/**
 * Chooses source and port and sends the SYN, with `data` in it for fast open: bytes taken (0 without data), or -errno
 * and the socket is as before (tcp_v4_connect, tcp_v6_connect).
 */
export function startConnect(socket: TcpSocket, address: SocketAddress, data: ConnectData | null): number {
  const wrong = checkDestination(socket.family, address);
  if (wrong !== 0) return wrong;
  const { tcb, handle, env } = socket;
  const bound = handle.binding;
  let remote = address.address;
  if (isUnspecified(remote)) {
    // BSD's rule: connecting to the wildcard is connecting to this host.
    const four = socket.family !== AF_INET6 || (bound.inTable && !bound.wild && isIpv4(bound.address));
    remote = four ? INET_LOOPBACK : INET6_LOOPBACK;
  }
  const v4 = isIpv4(remote);
  // RFC 9293 MUST-46
  if (isMulticast(remote)) return -ENETUNREACH;
  if (socket.family === AF_INET6 && v4 && socket.options.v6only) return -ENETUNREACH;
  let zone = 0;
  if (!v4 && isLinkLocal(remote)) {
    zone = address.scopeId || tcb.zone;
    if (zone === 0) return -EINVAL;
  }
  const wasBoundTo = bound.address.slice();
  const source = new Uint8Array(16);
  if (socket.addressLocked) {
    if (isIpv4(bound.address) !== v4) return -ENETUNREACH;
    copyAddress(source, 0, bound.address, 0);
    if (!env.network.hasRoute(remote, zone)) return -ENETUNREACH;
  } else if (!env.network.selectSource(remote, zone, source)) {
    return -ENETUNREACH;
  }
  if (v4 && env.network.isBroadcast(remote)) return -ENETUNREACH;
  tcb.ipv6 = !v4;
  tcb.zone = zone;
  copyAddress(tcb.localAddress, 0, source, 0);
  copyAddress(tcb.remoteAddress, 0, remote, 0);
  tcb.remotePort = address.port;
  tcb.flowLabel = address.flowInfo ?? 0;
  const taken = takePort(socket, source, remote, address.port);
  if (taken !== 0) {
    restore(socket, wasBoundTo);
    return taken;
  }
  env.tcp.addFlow(handle);
  const result = tcpConnect(tcb, env.now(), data);
  if (result < 0) {
    env.tcp.removeFlow(handle);
    restore(socket, wasBoundTo);
  }
  return result;
}

/** A bound port must be free towards this peer; an unbound socket takes an ephemeral one. */
function takePort(socket: TcpSocket, source: Uint8Array, remote: Uint8Array, remotePort: number): number {
  const { handle, tcb, env } = socket;
  const { tcp } = env;
  const { binding } = handle;
  if (binding.inTable) {
    copyAddress(binding.address, 0, source, 0);
    return tcp.tupleFree(tcb, binding.port, true) ? 0 : -EADDRNOTAVAIL;
  }
  copyAddress(binding.address, 0, source, 0);
  binding.inet6 = socket.family === AF_INET6;
  binding.v6only = socket.options.v6only;
  binding.reuseAddress = socket.options.reuseAddress;
  binding.reusePort = socket.options.reusePort;
  const offset = tcp.secrets.portOffset(source, remote, remotePort);
  const port = tcp.ports.connectEphemeral(binding, offset, (candidate) =>
    tcp.tupleFree(tcb, candidate, false),
  );
  if (port === 0) return -EADDRNOTAVAIL;
  tcb.localPort = port;
  return 0;
}

/** After a connect that could not start: as it was bound before, or not at all. */
function restore(socket: TcpSocket, address: Uint8Array): void {
  const { tcb, handle, env } = socket;
  tcb.remoteAddress.fill(0);
  tcb.remotePort = 0;
  if (socket.portLocked || (handle.binding.inTable && !handle.binding.automatic)) {
    copyAddress(handle.binding.address, 0, address, 0);
    if (isUnspecified(address)) tcb.localAddress.fill(0);
    else copyAddress(tcb.localAddress, 0, address, 0);
    return;
  }
  env.tcp.ports.remove(handle.binding);
  handle.binding.automatic = false;
  handle.binding.address.fill(0);
  tcb.localAddress.fill(0);
  tcb.localPort = 0;
}

/** States whose end by tcp_disconnect is an error: those that need a reset, and SYN-SENT. */
const CUT_SHORT =
  stateBit(TCP_SYN_SENT) |
  stateBit(TCP_SYN_RECV) |
  stateBit(TCP_ESTABLISHED) |
  stateBit(TCP_CLOSE_WAIT) |
  stateBit(TCP_FIN_WAIT1) |
  stateBit(TCP_FIN_WAIT2);

/**
 * tcp_disconnect: whatever there was ends (with a reset where one is due), and the socket has a fresh block with the same
 * options, bound as the user had bound it.
 */
export function disconnect(socket: TcpSocket): void {
  const { env, handle } = socket;
  const old = handle.tcb;
  const wasBound = socket.portLocked;
  const port = handle.binding.port;
  const address = handle.binding.address.slice();
  const keepAddress = socket.addressLocked;
  const cutShort = (stateBit(old.state) & CUT_SHORT) !== 0;
  if (old.state === TCP_LISTEN) {
    socket.dropListener();
  } else {
    handle.user = null;
    if (old.state !== TCP_CLOSE) tcpAbort(old, env.now());
    env.tcp.forget(handle);
  }
  socket.adopt(env.tcp.create(socket.family === AF_INET6));
  // TCP_MAXSEG reads the last connection's segment size until the next one has its own, as on 6.18.
  socket.tcb.snd.mss = old.snd.mss;
  // The next call learns that the attempt or the connection is gone; connect() begins without it.
  if (cutShort) socket.tcb.error = ECONNRESET;
  for (const option of socket.replay.values()) applyToTcb(socket, option.level, option.name, option.value);
  if (!wasBound) {
    socket.addressLocked = false;
    return;
  }
  const fresh = socket.handle;
  if (keepAddress) copyAddress(fresh.binding.address, 0, address, 0);
  fresh.binding.inet6 = socket.family === AF_INET6;
  fresh.binding.v6only = socket.options.v6only;
  fresh.binding.reuseAddress = socket.options.reuseAddress;
  fresh.binding.reusePort = socket.options.reusePort;
  env.tcp.ports.add(fresh.binding, port);
  fresh.tcb.localPort = port;
  if (keepAddress) copyAddress(fresh.tcb.localAddress, 0, address, 0);
}
