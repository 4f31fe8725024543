// A UDP socket: bind, connect, datagrams in and out, errors from ICMP. Linux's inet_dgram_* calls. The protocol is in
// stack/udp; options are in udp-options.ts.

import { icmpErrno } from '../host/icmp-errno.js';
import { Binding } from '../host/ports.js';
import type { IcmpError } from '../ip/icmp-error.js';
import { FlowEnds } from '../tcp/flow-ends.js';
import type { TransmitOwner } from '../tcp/segment.js';
import type { UdpDatagram, UdpUser } from '../udp/udp-endpoint.js';
import { isIpv4, isLinkLocal, isMulticast, isUnspecified } from '../wire/address.js';
import { checkDestination, fillAddress, INET_LOOPBACK, INET6_LOOPBACK } from './address.js';
import { anyAddress, checkBind, takePort } from './bind.js';
import {
  AF_INET6,
  AF_UNSPEC,
  IPPROTO_UDP,
  MSG_ERRQUEUE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  POLLRDNORM,
  POLLWRNORM,
  SIOCINQ,
  SIOCOUTQ,
  SO_EE_ORIGIN_ICMP,
  SO_EE_ORIGIN_ICMP6,
  SOCK_DGRAM,
} from './constants.js';
import type { SocketEnvironment } from './environment.js';
import {
  EACCES,
  EADDRINUSE,
  EAGAIN,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENETUNREACH,
  ENOTCONN,
  ENOTTY,
  EOPNOTSUPP,
  EPIPE,
} from './errno.js';
import type { ReceiveRequest, SendRequest } from './message.js';
import { fillIpv4, leaveAll, multicastLink } from './option-multicast.js';
import { BLOCK } from './pending.js';
import { Socket } from './socket.js';
import type { SocketAddress } from './types.js';
import { addUdpControl } from './udp-control.js';
import { getUdpSocketOption, setUdpSocketOption, udpSendOptions } from './udp-options.js';

/** Largest datagram: an IPv4 length less the headers. */
const MAX_DATA = 65_507;
/** What a queued datagram costs beside its bytes (truesize of an skb without data). */
export const OVERHEAD = 768;

/** A connected socket's peer, and the source chosen for it. */
class UdpFlow extends FlowEnds {
  /** For groups: the link to leave by, -1: as the routes say. */
  link = -1;
}

export class UdpSocket extends Socket implements UdpUser, TransmitOwner {
  readonly binding = new Binding();
  peer: UdpFlow | null = null;
  readonly queue: UdpDatagram[] = [];
  /** Bytes charged for the queue and for what waits in the host's queue. */
  queued = 0;
  sending = 0;
  receiveBuffer: number;
  sendBuffer: number;
  drops = 0;
  error = 0;
  /** shutdown: 1 read, 2 write. */
  private shut = 0;
  private closed = false;

  constructor(env: SocketEnvironment, family: number, flags: number) {
    super(env, family, SOCK_DGRAM, IPPROTO_UDP, flags);
    this.receiveBuffer = env.config.rmemDefault;
    this.sendBuffer = env.config.wmemDefault;
  }

  bind(address: SocketAddress): number {
    const wrong = checkBind(this, address);
    if (wrong !== 0) return wrong;
    if (this.binding.inTable) return -EINVAL;
    const any = isUnspecified(address.address);
    this.binding.address.set(any && address.family === AF_UNSPEC ? anyAddress(this.family) : address.address);
    return this.attach(address.port, address.scopeId ?? 0);
  }

  private attach(port: number, zone: number): number {
    const { ports } = this.env.udp;
    const taken = takePort(this, ports, this.binding, port);
    const families = { inet6: this.family === AF_INET6, v6only: this.options.v6only };
    if (taken === 0 && this.env.udp.attach(this, families, zone)) return 0;
    ports.remove(this.binding);
    this.binding.address.fill(0);
    return taken || -EADDRINUSE;
  }

  /** An unbound socket takes an ephemeral port when it first sends or connects. */
  private autobind(): number {
    if (this.binding.inTable) return 0;
    this.binding.address.set(anyAddress(this.family));
    return this.attach(0, 0);
  }

