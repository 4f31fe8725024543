// Whatever is called, in whatever order: no call throws, every result is a count or a negative errno that Linux has, time goes
// on, and closing both stacks leaves nothing behind.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyAddress, socketAddress } from './address.js';
import * as c from './constants.js';
import { errnoName } from './errno.js';
import * as o from './options.js';
import { connectPair, twoStacks } from './two-stacks.test.helper.js';
import type { PendingCall } from './types.js';

const ADDRESSES = [
  '10.0.0.1',
  '10.0.0.2',
  '10.0.0.77',
  '0.0.0.0',
  '127.0.0.1',
  'fd00::1',
  'fd00::2',
  '::',
  '::1',
  '::ffff:10.0.0.2',
];
const FLAGS = [
  0,
  c.MSG_DONTWAIT,
  c.MSG_PEEK,
  c.MSG_OOB,
  c.MSG_MORE,
  c.MSG_WAITALL,
  c.MSG_ERRQUEUE,
  c.MSG_FASTOPEN,
  c.MSG_TRUNC,
];
const OPTIONS = [
  [o.SOL_SOCKET, o.SO_REUSEADDR],
  [o.SOL_SOCKET, o.SO_SNDBUF],
  [o.SOL_SOCKET, o.SO_RCVBUF],
  [o.SOL_SOCKET, o.SO_KEEPALIVE],
  [o.SOL_SOCKET, o.SO_ERROR],
  [o.SOL_SOCKET, o.SO_ZEROCOPY],
  [o.SOL_TCP, o.TCP_NODELAY],
  [o.SOL_TCP, o.TCP_CORK],
  [o.SOL_TCP, o.TCP_MAXSEG],
  [o.SOL_TCP, o.TCP_FASTOPEN],
  [o.SOL_TCP, o.TCP_FASTOPEN_CONNECT],
  [o.SOL_TCP, o.TCP_INFO],
  [o.SOL_IP, o.IP_RECVERR],
  [o.SOL_IP, o.IP_MTU],
  [o.SOL_IPV6, o.IPV6_V6ONLY],
];

const step = fc.record({
  call: fc.nat(19),
  side: fc.boolean(),
  fd: fc.integer({ min: 2, max: 9 }),
  other: fc.integer({ min: 2, max: 9 }),
  address: fc.nat(ADDRESSES.length - 1),
  port: fc.constantFrom(0, 80, 80, 80, 4000),
  flag: fc.nat(FLAGS.length - 1),
  size: fc.constantFrom(0, 1, 100, 3000, 40_000),
  option: fc.nat(OPTIONS.length - 1),
  value: fc.constantFrom(-1, 0, 1, 536, 100_000),
  time: fc.constantFrom(0, 100, 3000, 50_000, 2_000_000),
});

test('any calls in any order', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), fc.nat(1000), (steps, seed) => {
      const pair = twoStacks({
        impair: { seed, both: { loss: 0.05, duplicate: 0.02 } },
        link: { delay: 500 },
      });
      const waiting: PendingCall[] = [];
      // Half of the runs begin with two connections, so that deep states are reached.
      if (seed % 2 === 0) {
        connectPair(pair);
        connectPair(pair, 'fd00::2');
      }
      const check = (result: number | null) => {
        expect(result === null || Number.isInteger(result), `${result}`).toBe(true);
        if (result !== null && result < 0) expect(errnoName(-result)).not.toMatch(/^E\d/);
      };
      for (const s of steps) {
        const { posix } = s.side ? pair.a : pair.b;
        const address = socketAddress(ADDRESSES[s.address], s.port);
        const buffer = new Uint8Array(s.size);
        const [level, name] = OPTIONS[s.option];
        const flag = FLAGS[s.flag];
        const call = (): number | PendingCall => {
          switch (s.call) {
            case 0:
              return posix.socket(address.family, s.value === 0 ? c.SOCK_DGRAM : c.SOCK_STREAM, 0);
            case 1:
              return posix.socket(c.AF_INET, c.SOCK_STREAM | c.SOCK_NONBLOCK, 0);
            case 2:
              return posix.bind(s.fd, address);
            case 3:
              return posix.listen(s.fd, s.value);
            case 4:
              return posix.accept(s.fd, emptyAddress());
            case 5:
            case 6:
              return posix.connect(s.fd, s.value === -1 ? emptyAddress() : address);
            case 7:
              return posix.read(s.fd, buffer);
            case 8:
              return posix.write(s.fd, buffer);
            case 9:
              return posix.sendto(s.fd, buffer, flag, s.value === 0 ? null : address);
            case 10:
              return posix.recvmsg(s.fd, { iov: [buffer, new Uint8Array(3)], controlLength: 100 }, flag);
            case 11:
              return posix.shutdown(s.fd, Math.abs(s.value) % 3);
            case 12:
              return posix.close(s.fd);
            case 13:
              return posix.setInt(s.fd, level, name, s.value);
            case 14:
              return posix.getsockopt(s.fd, level, name, buffer, [s.size]);
            case 15:
              return posix.poll([{ fd: s.fd, events: 0xffff, revents: 0 }], s.value % 100);
            case 16:
              return posix.epoll_create1(0);
            case 17:
              return posix.epoll_ctl(s.fd, 1 + (s.size % 3), s.other, { events: 0x8000_0005, data: 1 });
            case 18:
              return posix.epoll_wait(s.fd, [], 4, s.value % 50);
            default:
              return posix.splice(s.fd, null, s.other, null, s.size, 0) as number | PendingCall;
          }
        };
        const result = call();
        if (typeof result === 'number') check(result);
        else {
          check(result.result);
          waiting.push(result);
        }
        posix.getsockname(s.fd, emptyAddress());
        posix.getpeername(s.fd, emptyAddress());
        pair.advance(s.time);
      }
      pair.advance(10e6);
      pair.close();
      for (const call of waiting) {
        expect(call.result).not.toBe(null);
        check(call.result);
      }
      for (const side of [pair.a, pair.b]) {
        expect(Object.entries(side.usage()).filter(([, count]) => count !== 0)).toEqual([]);
      }
    }),
    { numRuns: 150, seed: 20_261_122 },
  );
}, 60_000);
