// bind() of a TCP socket, and the ephemeral port that listen() takes when there was no bind.

import { TCP_CLOSE } from '../tcp/index.js';
import { copyAddress, isUnspecified } from '../wire/address.js';
import { anyAddress, checkBind, takePort } from './bind.js';
import { EINVAL } from './errno.js';
import type { TcpSocket } from './tcp-socket.js';
import type { SocketAddress } from './types.js';

// RFC 9293 MUST-43
export function tcpSocketBind(socket: TcpSocket, address: SocketAddress): number {
  const wrong = checkBind(socket, address);
  if (wrong !== 0) return wrong;
  const { tcb, handle } = socket;
  if (tcb.state !== TCP_CLOSE || handle.binding.inTable) return -EINVAL;
  const any = isUnspecified(address.address);
  copyAddress(
    handle.binding.address,
    0,
    any && address.family === 0 ? anyAddress(socket.family) : address.address,
    0,
  );
  const taken = takePort(socket, socket.env.tcp.ports, handle.binding, address.port);
  if (taken !== 0) {
    handle.binding.address.fill(0);
    return taken;
  }
  setLocal(socket, address.address);
  tcb.zone = address.scopeId ?? 0;
  socket.addressLocked = !any;
  socket.portLocked = address.port !== 0;
  return 0;
}

/** Before listen() or sendto(): an unbound socket takes an ephemeral port on the wildcard. */
export function autobind(socket: TcpSocket): number {
  const { handle } = socket;
  if (handle.binding.inTable) return 0;
  copyAddress(handle.binding.address, 0, anyAddress(socket.family), 0);
  const taken = takePort(socket, socket.env.tcp.ports, handle.binding, 0);
  if (taken === 0) setLocal(socket, handle.binding.address);
  return taken;
}

/** The core's wildcard is sixteen zero bytes in either family. */
function setLocal(socket: TcpSocket, address: Uint8Array): void {
  const { tcb, handle } = socket;
  if (isUnspecified(address)) tcb.localAddress.fill(0);
  else copyAddress(tcb.localAddress, 0, address, 0);
  tcb.localPort = handle.binding.port;
}