  connect(address: SocketAddress): number {
    if (address.family === AF_UNSPEC) {
      this.peer = null;
      return 0;
    }
    const flow = new UdpFlow();
    const wrong = this.fillFlow(flow, address);
    if (wrong !== 0) return wrong;
    this.peer = flow;
    return 0;
  }

  /** Fills in everything for datagrams to `address`: 0 or -errno. */
  private fillFlow(flow: UdpFlow, address: SocketAddress): number {
    const wrong = checkDestination(this.family, address);
    if (wrong !== 0) return wrong;
    if (address.port === 0) return -EINVAL;
    let remote = address.address;
    if (isUnspecified(remote)) {
      const four = this.family !== AF_INET6 || (!this.binding.wild && isIpv4(this.binding.address));
      remote = four ? INET_LOOPBACK : INET6_LOOPBACK;
    }
    const v4 = isIpv4(remote);
    if (this.family === AF_INET6 && v4 && this.options.v6only) return -ENETUNREACH;
    if (!v4 && isLinkLocal(remote)) {
      flow.zone = address.scopeId ?? 0;
      if (flow.zone === 0) return -EINVAL;
    }
    if (v4 && !this.options.broadcast && this.env.network.isBroadcast(remote)) return -EACCES;
    const bound = this.autobind();
    if (bound !== 0) return bound;
    const link = isMulticast(remote) ? multicastLink(this, !v4, address.scopeId ?? 0) : -1;
    // A socket bound to a group has no address to send from.
    if (this.binding.wild || isMulticast(this.binding.address)) {
      const { network } = this.env;
      const named = v4 && link >= 0 ? this.options.multicastAddress : 0;
      if (named !== 0) fillIpv4(flow.localAddress, named);
      else if (!network.selectSource(remote, flow.zone, flow.localAddress, link)) return -ENETUNREACH;
    } else {
      if (isIpv4(this.binding.address) !== v4) return -ENETUNREACH;
      flow.localAddress.set(this.binding.address);
    }
    flow.remoteAddress.set(remote);
    flow.localPort = this.binding.port;
    flow.remotePort = address.port;
    flow.ipv6 = !v4;
    flow.link = link;
    return 0;
  }

  send(request: SendRequest): number {
    if (request.length > MAX_DATA) return -EMSGSIZE;
    if (request.flags & MSG_OOB) return -EOPNOTSUPP;
    if (this.shut & 2) return -EPIPE;
    let flow = this.peer;
    if (request.address !== null) {
      flow = new UdpFlow();
      const wrong = this.fillFlow(flow, request.address);
      if (wrong !== 0) return wrong;
    }
    if (flow === null) return -EDESTADDRREQ;
    if (this.error !== 0) return -this.takeError();
    const charge = request.length + OVERHEAD;
    if (this.sending > 0 && this.sending + charge > this.sendBuffer) return BLOCK;
    this.sending += charge;
    const group = isMulticast(flow.remoteAddress);
    const options = udpSendOptions(this, flow.ipv6, group, request.control);
    options.link = flow.link;
    const result = this.env.udp.send(this, flow, request.bytes, options, this, charge);
    if (result < 0) this.sending -= charge;
    return result < 0 ? result : request.length;
  }

  onTransmitDone(charge: number): void {
    this.sending -= charge;
    this.waiters.wake(POLLOUT | POLLWRNORM);
  }

  receive(request: ReceiveRequest): number {
    if (request.flags & MSG_ERRQUEUE) return this.errorQueue.receive(request, this.family);
    if (request.flags & MSG_OOB) return -EOPNOTSUPP;
    const datagram = this.queue[0];
    if (datagram === undefined) {
      if (this.error !== 0) return -this.takeError();
      return this.shut & 1 ? 0 : BLOCK;
    }
    if (!(request.flags & MSG_PEEK)) {
      this.queue.shift();
      this.queued -= datagram.data.length + OVERHEAD;
    }
    const copied = request.scatter(datagram.data);
    if (copied < datagram.data.length) request.outFlags |= MSG_TRUNC;
    request.source = {
      family: this.family,
      address: datagram.source,
      port: datagram.sourcePort,
      scopeId: datagram.zone,
    };
    if (request.message) addUdpControl(this, request, datagram);
    return request.flags & MSG_TRUNC ? datagram.data.length : copied;
  }

