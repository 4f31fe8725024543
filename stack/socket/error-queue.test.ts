// The error queue: ICMP errors by IP_RECVERR, zerocopy completions, transmit timestamps.
import { describe, expect, test } from 'vitest';
import { socketAddress } from './address.js';
import * as c from './constants.js';
import * as e from './errno.js';
import { ErrorQueue } from './error-queue.js';
import { ReceiveRequest } from './message.js';
import { readUint32 } from './option-value.js';
import * as o from './options.js';
import { connectPair, twoStacks } from './two-stacks.test.helper.js';
import type { ControlMessage, MessageHeader } from './types.js';

function message(): MessageHeader & { control: ControlMessage[]; flags: number } {
  return { iov: [], controlLength: 200, control: [], flags: 0 };
}

/** errno, origin, type, code, info, data of struct sock_extended_err. */
function extended(data: Uint8Array): number[] {
  return [readUint32(data), data[4], data[5], data[6], readUint32(data, 8), readUint32(data, 12)];
}

// RFC 9293 SHLD-20
describe('IP_RECVERR', () => {
  for (const [to, level, option, type] of [
    ['10.0.0.2', o.SOL_IP, o.IP_RECVERR, 3],
    ['fd00::2', o.SOL_IPV6, o.IPV6_RECVERR, 1],
  ] as const) {
    test(`a refused datagram says who refused it: ${to}`, () => {
      const pair = twoStacks();
      const address = socketAddress(to, 9);
      const { posix } = pair.a;
      const fd = posix.socket(address.family, c.SOCK_DGRAM, 0);
      expect(posix.setInt(fd, level, option, 1)).toBe(0);
      expect(posix.sendto(fd, Uint8Array.of(1, 2, 3, 4, 5), 0, address).result).toBe(5);
      pair.advance(10_000);
      const fds = [{ fd, events: 0, revents: 0 }];
      expect([posix.poll(fds, 0).result, fds[0].revents]).toEqual([1, c.POLLERR]);
      // The data of the datagram comes with it, as far as the message quotes it.
      const header = { ...message(), iov: [new Uint8Array(9)] };
      expect(posix.recvmsg(fd, header, c.MSG_ERRQUEUE).result).toBe(5);
      expect([...header.iov[0]]).toEqual([1, 2, 3, 4, 5, 0, 0, 0, 0]);
      const [control] = header.control;
      expect([control.level, control.type]).toEqual([level, option]);
      const six = level === o.SOL_IPV6;
      const origin = six ? c.SO_EE_ORIGIN_ICMP6 : c.SO_EE_ORIGIN_ICMP;
      expect(extended(control.data)).toEqual([e.ECONNREFUSED, origin, type, six ? 4 : 3, 0, 0]);
      expect(control.data.length).toBe(six ? 44 : 32);
      expect(six ? control.data[39] : control.data[23]).toBe(2); // the offender, fd00::2 or 10.0.0.2
      expect([header.flags & c.MSG_ERRQUEUE, header.name?.port]).toEqual([c.MSG_ERRQUEUE, 9]);
      expect(posix.recvmsg(fd, message(), c.MSG_ERRQUEUE).result).toBe(-e.EAGAIN);
      expect(posix.getInt(fd, o.SOL_SOCKET, o.SO_ERROR)).toBe(e.ECONNREFUSED);
      expect(posix.getInt(fd, o.SOL_SOCKET, o.SO_ERROR)).toBe(0);
      pair.close();
    });
  }
});

