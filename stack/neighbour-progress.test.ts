// TCP tells the neighbour cache that what it sends arrives (RFC 4861 section 7.3.1, Linux's sk_dst_confirm): nobody asks a neighbour
// that acknowledges. UDP cannot tell, and the same traffic is probed.
import { expect, it } from 'vitest';
import { type MemoryLink, memoryPair } from './link/memory.js';
import { socketAddress } from './socket/address.js';
import { AF_INET, MSG_DONTWAIT, SOCK_DGRAM, SOCK_STREAM } from './socket/constants.js';
import { testSecrets } from './socket/two-stacks.test.helper.js';
import { createStack } from './stack.js';

const SECOND = 1e6;
const ETHERTYPE = 12;
const ETHERTYPE_ARP = 0x0806;
/** Low byte of the operation, behind the type (RFC 826). */
const REQUEST_AT = 9;
const ARP_REQUEST = 1;

/** Counts the ARP requests that the link is given to send. */
function countRequests(link: MemoryLink): { requests: number } {
  const seen = { requests: 0 };
  const transmit = link.transmit.bind(link);
  link.transmit = (now, party, batch, count) => {
    for (let i = 0; i < count; i++) {
      const { bytes } = party;
      const at = party.start(batch[i]) + ETHERTYPE;
      const arp = ((bytes[at] << 8) | bytes[at + 1]) === ETHERTYPE_ARP;
      if (arp && bytes[at + REQUEST_AT] === ARP_REQUEST) seen.requests++;
    }
    return transmit(now, party, batch, count);
  };
  return seen;
}

/** ARP requests of the client in five minutes in which it sends a byte a second and the server takes it. */
function requestsOf(type: number): number {
  const [a, b] = memoryPair({ delay: 100 });
  const seen = countRequests(a);
  const [client, server] = [[a, '192.0.2.1'] as const, [b, '192.0.2.2'] as const].map(([link, address], i) =>
    createStack({ links: [link], addresses: [{ address, prefix: 24 }], secrets: testSecrets(i + 1) }),
  );
  let now = 0;
  const until = (end: number): void => {
    for (let next = 0; next <= end; next = Math.min(client.nextTimeout(), server.nextTimeout())) {
      now = Math.max(now, next);
      client.run(now);
      server.run(now);
    }
    now = end;
  };
  const [mine, theirs] = [client, server].map(({ posix }) => posix.socket(AF_INET, type, 0));
  server.posix.bind(theirs, socketAddress('0.0.0.0', 80));
  let served = theirs;
  if (type === SOCK_STREAM) server.posix.listen(theirs, 1);
  client.posix.connect(mine, socketAddress('192.0.2.2', 80));
  until(SECOND);
  if (type === SOCK_STREAM) served = server.posix.accept(theirs).result as number;
  const room = new Uint8Array(8);
  seen.requests = 0;
  for (let i = 2; i < 300; i++) {
    client.posix.send(mine, Uint8Array.of(i), MSG_DONTWAIT);
    until(now + SECOND);
    expect(server.posix.recv(served, room, MSG_DONTWAIT).result).toBe(1);
  }
  client.close();
  server.close();
  return seen.requests;
}

it('asks no neighbour whose acknowledgments arrive, and asks one that only gets datagrams', () => {
  expect(requestsOf(SOCK_STREAM)).toBe(0);
  expect(requestsOf(SOCK_DGRAM)).toBeGreaterThanOrEqual(4);
});
