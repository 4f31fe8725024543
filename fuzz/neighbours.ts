// Frames in which hosts ask each other for hardware addresses: ARP (RFC 826) and neighbour discovery (RFC 4861).

import { decodePacket } from '../conformance/runner/decode.js';

/** Bytes in front of the packet of an Ethernet frame without tags. */
export const ETHERNET_HEADER = 14;

const ARP = 0x0806;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;

/** Whether a frame asks or tells where a neighbour is; undefined: neither. */
export function neighbourTalk(frame: Uint8Array): 'question' | 'answer' | undefined {
  const type = (frame[12] << 8) | frame[13];
  if (type === ARP) return frame[ETHERNET_HEADER + 7] === 1 ? 'question' : 'answer';
  const { transport } = decodePacket(frame.subarray(ETHERNET_HEADER), 0);
  if (transport.kind !== 'icmp' || transport.version !== 6) return undefined;
  if (transport.type === NEIGHBOUR_SOLICITATION) return 'question';
  return transport.type === NEIGHBOUR_ADVERTISEMENT ? 'answer' : undefined;
}
