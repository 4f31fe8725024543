// A checked TCP segment in a packet buffer as the core's SegmentIn. Everything that outlives the packet is copied.
import type { IpPacket } from '../ip/packet.js';
import type { SegmentIn } from '../tcp/index.js';
import { copyAddress } from '../wire/address.js';
import * as tcp from '../wire/tcp.js';
import { parseTcpOptions } from '../wire/tcp-options.js';

/**
 * @param packet what IP made of it; its TCP header has passed `checkTcp`
 * @param zone interface for link-local addresses, otherwise 0
 * @param stamp arrival, µs
 * @param gsoSize bytes a segment of a super-packet, 0: it is one segment
 */
export function fillSegment(
  segment: SegmentIn,
  bytes: Uint8Array,
  packet: IpPacket,
  zone: number,
  stamp: number,
  gsoSize: number,
): void {
  const at = packet.payload;
  const head = tcp.headerLength(bytes, at);
  copyAddress(segment.localAddress, 0, packet.destination, 0);
  copyAddress(segment.remoteAddress, 0, packet.source, 0);
  segment.localPort = tcp.dstPort(bytes, at);
  segment.remotePort = tcp.srcPort(bytes, at);
  segment.ipv6 = packet.ipv6;
  segment.zone = zone;
  segment.arrival = stamp;
  segment.ecn = packet.ecn;
  segment.tos = packet.tos;
  segment.ttl = packet.ttl;
  segment.seq = tcp.seq(bytes, at);
  segment.ack = tcp.ack(bytes, at);
  segment.flags = tcp.flags(bytes, at);
  segment.window = tcp.window(bytes, at);
  segment.urgent = tcp.urgent(bytes, at);
  segment.length = packet.payloadLength - head;
  const phantom = (segment.flags & tcp.TCP_SYN ? 1 : 0) + (segment.flags & tcp.TCP_FIN ? 1 : 0);
  segment.endSeq = (segment.seq + segment.length + phantom) >>> 0;
  segment.bytes = bytes;
  segment.offset = at + head;
  segment.headerOffset = at;
  segment.headerEnd = at + head;
  segment.gsoSize = gsoSize;
  segment.packetLength = packet.length;
  parseTcpOptions(bytes, at + tcp.TCP_OFF_OPTIONS, at + head, segment.options);
}
