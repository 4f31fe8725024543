import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAddress } from './address.js';
import { expectSelfContained, u8 } from './arbitraries.test.helper.js';
import * as arp from './arp.js';
import { describeFrame, describePacket } from './describe.js';
import { writeEthernet } from './ethernet.js';
import * as icmp from './icmp.js';
import * as icmpv6 from './icmpv6.js';
import { finishHeader, writeIpv4 } from './ipv4.js';
import { writeIpv6 } from './ipv6.js';
import { writeFragmentHeader } from './ipv6-extensions.js';
import * as tcp from './tcp.js';
import { writeUdp } from './udp.js';

const a4 = parseAddress('192.0.2.1');
const b4 = parseAddress('192.0.2.2');
const a6 = parseAddress('2001:db8::1');
const b6 = parseAddress('2001:db8::2');

function v4(protocol: number, payload: number, tos = 0, fragment = 0): Uint8Array {
  const b = new Uint8Array(20 + payload);
  writeIpv4(b, 0, tos, b.length, 7, fragment, 64, protocol, a4, 0, b4, 0);
  return b;
}

function v6(next: number, payload: number): Uint8Array {
  const b = new Uint8Array(40 + payload);
  writeIpv6(b, 0, 3, 0, payload, next, 64, a6, 0, b6, 0);
  return b;
}

describe('descriptions', () => {
  it('name both ends, marks and the transport', () => {
    const t = v4(6, 24, 2);
    tcp.writeTcp(t, 20, 1, 2, 5, 6, 20, tcp.TCP_ACK, 9, 0);
    expect(describePacket(t, 0, t.length)).toBe(
      '192.0.2.1 > 192.0.2.2 [ECT0]: TCP 1 > 2: Flags [.], seq 5:9, ack 6, win 9, length 4',
    );
    const u = v6(17, 12);
    writeUdp(u, 40, 53, 54, 12);
    expect(describePacket(u, 0, u.length)).toBe('2001:db8::1 > 2001:db8::2 [CE]: UDP 53 > 54, length 4');
    const i = v4(1, 8);
    icmp.writeIcmp(i, 20, 8, 0, 0x10002);
    icmp.finishIcmp(i, 20, 8);
    expect(describePacket(i, 0, 28)).toBe('192.0.2.1 > 192.0.2.2: ICMP echo request, id 1, seq 2, length 8');
    const j = v6(58, 8);
    icmpv6.writeIcmpv6(j, 40, 129, 0, 0x10002);
    icmpv6.finishIcmpv6(j, 40, 8, a6, 0, b6, 0);
    expect(describePacket(j, 0, 48)).toBe(
      '2001:db8::1 > 2001:db8::2 [CE]: ICMP6 echo reply, id 1, seq 2, length 8',
    );
    expect(describePacket(v4(58, 3), 0, 23)).toBe('192.0.2.1 > 192.0.2.2: protocol 58, length 3');
    expect(describePacket(v4(99, 3), 0, 23)).toBe('192.0.2.1 > 192.0.2.2: protocol 99, length 3');
  });

  it('tell fragments and damage', () => {
    expect(describePacket(v4(17, 16, 0, 0x2002), 0, 36)).toBe(
      '192.0.2.1 > 192.0.2.2: fragment 7:16@16+ of protocol 17',
    );
    const f = v6(44, 16);
    writeFragmentHeader(f, 40, 17, 32, false, 9);
    expect(describePacket(f, 0, 56)).toBe('2001:db8::1 > 2001:db8::2 [CE]: fragment 9:8@32 of protocol 17');
    const d = v4(99, 0);
    d[8] = 1;
    expect(describePacket(d, 0, 20)).toBe(
      '192.0.2.1 > 192.0.2.2 [bad header checksum]: protocol 99, length 0',
    );
    finishHeader(d, 0);
    expect(describePacket(d, 0, 19)).toBe('IP malformed (shorter than 20 bytes)');
    expect(describePacket(v6(6, 4), 0, 43)).toBe('IP6 malformed (payload length)');
    expect(describePacket(v6(60, 4), 0, 44)).toBe('2001:db8::1 > 2001:db8::2 [CE]: bad extension headers');
    expect(describePacket(d, 0, 0)).toBe('no IP packet (0 bytes)');
  });

  it('look into frames', () => {
    const b = new Uint8Array(64);
    writeEthernet(b, 0, new Uint8Array(6), 0, new Uint8Array(6), 0, 0x0806);
    arp.writeArp(b, 14, arp.ARP_REQUEST, new Uint8Array(6), a4, 12, new Uint8Array(6), b4, 12);
    expect(describeFrame(b, 0, 60)).toBe('ARP who-has 192.0.2.2 tell 192.0.2.1');
    b[13] = 0;
    b.set(v4(99, 3), 14);
    expect(describeFrame(b, 0, 60)).toBe('192.0.2.1 > 192.0.2.2: protocol 99, length 3');
    b[12] = 0x88;
    expect(describeFrame(b, 0, 60)).toBe('frame of type 0x8800, length 60');
    expect(describeFrame(b, 0, 9)).toBe('frame of 9 bytes without a type');
  });

  it('stand on the bytes given alone, whatever they are', () => {
    const bytes = fc.array(fc.oneof(fc.constantFrom(0x45, 0x60, 6, 17, 0, 8), u8), {
      maxLength: 90,
      size: 'max',
    });
    fc.assert(
      fc.property(bytes, fc.constantFrom(0x45, 0x60, 0x46), (list, first) => {
        const data = Uint8Array.of(first, ...list);
        const text = expectSelfContained(data, (b, o) => [
          describePacket(b, o, data.length),
          describeFrame(b, o, data.length),
        ]);
        expect(String(text)).not.toMatch(/NaN|undefined/);
      }),
      { numRuns: 500 },
    );
  });
});
