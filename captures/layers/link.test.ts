// Where the IP packet begins behind each link header, as its description in tcpdump's registry of link types has it.

import { describe, expect, it } from 'vitest';
import type { Frame } from '../frame.js';
import { isKnownLinkType, networkOffset } from './link.js';

const IP = '45000014000040004006';
const MACS = '020000000001 020000000002';
const SNAP = 'aaaa03 000000 0800';
const DATA = `0801 0000 ${'02'.repeat(18)} 0000`;

const frame = (linkType: number, hex: string): Frame => {
  const data = Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
  const common = { number: 1, seconds: 0, nanoseconds: 0, interfaceId: 0, comments: [] };
  return { ...common, linkType, data, originalLength: data.length };
};

/** Name, type, header. */
const HEADERS: readonly (readonly [string, number, string])[] = [
  ['null', 0, '02000000'],
  ['Ethernet', 1, `${MACS} 0800`],
  ['Ethernet with a VLAN tag', 1, `${MACS} 8100 0005 0800`],
  ['Ethernet with two', 1, `${MACS} 88a8 0005 8100 0006 0800`],
  ['Ethernet with an E-tag', 1, `${MACS} 893f 00000000 0000 0800`],
  ['Ethernet with a VN-tag', 1, `${MACS} 8926 00000000 0800`],
  ['Ethernet with HSR', 1, `${MACS} 892f 00000001 0800`],
  ['Ethernet with LLC', 1, `${MACS} 0020 ${SNAP}`],
  ['Ethernet with MPLS', 1, `${MACS} 8847 00010040 00020140`],
  ['Ethernet with PPPoE', 1, `${MACS} 8864 1100 0001 0020 0021`],
  ['token ring', 6, `1040 ${MACS} ${SNAP}`],
  ['token ring with a route', 6, `1040 020000000001 820000000002 06c0 0011 0021 ${SNAP}`],
  ['SLIP', 8, `00${'40'.repeat(15)}`],
  ['PPP', 9, 'ff03 0021'],
  ['PPP with a short protocol', 9, '21'],
  ['PPP that is Cisco’s HDLC', 9, '0f00 0800'],
  ['FDDI', 10, `50 ${MACS} ${SNAP}`],
  ['raw, BSD', 12, ''],
  ['PPP in HDLC', 50, 'ff03 0021'],
  ['PPP over Ethernet', 51, '1100 0001 0020 0021'],
  ['ATM', 100, SNAP],
  ['raw', 101, ''],
  ['HDLC', 104, '0f00 0800'],
  ['802.11', 105, `${DATA} ${SNAP}`],
  ['frame relay', 107, '1841 03 cc'],
  ['loop', 108, '00000002'],
  ['enc', 109, '02000000 00000000 00000000'],
  ['cooked', 113, `0000 0001 0006 ${'02'.repeat(6)} 0000 0800`],
  ['radiotap', 127, `0000 0800 00000000 ${DATA} ${SNAP}`],
  ['FireWire', 138, `${'01'.repeat(16)} 0800`],
  ['PPI', 192, `00 00 0c00 69000000 00000000 ${DATA} ${SNAP}`],
  ['PPP with a direction', 204, '00 ff03 0021'],
  ['IPNET', 226, `01 02 0000 ${'00'.repeat(20)}`],
  ['IPv4', 228, ''],
  ['InfiniBand', 242, `${'02'.repeat(40)} 0800 0000`],
  ['PKTAP', 258, `10000000 01000000 01000000 00000000 ${MACS} 0800`],
  ['cooked v2', 276, `0800 0000 00000001 0001 00 06 ${'02'.repeat(8)}`],
  ['Broadcom tag', 281, `${MACS} 20000001 0800`],
  ['Broadcom tag in front', 282, `20000001 ${MACS} 0800`],
  ['DSA', 284, `${MACS} c0000000 0800`],
  ['EDSA', 285, `${MACS} dada 0000 c0000000 0800`],
];

describe('link headers', () => {
  it.each(HEADERS)('%s (%i)', (_name, type, header) => {
    const length = header.replaceAll(' ', '').length / 2;
    expect(isKnownLinkType(type)).toBe(true);
    expect(networkOffset(frame(type, header + IP))).toBe(length);
    // Cut anywhere, or with something that is no IP behind it, there is nothing to be found and nothing is read beyond.
    for (let cut = 0; cut <= length; cut++)
      expect(networkOffset(frame(type, (header.replaceAll(' ', '') + IP).slice(0, 2 * cut)))).toBeLessThan(
        cut + 1,
      );
    expect(networkOffset(frame(type, header + 'f5'.repeat(20)))).toBe(-1);
  });

  it('of types that nobody here can read are said to be', () => {
    expect(isKnownLinkType(147)).toBe(false);
    expect(networkOffset(frame(147, IP))).toBe(-1);
  });

  it('that lead to themselves end', () => {
    expect(networkOffset(frame(258, '0c000000 01000000 02010000'.repeat(20_000)))).toBe(-1);
  });
});
