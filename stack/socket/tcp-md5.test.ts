// TCP_MD5SIG: signed connections (RFC 2385) between two stacks.
import { describe, expect, test } from 'vitest';
import { socketAddress } from './address.js';
import * as c from './constants.js';
import * as o from './options.js';
import { twoStacks } from './two-stacks.test.helper.js';

describe('TCP_MD5SIG', () => {
  /** struct tcp_md5sig for an IPv4 or IPv6 peer. */
  function md5sig(peer: string, key: string): Uint8Array {
    const value = new Uint8Array(216);
    const view = new DataView(value.buffer);
    const { family, address } = socketAddress(peer, 0);
    view.setUint16(0, family, true);
    if (family === c.AF_INET) value.set(address.subarray(12), 4);
    else value.set(address, 8);
    view.setUint16(130, key.length, true);
    value.set(new TextEncoder().encode(key), 136);
    return value;
  }

  for (const [to, from] of [
    ['10.0.0.2', '10.0.0.1'],
    ['fd00::2', 'fd00::1'],
  ]) {
    test(`the same key on both sides connects and transfers, another or none does not: ${to}`, () => {
      for (const [clientKey, serverKey, works] of [
        ['secret', 'secret', true],
        ['secret', 'Secret', false],
        ['', 'secret', false],
        ['secret', '', false],
      ] as const) {
        const pair = twoStacks();
        const { family } = socketAddress(to, 0);
        const listener = pair.b.posix.socket(family, c.SOCK_STREAM, 0);
        if (serverKey) {
          expect(pair.b.posix.setsockopt(listener, o.SOL_TCP, o.TCP_MD5SIG, md5sig(from, serverKey))).toBe(0);
        }
        pair.b.posix.bind(listener, socketAddress(to, 8080));
        pair.b.posix.listen(listener, 8);
        const client = pair.a.posix.socket(family, c.SOCK_STREAM, 0);
        if (clientKey) {
          expect(pair.a.posix.setsockopt(client, o.SOL_TCP, o.TCP_MD5SIG, md5sig(to, clientKey))).toBe(0);
        }
        const connect = pair.a.posix.connect(client, socketAddress(to, 8080));
        pair.advance(20_000);
        expect(connect.result, `${clientKey}/${serverKey}`).toBe(works ? 0 : null);
        if (works) {
          const server = pair.until(pair.b.posix.accept(listener));
          const sent = pair.a.posix.write(client, new Uint8Array(50_000));
          let got = 0;
          while (got < 50_000) got += pair.until(pair.b.posix.read(server, new Uint8Array(50_000)));
          expect(pair.until(sent)).toBe(50_000);
        } else {
          const refusals = ['TcpExtTCPMD5Failure', 'TcpExtTCPMD5NotFound', 'TcpExtTCPMD5Unexpected'];
          expect(refusals.reduce((sum, name) => sum + pair.b.counters.get(name)!, 0)).toBeGreaterThan(0);
        }
        pair.close();
      }
    });
  }
});
