// The stack has every counter that the kernel has: counted, or known as one that cannot move.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { memoryPair } from '../link/memory.js';
import { testSecrets } from '../socket/two-stacks.test.helper.js';
import { createStack } from '../stack.js';
import { TCP_COUNTER_NAMES } from './counters.js';
import { NEVER_COUNTED } from './counters-never.js';
import { IP_COUNTER_NAMES, StackCounters } from './ip-counters.js';

interface Case {
  name: string;
  packets: string[];
  counters: Record<string, number>;
}

const linux: { names: string[]; cases: Case[] } = JSON.parse(
  readFileSync('stack/host/counters-linux.json', 'utf8'),
);
const counted = new Set<string>([...IP_COUNTER_NAMES, ...TCP_COUNTER_NAMES]);

/** Still to be counted. */
const MISSING: readonly string[] = ['TcpExtTCPMemoryPressuresChrono', 'TcpExtTcpDuplicateDataRehash'];

test("every name of the kernel's is counted, or cannot move for a reason", () => {
  const unknown = linux.names.filter((name) => !counted.has(name) && !NEVER_COUNTED.has(name));
  expect(unknown).toEqual(MISSING);
});

test('no name is both counted and said never to move, and none is not the kernel’s', () => {
  expect([...NEVER_COUNTED.keys()].filter((name) => counted.has(name))).toEqual([]);
  const known = new Set(linux.names);
  const other = [...counted, ...NEVER_COUNTED.keys()].filter((name) => !known.has(name));
  // Made by the kernel as messages of a type come: `nstat -asz` shows them afterwards only.
  expect(other.filter((name) => !/^(IcmpMsg|Icmp6)(In|Out)Type\d+$/.test(name))).toEqual([]);
});

test('what cannot move is shown as 0', () => {
  const counters = new StackCounters();
  const shown = counters.snapshot();
  for (const name of NEVER_COUNTED.keys())
    expect([name, shown[name], counters.get(name)]).toEqual([name, 0, 0]);
  expect(counters.get('TcpExtNoSuchName')).toBeUndefined();
  expect(counters.format({ zeros: true })).toContain('IpForwDatagrams');
  expect(counters.format()).toBe('#kernel\n');
});

/** What the stack counts for the packets, as the host that the kernel was measured as. */
function count(packets: readonly string[]): Record<string, number> {
  const [link, peer] = memoryPair({ common: { framing: 'ip' }, a: { name: 'tun0' } });
  const stack = createStack({
    links: [link],
    addresses: [
      { address: '10.0.0.2', prefix: 24 },
      { address: 'fd00::2', prefix: 64 },
    ],
    routes: [{ destination: 'default' }, { destination: 'default6' }],
    secrets: testSecrets(1),
  });
  packets.forEach((packet, now) => {
    peer.sendFrame(now, Uint8Array.from(Buffer.from(packet, 'hex')));
    stack.run(now);
  });
  const moved = Object.entries(stack.counters.snapshot()).filter(([, value]) => value !== 0);
  stack.close();
  return Object.fromEntries(moved);
}

test.each(linux.cases)('counts as the kernel does: $name', ({ packets, counters }) => {
  expect(count(packets)).toEqual(counters);
});
