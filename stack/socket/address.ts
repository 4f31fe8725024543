// Socket addresses: checking what a caller gives, and building what calls return. Knows no socket.
import { copyAddress, isIpv4, isUnspecified, parseAddress } from '../wire/address.js';
import { AF_INET, AF_INET6, AF_UNSPEC } from './constants.js';
import { EAFNOSUPPORT, EFAULT, EINVAL } from './errno.js';
import type { SocketAddress } from './types.js';

/** 0.0.0.0 in mapped form. Never written to. */
export const INET_ANY = parseAddress('0.0.0.0');
/** Never written to. */
export const INET6_ANY = new Uint8Array(16);
export const INET_LOOPBACK = parseAddress('127.0.0.1');
export const INET6_LOOPBACK = parseAddress('::1');

const SIZE_INET = 16;
const SIZE_INET6 = 28;
/** sin6_scope_id may be missing (SIN6_LEN_RFC2133). */
const SIZE_INET6_MIN = 24;

/** A new address; `text` is 'a.b.c.d' or IPv6. For callers outside, and tests. */
export function socketAddress(text: string, port: number): SocketAddress {
  const address = parseAddress(text);
  return { family: isIpv4(address) && !text.includes(':') ? AF_INET : AF_INET6, address, port };
}

/** An empty address for a call to fill. */
export function emptyAddress(): SocketAddress {
  return { family: AF_UNSPEC, address: new Uint8Array(16), port: 0 };
}

/** Length that the caller claims. */
function lengthOf(address: SocketAddress): number {
  return address.length ?? (address.family === AF_INET6 ? SIZE_INET6 : SIZE_INET);
}

/** What bind does with its address before anything else: 0 or -errno (inet_bind, inet6_bind). */
export function checkBindAddress(family: number, address: SocketAddress | null): number {
  if (address === null) return -EFAULT;
  const length = lengthOf(address);
  if (family === AF_INET) {
    if (length < SIZE_INET) return -EINVAL;
    if (address.family !== AF_INET) {
      // Compatibility: AF_UNSPEC is taken for AF_INET when the address is INADDR_ANY.
      const any = address.family === AF_UNSPEC && isUnspecified(address.address);
      return any ? 0 : -EAFNOSUPPORT;
    }
    return 0;
  }
  if (length < SIZE_INET6_MIN) return -EINVAL;
  return address.family === AF_INET6 ? 0 : -EAFNOSUPPORT;
}

/** What connect and sendto do with a destination: 0 or -errno (tcp_v4_connect, tcp_v6_connect, udp). */
export function checkDestination(family: number, address: SocketAddress): number {
  const length = lengthOf(address);
  if (family === AF_INET) {
    if (length < SIZE_INET) return -EINVAL;
    return address.family === AF_INET ? 0 : -EAFNOSUPPORT;
  }
  if (length < SIZE_INET6_MIN) return -EINVAL;
  return address.family === AF_INET6 ? 0 : -EAFNOSUPPORT;
}

/** Fills `out` for a socket of `family`: an IPv4 address stays mapped on an AF_INET6 socket. */
export function fillAddress(
  out: SocketAddress,
  family: number,
  address: Uint8Array,
  port: number,
  zone = 0,
): void {
  out.family = family;
  if (out.address.length < 16) out.address = new Uint8Array(16);
  // An AF_INET socket that is bound to nothing has 0.0.0.0, which is ::ffff:0.0.0.0 here.
  copyAddress(out.address, 0, family === AF_INET && isUnspecified(address) ? INET_ANY : address, 0);
  out.port = port;
  out.flowInfo = 0;
  out.scopeId = zone;
  out.length = family === AF_INET ? SIZE_INET : SIZE_INET6;
}
