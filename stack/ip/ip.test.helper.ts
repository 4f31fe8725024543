// Packets for this folder's tests.
import { parseAddress } from '../wire/address.js';
import { finishTransport, writeIp } from './output.js';
import { IpPacket, parseIp } from './packet.js';

export const A4: Uint8Array = parseAddress('192.0.2.1');
export const B4: Uint8Array = parseAddress('192.0.2.2');
export const A6: Uint8Array = parseAddress('2001:db8::1');
export const B6: Uint8Array = parseAddress('2001:db8::2');

/** `length` bytes that count up. */
export function counting(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i & 255);
}

export interface PacketOptions {
  v6?: boolean;
  source?: Uint8Array;
  destination?: Uint8Array;
  tos?: number;
  df?: boolean;
  id?: number;
}

/** A whole packet with `payload` behind its header. */
export function packetOf(protocol: number, payload: Uint8Array, options: PacketOptions = {}): Uint8Array {
  const v6 = options.v6 ?? false;
  const b = new Uint8Array((v6 ? 40 : 20) + payload.length);
  const source = options.source ?? (v6 ? A6 : A4);
  const destination = options.destination ?? (v6 ? B6 : B4);
  const { tos = 0, df = false, id = 1 } = options;
  const at = writeIp(b, 0, v6, source, destination, protocol, payload.length, tos, 64, df, id, 0);
  b.set(payload, at);
  return b;
}

/** A UDP datagram in a packet, checksum and all. */
export function udpPacket(data: Uint8Array, options: PacketOptions = {}): Uint8Array {
  const v6 = options.v6 ?? false;
  const n = 8 + data.length;
  const payload = Uint8Array.of(0x10, 0, 0x20, 0, n >>> 8, n, 0, 0, ...data);
  const b = packetOf(17, payload, options);
  const packet = parsed(b);
  finishTransport(b, v6 ? 40 : 20, n, 6, packet.source, packet.destination, 17);
  return b;
}

/** The packet parsed; throws when it is refused. */
export function parsed(b: Uint8Array, o = 0): IpPacket {
  const packet = new IpPacket();
  const bad = parseIp(b, o, b.length - o, packet);
  if (bad !== 0) throw new Error(`refused with ${bad}`);
  return packet;
}

/** A repeatable 32-bit generator. */
export function testRandom(seed = 1): () => number {
  let s = seed >>> 0;
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0;
    return (s ^ (s >>> 15)) >>> 0;
  };
}
