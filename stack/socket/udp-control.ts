// Control messages that a received datagram carries (ip(7), ipv6(7), socket(7)).
import { indexOfLink } from '../host/network.js';
import type { UdpDatagram } from '../udp/udp-endpoint.js';
import { isIpv4 } from '../wire/address.js';
import { AF_INET6, SOF_TIMESTAMPING_RX_SOFTWARE, SOF_TIMESTAMPING_SOFTWARE } from './constants.js';
import { putControl, putInt, scmTimestamping, writeTimespec } from './control-message.js';
import type { ReceiveRequest } from './message.js';
import * as o from './options.js';
import type { UdpSocket } from './udp-socket.js';

export function addUdpControl(socket: UdpSocket, request: ReceiveRequest, datagram: UdpDatagram): void {
  const { options, env } = socket;
  const stamp = env.wallTime(datagram.arrival);
  if (options.timestamp !== 0) {
    const data = new Uint8Array(16);
    const view = new DataView(data.buffer);
    writeTimespec(view, 0, stamp);
    if (options.timestamp === o.SO_TIMESTAMP) view.setBigInt64(8, BigInt(Math.floor(stamp % 1e6)), true);
    putControl(request, o.SOL_SOCKET, options.timestamp, data);
  }
  const both = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  if ((options.timestamping & both) === both) {
    putControl(request, o.SOL_SOCKET, o.SCM_TIMESTAMPING, scmTimestamping(stamp));
  }
  if (options.rxqOverflow && socket.drops > 0) putInt(request, o.SOL_SOCKET, o.SO_RXQ_OVFL, socket.drops);
  const v4 = isIpv4(datagram.destination);
  if (v4) {
    if (options.packetInfo) {
      const data = new Uint8Array(12);
      new DataView(data.buffer).setInt32(0, indexOfLink(datagram.link), true);
      data.set(datagram.destination.subarray(12), 4);
      data.set(datagram.destination.subarray(12), 8);
      putControl(request, o.SOL_IP, o.IP_PKTINFO, data);
    }
    if (options.receiveTtl) putInt(request, o.SOL_IP, o.IP_TTL, datagram.ttl);
    if (options.receiveTos) putControl(request, o.SOL_IP, o.IP_TOS, Uint8Array.of(datagram.tos));
  }
  if (socket.family !== AF_INET6) return;
  if (options.packetInfo6) {
    const data = new Uint8Array(20);
    data.set(datagram.destination);
    new DataView(data.buffer).setInt32(16, indexOfLink(datagram.link), true);
    putControl(request, o.SOL_IPV6, o.IPV6_PKTINFO, data);
  }
  if (v4) return;
  if (options.receiveHopLimit) putInt(request, o.SOL_IPV6, o.IPV6_HOPLIMIT, datagram.ttl);
  if (options.receiveTrafficClass) putInt(request, o.SOL_IPV6, o.IPV6_TCLASS, datagram.tos);
}
