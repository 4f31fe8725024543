// A stack with nothing to do costs nothing: a day of virtual time, in which only deadlines wake it.
import { describe, expect, it } from 'vitest';
import { memoryPair } from './link/memory.js';
import { socketAddress } from './socket/address.js';
import { AF_INET, SOCK_STREAM } from './socket/constants.js';
import { testSecrets } from './socket/two-stacks.test.helper.js';
import { createStack } from './stack.js';

const HOUR = 3600e6;
const DAY = 24 * HOUR;

describe('24 idle hours', () => {
  it('of a listener and an established connection wake neither end', () => {
    const [a, b] = memoryPair({ delay: 100 });
    const ends = [
      [a, '192.0.2.1'],
      [b, '192.0.2.2'],
    ] as const;
    const [client, server] = ends.map(([link, address], i) =>
      createStack({ links: [link], addresses: [{ address, prefix: 24 }], secrets: testSecrets(i + 1) }),
    );
    let now = 0;
    let runs = 0;
    /** Runs both up to `end`; counts the times at which anything was due. */
    const until = (end: number): void => {
      for (;;) {
        const next = Math.min(client.nextTimeout(), server.nextTimeout());
        if (next > end) break;
        now = Math.max(now, next);
        runs++;
        client.run(now);
        server.run(now);
      }
      now = end;
      client.run(now);
      server.run(now);
    };
    const listener = server.posix.socket(AF_INET, SOCK_STREAM, 0);
    expect(server.posix.bind(listener, socketAddress('0.0.0.0', 80))).toBe(0);
    expect(server.posix.listen(listener, 8)).toBe(0);
    const fd = client.posix.socket(AF_INET, SOCK_STREAM, 0);
    const connecting = client.posix.connect(fd, socketAddress('192.0.2.2', 80));
    until(1e6);
    expect(connecting.result).toBe(0);
    const accepted = server.posix.accept(listener).result as number;
    expect(accepted).toBeGreaterThanOrEqual(0);
    // Delayed ACKs, neighbours that go stale: an hour is enough for all of them.
    until(HOUR);
    runs = 0;
    until(HOUR + DAY);
    expect(runs).toBe(0);
    expect([client.nextTimeout(), server.nextTimeout()]).toEqual([Infinity, Infinity]);
    // And it still works.
    expect(client.posix.send(fd, Uint8Array.of(7), 0).result).toBe(1);
    until(now + 10e6);
    expect(server.posix.recv(accepted, new Uint8Array(8), 0).result).toBe(1);
    client.close();
    server.close();
  });
});
