// What can be demanded of each packet that a stack sends, whatever reached it, and what an ICMP error says of the packet
// that it answers. Knows no stack.

import { internetChecksum, pseudoHeader, type ReadPacket, readIp, upperLayer } from '../packets.js';
import { invariant, Violation } from '../target.js';
import { fragmentKey } from './ip-pieces.js';

/** Judges a frame of the stack; undefined for ARP. */
export function judgeFrame(frame: Uint8Array, ethernet: boolean, mtu: number): ReadPacket | undefined {
  let bytes = frame;
  if (ethernet) {
    const type = (frame[12] << 8) | frame[13];
    invariant(
      frame.length >= 14 && (type === 0x0806 || type === 0x0800 || type === 0x86dd),
      'a senseless frame is sent',
      () => String(type),
    );
    if (type === 0x0806) return undefined;
    bytes = frame.subarray(14);
  }
  const ip = readIp(bytes);
  if (typeof ip === 'string') throw new Violation('a malformed packet is sent', ip);
  invariant(bytes.length <= mtu, 'a packet is larger than the MTU', () => String(bytes.length));
  if (ip.fragment === undefined || (ip.fragment.offset === 0 && !ip.fragment.more)) checksum(ip);
  return ip;
}

function checksum(ip: ReadPacket): void {
  const { payload, protocol } = ip;
  if (protocol === 1) {
    invariant(internetChecksum(payload) === 0, 'an ICMP message has a wrong checksum');
  } else if (protocol === 58 || protocol === 6 || protocol === 17) {
    const sum = internetChecksum(pseudoHeader(ip.src, ip.dst, protocol, payload.length), payload);
    invariant(sum === 0, 'a packet has a wrong checksum', () => `protocol ${protocol}`);
  }
}

/** RFC 1122 section 3.2.2, RFC 4443 section 2.1; behind extension headers, too, as far as they are there. */
export function isError(ip: ReadPacket): boolean {
  if (ip.fragment !== undefined && ip.fragment.offset > 0) return false;
  const upper = upperLayer(ip);
  if (upper === undefined || upper.payload.length === 0) return false;
  const [type] = upper.payload;
  if (ip.version === 6) return upper.protocol === 58 && type < 128;
  return upper.protocol === 1 && [3, 4, 5, 11, 12].includes(type);
}

/** Time Exceeded, fragment reassembly (RFC 792, RFC 4443 section 3.3). */
export function gaveUpFragments({ version, payload, protocol }: ReadPacket): boolean {
  const [expected, type] = version === 6 ? [58, 3] : [1, 11];
  return protocol === expected && payload[0] === type && payload[1] === 1;
}

/** `fragmentKey` of the fragment that an error quotes; undefined when it quotes none that has a key. */
export function quotedKey({ version, payload }: ReadPacket): string | undefined {
  const quoted = payload.subarray(8);
  if (version === 4)
    return quoted.length < 20
      ? undefined
      : fragmentKey(quoted.subarray(12, 16), (quoted[4] << 8) | quoted[5]);
  if (quoted.length < 48 || quoted[6] !== 44) return undefined;
  const id = Buffer.from(quoted.subarray(44, 48)).readUInt32BE(0);
  return fragmentKey(quoted.subarray(8, 24), id);
}
