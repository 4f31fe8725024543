// Where two readers meet: what stack/ip and stack/wire say of a packet against the fuzzers' own reader (fuzz/packets.ts),
// which shares nothing with them. Knows no generators.

import { IpPacket, parseIp, transportVerifies } from '../../stack/ip/packet.js';
import * as tcp from '../../stack/wire/tcp.js';
import { parseTcpOptions, TcpOptions } from '../../stack/wire/tcp-options.js';
import * as udp from '../../stack/wire/udp.js';
import { internetChecksum, optionsFit, pseudoHeader, type ReadPacket, readIp, readTcp } from '../packets.js';
import { invariant } from '../target.js';

function same(what: string, ours: unknown, theirs: unknown): void {
  invariant(
    ours === theirs,
    `the two readers disagree on ${what}`,
    () => `${String(ours)} against ${String(theirs)}`,
  );
}

const packet = new IpPacket();
const options = new TcpOptions();

/** Compares the two readings of the packet in `bytes`, which may be damaged; padding behind it is allowed. */
export function judgeReading(bytes: Uint8Array): void {
  const bad = parseIp(bytes, 0, bytes.length, packet);
  const own = readIp(bytes);
  if (typeof own === 'string') {
    // Padding is no fault for the stack; everything else that the strict reader finds is.
    const padded = /lengths|payload length/.test(own) && packet.end < bytes.length;
    invariant(bad !== 0 || padded, 'a malformed packet is taken', () => own);
    return;
  }
  if (bad !== 0) {
    // The second reader judges neither addresses nor options and extension headers.
    const head = own.version === 4 ? bytes.length - own.payload.length : 40;
    const extended = own.version === 6 ? [0, 43, 44, 60].includes(bytes[6]) : head > 20;
    invariant(bad === 4 || extended, 'a right packet is refused', () => `code ${bad}`);
    return;
  }
  same('the version', packet.ipv6, own.version === 6);
  same('the hop limit', packet.ttl, own.ttl);
  same('the traffic class', packet.tos, own.tos);
  const plain = own.version === 4 || ![0, 43, 44, 60].includes(own.protocol);
  if (!plain) {
    if (own.fragment === undefined)
      invariant(optionsFit(own), 'an option that reaches beyond its header is taken');
    return;
  }
  same('the protocol', packet.protocol, own.protocol);
  same('the length of what it carries', packet.payloadLength, own.payload.length);
  same(
    'being a fragment',
    packet.fragment,
    own.fragment !== undefined && (own.fragment.more || own.fragment.offset > 0),
  );
  if (packet.fragment) {
    same('the fragment offset', packet.fragmentOffset, own.fragment?.offset);
    same('more fragments', packet.moreFragments, own.fragment?.more);
    same('the identification', packet.fragmentId, own.id);
    return;
  }
  if (own.protocol === 6) judgeTcp(bytes, own);
  else if (own.protocol === 17) judgeUdp(bytes, own);
}

function verifies(ip: ReadPacket, length: number): boolean {
  return (
    internetChecksum(pseudoHeader(ip.src, ip.dst, ip.protocol, length), ip.payload.subarray(0, length)) === 0
  );
}

function judgeTcp(bytes: Uint8Array, ip: ReadPacket): void {
  const at = packet.payload;
  const right = transportVerifies(bytes, packet, packet.payloadLength, 0);
  same('a TCP checksum', right, verifies(ip, ip.payload.length));
  const bad = tcp.checkTcp(bytes, at, packet.payloadLength);
  const own = readTcp(ip);
  if (typeof own === 'string') {
    if (own === 'TCP checksum' || own.startsWith('TCP option')) return;
    invariant(bad !== 0, 'a malformed segment is taken', () => own);
    return;
  }
  invariant(bad === 0, 'a right segment is refused', () => `code ${bad}`);
  same('the ports', `${tcp.srcPort(bytes, at)} ${tcp.dstPort(bytes, at)}`, `${own.srcPort} ${own.dstPort}`);
  same('the sequence number', tcp.seq(bytes, at), own.seq);
  same('the acknowledgment number', tcp.ack(bytes, at), own.ack);
  same('the flags', tcp.flags(bytes, at), own.flags);
  same('the window', tcp.window(bytes, at), own.window);
  const head = tcp.headerLength(bytes, at);
  same('the length of the data', packet.payloadLength - head, own.payload.length);
  parseTcpOptions(bytes, at + 20, at + head, options);
  invariant(!options.malformed, 'right TCP options are called malformed');
}

function judgeUdp(bytes: Uint8Array, ip: ReadPacket): void {
  const at = packet.payload;
  const b = ip.payload;
  const length = b.length >= 8 ? (b[4] << 8) | b[5] : 0;
  const good = b.length >= 8 && length >= 8 && length <= b.length;
  same('a datagram being well-formed', udp.checkUdp(bytes, at, packet.payloadLength) === 0, good);
  if (!good) return;
  same(
    'the ports',
    `${udp.srcPort(bytes, at)} ${udp.dstPort(bytes, at)}`,
    `${(b[0] << 8) | b[1]} ${(b[2] << 8) | b[3]}`,
  );
  same('the length of a datagram', udp.length(bytes, at), length);
  if (b[6] === 0 && b[7] === 0) return;
  same('a UDP checksum', transportVerifies(bytes, packet, length, 0), verifies(ip, length));
}
