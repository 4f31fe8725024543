import { describe, expect, it } from 'vitest';
import { counting, packetOf, parsed, udpPacket } from '../ip/ip.test.helper.js';
import { receive, send, testParty } from '../link/link.test.helper.js';
import { memoryPair } from '../link/memory.js';
import { createStack } from '../stack.js';
import { ICMPV6_TIME_EXCEEDED } from '../wire/icmpv6.js';

/** The first of two fragments: `mtu` bytes of a UDP datagram of 2000. */
function firstFragment(v6: boolean): Uint8Array {
  const whole = udpPacket(counting(2000), { v6 });
  const head = v6 ? 40 : 20;
  const part = whole.slice(head, head + 1400);
  if (!v6) {
    const b = packetOf(17, part);
    b[6] |= 0x20; // MF
    b[10] = 0;
    b[11] = 0;
    let sum = 0;
    for (let i = 0; i < 20; i += 2) sum += (b[i] << 8) | b[i + 1];
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    b[10] = (~sum >>> 8) & 0xff;
    b[11] = ~sum & 0xff;
    return b;
  }
  return packetOf(44, Uint8Array.of(17, 0, 0, 1, 0, 0, 0, 7, ...part), { v6 });
}

describe('a packet whose fragments never all came', () => {
  it.each([
    ['IPv4', false, 30],
    ['IPv6', true, 60],
  ])('is answered with Time Exceeded, code 1, and counted: %s', (_name, v6, seconds) => {
    const [here, there] = memoryPair({ common: { framing: 'ip' } });
    const stack = createStack({
      links: [here],
      addresses: [
        { address: '192.0.2.2', prefix: 24 },
        { address: '2001:db8::2', prefix: 64 },
      ],
    });
    const party = testParty();
    const fragment = firstFragment(v6);
    expect(parsed(fragment).fragment).toBe(true);
    send(there, 0, party, fragment);
    stack.run(1000);
    expect(stack.nextTimeout()).toBeLessThanOrEqual(1000 + seconds * 1e6);
    stack.run(seconds * 1e6 - 1e6);
    expect(receive(there, seconds * 1e6, party)).toEqual([]);
    stack.run(seconds * 1e6 + 2000);
    const [answer, ...more] = receive(there, seconds * 1e6 + 2000, party);
    expect(more).toEqual([]);
    const icmp = answer.bytes.subarray(v6 ? 40 : 20);
    expect([...icmp.subarray(0, 2)]).toEqual([v6 ? ICMPV6_TIME_EXCEEDED : 11, 1]);
    // It quotes the fragment, from its IP header on.
    expect([...icmp.subarray(8, 8 + 28)]).toEqual([...fragment.subarray(0, 28)]);
    const prefix = v6 ? 'Ip6' : 'Ip';
    expect(stack.counters.get(`${prefix}ReasmTimeout`)).toBe(1);
    expect(stack.counters.get(`${prefix}ReasmFails`)).toBe(1);
    expect(stack.counters.get(`${prefix}ReasmOKs`)).toBe(0);
    stack.close();
  });
});
