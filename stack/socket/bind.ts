// bind(): what TCP and UDP sockets share. Checks in the order of Linux's __inet_bind and __inet6_bind.
import type { Binding, PortTable } from '../host/ports.js';
import { isIpv4, isLinkLocal, isMulticast, isUnspecified } from '../wire/address.js';
import { checkBindAddress, INET_ANY, INET6_ANY } from './address.js';
import { AF_INET6, SOCK_STREAM } from './constants.js';
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EINVAL } from './errno.js';
import type { Socket } from './socket.js';
import type { SocketAddress } from './types.js';

/** Whether the address may be bound: 0 or -errno. Does not look at ports' holders. */
export function checkBind(socket: Socket, address: SocketAddress): number {
  const wrong = checkBindAddress(socket.family, address);
  if (wrong !== 0) return wrong;
  const a = address.address;
  const inet6 = socket.family === AF_INET6;
  if (inet6) {
    if (isMulticast(a) && !isIpv4(a) && socket.type === SOCK_STREAM) return -EINVAL;
    if (isIpv4(a) && socket.options.v6only) return -EINVAL;
    if (!isIpv4(a) && isLinkLocal(a) && (address.scopeId ?? 0) === 0) return -EINVAL;
  }
  if (!isUnspecified(a) && !isMulticast(a) && !mayBindForeign(socket) && !socket.env.network.isLocal(a)) {
    return -EADDRNOTAVAIL;
  }
  const low = address.port !== 0 && address.port < socket.env.config.ipUnprivilegedPortStart;
  return low && !socket.env.privileged ? -EACCES : 0;
}

function mayBindForeign(socket: Socket): boolean {
  return socket.env.config.ipNonlocalBind !== 0 || socket.options.freebind || socket.options.transparent;
}

/** Fills the binding from the socket's options and takes the port (0: an ephemeral one): 0 or -EADDRINUSE. */
export function takePort(socket: Socket, ports: PortTable, binding: Binding, port: number): number {
  binding.inet6 = socket.family === AF_INET6;
  binding.v6only = socket.options.v6only;
  binding.reuseAddress = socket.options.reuseAddress;
  binding.reusePort = socket.options.reusePort;
  const taken = port === 0 ? ports.bindEphemeral(binding) !== 0 : ports.bind(binding, port);
  return taken ? 0 : -EADDRINUSE;
}

/** The wildcard address of the socket's family. */
export function anyAddress(family: number): Uint8Array {
  return family === AF_INET6 ? INET6_ANY : INET_ANY;
}
