// Small captures for tests: IPv4 and IPv6 TCP packets from a few words, and files of them.

import { mapIpv4 } from '../../stack/wire/address.js';
import * as ipv4 from '../../stack/wire/ipv4.js';
import * as tcp from '../../stack/wire/tcp.js';
import { type Frame, LINKTYPE_RAW } from '../frame.js';

export interface Sent {
  readonly from: number;
  readonly to: number;
  readonly seq: number;
  readonly ack?: number;
  readonly flags: number;
  readonly data?: Uint8Array;
  /** Reversed: from the second host to the first. */
  readonly back?: boolean;
}

const HOSTS = [1, 2].map((last) => {
  const address = new Uint8Array(16);
  mapIpv4(address, 0, Uint8Array.of(10, 0, 0, last), 0);
  return address;
});

export function packet4(s: Sent): Uint8Array {
  const data = s.data ?? new Uint8Array(0);
  const b = new Uint8Array(40 + data.length);
  const [a, z] = s.back ? [HOSTS[1]!, HOSTS[0]!] : [HOSTS[0]!, HOSTS[1]!];
  ipv4.writeIpv4(b, 0, 0, b.length, 1, 0, 64, 6, a, 0, z, 0);
  tcp.writeTcp(b, 20, s.from, s.to, s.seq, s.ack ?? 0, 20, s.flags, 1000, 0);
  b.set(data, 40);
  return b;
}

export function packet6(s: Sent): Uint8Array {
  const four = packet4(s);
  const b = new Uint8Array(four.length + 20);
  const view = new DataView(b.buffer);
  view.setUint32(0, 0x6000_0000);
  view.setUint16(4, four.length - 20);
  b[6] = 6;
  b[7] = 64;
  b[8] = b[24] = 0xfd;
  b[23] = s.back ? 2 : 1;
  b[39] = s.back ? 1 : 2;
  b.set(four.subarray(20), 40);
  return b;
}

export const frameOf = (data: Uint8Array, number = 1, snap = data.length): Frame => ({
  number,
  seconds: 1000 + Math.floor(number / 1000),
  nanoseconds: (number % 1000) * 1e6,
  linkType: LINKTYPE_RAW,
  interfaceId: 0,
  originalLength: data.length,
  data: data.subarray(0, snap),
  comments: [],
});