describe('zerocopy and timestamps of a connection', () => {
  test('completions come with consecutive ids and join', () => {
    const pair = twoStacks();
    const [client, server] = connectPair(pair);
    const { posix } = pair.a;
    posix.setInt(client, o.SOL_SOCKET, o.SO_ZEROCOPY, 1);
    expect(posix.recvmsg(client, message(), c.MSG_ERRQUEUE).result).toBe(-e.EAGAIN);
    for (let i = 0; i < 3; i++) {
      expect(posix.send(client, new Uint8Array(4000), c.MSG_ZEROCOPY).result).toBe(4000);
    }
    pair.advance(100_000);
    pair.b.posix.read(server, new Uint8Array(20_000));
    const header = message();
    expect(posix.recvmsg(client, header, c.MSG_ERRQUEUE).result).toBe(0);
    const [errno, origin, , code, info, data] = extended(header.control[0].data);
    expect([errno, origin, code, info, data]).toEqual([
      0,
      c.SO_EE_ORIGIN_ZEROCOPY,
      c.SO_EE_CODE_ZEROCOPY_COPIED,
      0,
      2,
    ]);
    pair.close();
  });

  test('scheduled, sent and acknowledged, each at its time', () => {
    const pair = twoStacks();
    const [client] = connectPair(pair);
    const { posix } = pair.a;
    const wish =
      c.SOF_TIMESTAMPING_TX_SCHED |
      c.SOF_TIMESTAMPING_TX_SOFTWARE |
      c.SOF_TIMESTAMPING_TX_ACK |
      c.SOF_TIMESTAMPING_SOFTWARE |
      c.SOF_TIMESTAMPING_OPT_ID |
      c.SOF_TIMESTAMPING_OPT_TSONLY;
    expect(posix.setInt(client, o.SOL_SOCKET, o.SO_TIMESTAMPING, wish)).toBe(0);
    const sentAt = pair.now;
    posix.write(client, new Uint8Array(1000));
    pair.advance(100_000);
    const seen: number[][] = [];
    for (;;) {
      const header = message();
      if (posix.recvmsg(client, header, c.MSG_ERRQUEUE).result !== 0) break;
      const [stamp, error] = header.control;
      expect([stamp.level, stamp.type]).toEqual([o.SOL_SOCKET, o.SCM_TIMESTAMPING]);
      const nanos = Number(new DataView(stamp.data.buffer).getBigInt64(8, true));
      const [errno, origin, , , kind, key] = extended(error.data);
      expect([errno, origin, key]).toEqual([e.ENOMSG, c.SO_EE_ORIGIN_TIMESTAMPING, 999]);
      seen.push([kind, nanos / 1000 - sentAt]);
    }
    expect(seen.slice(0, 2)).toEqual([
      [c.SCM_TSTAMP_SCHED, 0],
      [c.SCM_TSTAMP_SND, 0],
    ]);
    expect(seen[2][0]).toBe(c.SCM_TSTAMP_ACK);
    expect(seen[2][1]).toBeGreaterThanOrEqual(2000);
    expect(seen).toHaveLength(3);
    pair.close();
  });

  test('the queue is bounded by the receive buffer, and wrapping ids join', () => {
    const queue = new ErrorQueue();
    expect(queue.zerocopy(0xffff_fffe, 0xffff_ffff, true, 5000)).toBe(true);
    expect(queue.zerocopy(0, 1, true, 5000)).toBe(true);
    expect(queue.length).toBe(1);
    expect(queue.zerocopy(2, 2, false, 5000)).toBe(true);
    expect(queue.zerocopy(9, 9, false, 5000)).toBe(true);
    expect(queue.length).toBe(3);
    for (let i = 0; i < 20; i++) queue.zerocopy(20 + 2 * i, 20 + 2 * i, false, 5000);
    expect(queue.length).toBe(6);
    expect(queue.nextError()).toBe(0);
    const request = new ReceiveRequest([], c.MSG_ERRQUEUE, true, 10);
    expect(queue.receive(request, c.AF_INET)).toBe(0);
    expect(request.outFlags).toBe(c.MSG_ERRQUEUE | c.MSG_CTRUNC);
    expect(request.control).toEqual([]);
    queue.clear();
    expect(queue.empty).toBe(true);
  });
});