  deliver(datagram: UdpDatagram): boolean {
    const charge = datagram.data.length + OVERHEAD;
    if (this.closed || this.shut & 1) return true;
    if (this.queue.length > 0 && this.queued + charge > this.receiveBuffer) {
      this.drops++;
      return false;
    }
    this.queue.push(datagram);
    this.queued += charge;
    this.waiters.wake(POLLIN | POLLRDNORM);
    return true;
  }

  /** Whether datagrams to the group are for this socket although it is not bound to it (inet_mc_check). */
  takesGroup(group: Uint8Array, link: number): boolean {
    const all = isIpv4(group) ? this.options.multicastAll : this.options.multicastAll6;
    return all || this.isMember(group, link);
  }

  onError(error: IcmpError, info: number, quoted: Uint8Array): void {
    const { errno, hard } = icmpErrno(error.ipv6, error.type, error.code);
    const wanted = this.family === AF_INET6 ? this.options.receiveError6 : this.options.receiveError;
    if (wanted) {
      this.errorQueue.push(
        {
          errno,
          origin: error.ipv6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP,
          type: error.type,
          code: error.code,
          info,
          data: 0,
          offender: { family: this.family, address: error.reporter.slice(), port: 0 },
          timestamp: Number.NaN,
          payload: quoted.slice(),
          destination: { family: this.family, address: error.remoteAddress.slice(), port: error.remotePort },
        },
        this.receiveBuffer,
      );
    } else if (!hard || this.peer === null) {
      // RFC 1122 section 4.1.3.3, as Linux: without IP_RECVERR only connected sockets learn, and of hard errors only.
      return;
    }
    this.error = errno;
    this.waiters.wake(POLLERR);
  }

  shutdown(how: number): number {
    if (this.peer === null) return -ENOTCONN;
    this.shut |= how + 1;
    this.waiters.wake(0);
    return 0;
  }

  localAddress(out: SocketAddress): number {
    const address = this.peer?.localAddress ?? this.binding.address;
    fillAddress(out, this.family, address, this.binding.port, this.peer?.zone ?? 0);
    return 0;
  }

  remoteAddress(out: SocketAddress): number {
    if (this.peer === null) return -ENOTCONN;
    fillAddress(out, this.family, this.peer.remoteAddress, this.peer.remotePort, this.peer.zone);
    return 0;
  }

  takeError(): number {
    const { error } = this;
    this.error = this.errorQueue.nextError();
    return error;
  }

  setOption(level: number, name: number, value: Uint8Array): number {
    return setUdpSocketOption(this, level, name, value);
  }

  getOption(level: number, name: number, length: number): Uint8Array | number {
    return getUdpSocketOption(this, level, name, length);
  }

  override ioctl(request: number, value: Int32Array | number[]): number {
    if (request === SIOCINQ) value[0] = this.queue[0]?.data.length ?? 0;
    else if (request === SIOCOUTQ) value[0] = this.sending;
    else return -ENOTTY;
    return 0;
  }

  poll(): number {
    let mask = 0;
    if (this.error !== 0 || !this.errorQueue.empty) mask |= POLLERR;
    if (this.queue.length > 0 || this.shut & 1) mask |= POLLIN | POLLRDNORM;
    if (this.shut & 1) mask |= POLLRDHUP;
    if (this.shut === 3) mask |= POLLHUP;
    if (this.sending < this.sendBuffer) mask |= POLLOUT | POLLWRNORM;
    return mask;
  }

  override sendInterrupted(): number {
    return -EAGAIN;
  }

  release(): void {
    if (this.closed) return;
    this.closed = true;
    leaveAll(this);
    if (this.binding.inTable) {
      this.env.udp.detach(this);
      this.env.udp.ports.remove(this.binding);
    }
    this.queue.length = 0;
    this.queued = 0;
    this.errorQueue.clear();
    this.waiters.wake(0);
  }
}
