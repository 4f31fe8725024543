// The receiving side: reassembly (RFC 9293 section 3.10.7.4, seventh), SACK and DSACK (RFC 2018, RFC 2883), windows, memory
// limits, urgent data (RFC 6093), the byte queue itself.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TCP_ACK, TCP_FIN, TCP_URG } from '../wire/tcp.js';
import { parseTcpOptions, TcpOptions } from '../wire/tcp-options.js';
import { receiveTruesize } from './memory.js';
import { tcpOutputNotSent, tcpOutputQueued, tcpPoll } from './poll.js';
import { tcpAtMark, tcpInputQueued, tcpReceive, tcpReceiveUrgent } from './read.js';
import { ReceiveQueue } from './receive-queue.js';
import { MSG_OOB, MSG_PEEK } from './send.js';
import { tcpSetReceiveLowat } from './socket-options.js';
import { EVENT_PRIORITY, EVENT_READABLE, EVENT_WRITABLE, type Tcb, TIMER_COMPRESSED_ACK } from './tcb.js';
import { established, hosts, pattern, receive, SERVER_PORT, send } from './testing/ends.js';
import type { TwoHosts, Wire } from './testing/two-hosts.js';
import { fullSpace, selectInitialWindow } from './window.js';

function plain(server: (tcb: Tcb) => void = () => {}): { net: TwoHosts; a: Tcb; b: Tcb; base: number } {
  const net = hosts();
  net.a.config.tcpTimestamps = 0;
  const ends = established(net, () => {}, server);
  net.run(1e6);
  net.held = true;
  return { ...ends, base: ends.b.rcv.nxt };
}

function segment(net: TwoHosts, a: Tcb, seq: number, data: Uint8Array, fields: Partial<Wire> = {}): void {
  net.inject(net.a, {
    seq: seq >>> 0,
    ack: a.rcv.nxt,
    data,
    localPort: a.localPort,
    remotePort: SERVER_PORT,
    ...fields,
  });
}

/** SACK blocks of the last segment that b sent, relative to `base`. */
function blocks(net: TwoHosts, base: number): number[] {
  const wire = net.log.findLast((w) => w.from === 1)!;
  const options = new TcpOptions();
  parseTcpOptions(wire.options, 0, wire.options.length, options);
  return [...options.sack.subarray(0, 2 * options.sackCount)].map((edge) => edge - base);
}

describe('reassembly', () => {
  it('delivers every byte once for any cutting, overlap, order and repetition', () => {
    const size = 4000;
    const bytes = pattern(size);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(size - 1), fc.integer({ min: 1, max: 900 })), {
          minLength: 1,
          maxLength: 40,
        }),
        fc.boolean(),
        (cuts, sack) => {
          const { net, a, b, base } = plain();
          if (!sack) b.opt.sack = false;
          const have = new Uint8Array(size);
          for (const [from, length] of cuts) {
            const end = Math.min(size, from + length);
            segment(net, a, base + from, bytes.subarray(from, end));
            have.fill(1, from, end);
            // What is acknowledged was received, and nothing else.
            const acknowledged = (b.rcv.nxt - base) >>> 0;
            const hole = have.indexOf(0);
            expect(acknowledged).toBe(hole < 0 ? size : hole);
            for (let i = 0; i < b.rcv.sackCount; i++) {
              const left = b.rcv.sackBlocks[2 * i]! - base;
              expect(left).toBeGreaterThan(acknowledged);
              expect(have.subarray(left, b.rcv.sackBlocks[2 * i + 1]! - base).indexOf(0)).toBe(-1);
            }
          }
          for (let from = 0; from < size; from += 1000)
            segment(net, a, base + from, bytes.subarray(from, from + 1000));
          expect(Buffer.compare(receive(net, b), bytes)).toBe(0);
          expect([b.rcv.memoryAllocated, b.rcv.outOfOrder?.size ?? 0, b.rcv.sackCount]).toEqual([0, 0, 0]);
          expect(net.b.memory.allocated).toBe(0);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('reports the newest block first and four at most (RFC 2018 section 4)', () => {
    const { net, a, base } = plain();
    net.b.config.tcpCompSackNr = 0;
    for (const at of [1, 3, 5, 7, 9]) segment(net, a, base + at * 1000, pattern(1000));
    expect(blocks(net, base)).toEqual([9000, 10000, 7000, 8000, 5000, 6000, 3000, 4000]);
    segment(net, a, base + 4000, pattern(1000));
    expect(blocks(net, base)).toEqual([3000, 6000, 9000, 10000, 7000, 8000]);
  });

  it('reports duplicates first, below and above RCV.NXT (RFC 2883 section 4)', () => {
    const { net, a, base } = plain();
    segment(net, a, base, pattern(1000));
    segment(net, a, base + 3000, pattern(1000));
    segment(net, a, base, pattern(1000));
    expect(blocks(net, base)).toEqual([0, 1000, 3000, 4000]);
    segment(net, a, base + 3000, pattern(500));
    expect(blocks(net, base)).toEqual([3000, 3500, 3000, 4000]);
    segment(net, a, base + 2500, pattern(1000));
    expect(blocks(net, base)).toEqual([3000, 3500, 2500, 4000]);
    segment(net, a, base + 2000, pattern(3000));
    expect(blocks(net, base)).toEqual([2500, 4000, 2000, 5000]);
    net.b.config.tcpDsack = 0;
    segment(net, a, base, pattern(1000));
    expect(blocks(net, base)).toEqual([2000, 5000]);
  });

  it('takes a FIN that came ahead of its data, and forgets what lies behind it', () => {
    const { net, a, b, base } = plain();
    segment(net, a, base + 1000, pattern(1000), { flags: TCP_ACK | TCP_FIN });
    segment(net, a, base + 5000, pattern(100));
    expect(b.rcv.finReceived).toBe(false);
    segment(net, a, base, pattern(1000));
    expect([b.rcv.finReceived, b.rcv.outOfOrder!.size, (b.rcv.nxt - base) >>> 0]).toEqual([true, 0, 2001]);
    expect([tcpInputQueued(b), receive(net, b).length]).toEqual([2000, 2000]);
  });

  it('acknowledges a filled gap at once (RFC 5681 section 4.2)', () => {
    const { net, a, b, base } = plain();
    b.ack.quick = 0;
    b.ack.pingpong = 1;
    segment(net, a, base + 100, pattern(100));
    const before = net.log.length;
    segment(net, a, base, pattern(100));
    expect(net.since(before).map((w) => w.ack)).toEqual([(base + 200) >>> 0]);
  });

  it('holds SACKs of a long burst back for a moment (tcp_comp_sack), but tells the count', () => {
    const { net, a, b, base } = plain();
    b.rtt.srtt8 = 8 * 50_000;
    b.rcv.rttEstimate = 8 * 50_000;
    const before = net.log.length;
    for (let i = 1; i <= 20; i++) segment(net, a, base + i * 1000, pattern(1000));
    const sent = net.log.length - before;
    expect(sent).toBeGreaterThanOrEqual(3);
    expect(sent).toBeLessThan(20);
    // 5 % of the round trip are more than tcp_comp_sack_delay_ns; tcp_comp_sack_slack_ns comes on top.
    expect(b.timers.deadline[TIMER_COMPRESSED_ACK]! - net.now).toBe(1000 + 100);
    net.run(3000);
    expect(net.log.length).toBe(before + sent + 1);
    expect(net.b.counters.get('TcpExtTCPAckCompressed')).toBeGreaterThan(5);
  });

  it('holds SACKs back for the slack alone where no round trip was measured', () => {
    const { net, a, b, base } = plain();
    b.rcv.rttEstimate = 0;
    for (let i = 1; i <= 20; i++) segment(net, a, base + i * 1000, pattern(1000));
    expect(b.timers.deadline[TIMER_COMPRESSED_ACK]! - net.now).toBe(100);
  });
});

describe('memory', () => {
  it('costs what Linux was measured to charge for a packet', () => {
    expect([41, 140, 1040, 1500, 9000].map(receiveTruesize)).toEqual([832, 832, 2304, 2304, 16_640]);
  });

  it('is bounded by the buffer for a peer that ignores the window', () => {
    const { net, a, b, base } = plain((tcb) => {
      tcb.rcv.buffer = 20_000;
      tcb.rcv.bufferLocked = true;
    });
    for (let i = 0; i < 200; i++) segment(net, a, base + i * 100, pattern(100, i * 100));
    expect(b.rcv.memoryAllocated).toBeLessThanOrEqual(20_000 + 2304);
    expect(net.b.counters.get('TcpExtPruneCalled')).toBeGreaterThan(0);
    const got = receive(net, b);
    expect(Buffer.compare(got, pattern(got.length))).toBe(0);
    expect((b.rcv.nxt - base) >>> 0).toBe(got.length);
  });

  it('gives up out-of-order segments from the far end, and says nothing of them any more', () => {
    const { net, a, b, base } = plain((tcb) => {
      tcb.rcv.buffer = 20_000;
      tcb.rcv.bufferLocked = true;
    });
    for (let i = 40; i > 0; i--) segment(net, a, base + i * 200, pattern(150));
    expect(b.rcv.memoryAllocated).toBeLessThanOrEqual(20_000 + 2304);
    expect(net.b.counters.get('TcpExtOfoPruned')).toBeGreaterThan(0);
    segment(net, a, base, pattern(200));
    expect(tcpInputQueued(b)).toBeGreaterThanOrEqual(200);
  });

  it('refuses data while the stack is out of memory, with a zero window', () => {
    const { net, a, b, base } = plain();
    segment(net, a, base, pattern(1000));
    net.b.config.tcpMem = [0, 0, 0];
    segment(net, a, base + 5000, pattern(1000));
    expect(net.b.counters.get('TcpExtTCPOFODrop')).toBe(1);
    segment(net, a, base + 1000, pattern(1000));
    expect(b.rcv.bytesReceived).toBe(1000);
    expect(net.log.at(-1)!.window).toBe(0);
    expect(net.b.counters.get('TcpExtTCPRcvQDrop')).toBe(1);
  });

  it('lets the buffer grow with a reader that keeps up, up to tcp_rmem', () => {
    const { net, a, b } = established();
    const first = b.rcv.buffer;
    let sent = 0;
    const bytes = pattern(60_000);
    for (let i = 0; i < 3000; i++) {
      const taken = send(net, a, bytes);
      if (taken > 0) sent += taken;
      net.run(2000);
      receive(net, b);
    }
    expect(sent).toBeGreaterThan(5_000_000);
    expect(b.rcv.buffer).toBeGreaterThan(2 * first);
    expect(b.rcv.buffer).toBeLessThanOrEqual(net.b.config.tcpRmem[2]);
  });
});

describe('the offered window', () => {
  it('begins as Linux chooses it', () => {
    const config = {
      tcpRmem: [4096, 131_072, 33_554_432] as [number, number, number],
      rmemMax: 4_194_304,
      tcpWorkaroundSignedWindows: 0,
    };
    const result = { window: 0, clamp: 0, wscale: 0 };
    selectInitialWindow(config, 65_536, 1460, 0, true, 0, result);
    expect(result).toEqual({ window: 64_240, clamp: 65_535 * 1024, wscale: 10 });
    selectInitialWindow(config, 65_536, 1460, 0, false, 0, result);
    expect(result).toEqual({ window: 64_240, clamp: 65_535, wscale: 0 });
    selectInitialWindow(config, 65_536, 1460, 20_000, true, 10, result);
    expect(result).toEqual({ window: 14_600, clamp: 20_000, wscale: 0 });
    config.tcpWorkaroundSignedWindows = 1;
    selectInitialWindow(config, 270_000, 1460, 0, true, 0, result);
    expect(result.window).toBe(32_767);
  });

  it('never takes back what was offered, unless tcp_shrink_window says so', () => {
    for (const shrink of [0, 1]) {
      const net = hosts();
      net.b.config.tcpShrinkWindow = shrink;
      const { a, b } = established(net);
      let edge = 0;
      let shrunk = false;
      for (let i = 0; i < 40; i++) {
        send(net, a, pattern(500));
        net.run(50_000);
        const right = b.rcv.wup + b.rcv.wnd;
        if (right < edge) shrunk = true;
        edge = right;
        if (i === 10) b.rcv.buffer = Math.floor(b.rcv.buffer / 2);
      }
      expect(shrunk).toBe(shrink === 1);
    }
  });

  it('is in whole segments without window scaling', () => {
    const net = hosts();
    net.a.config.tcpWindowScaling = 0;
    net.a.config.tcpTimestamps = 0;
    const { a, b } = established(net);
    for (let i = 0; i < 30; i++) {
      send(net, a, pattern(2920));
      net.run(20_000);
      receive(net, b);
    }
    expect(net.log.filter((w) => w.from === 1).every((w) => w.window <= 65_535)).toBe(true);
    expect(fullSpace(b)).toBeGreaterThan(0);
  });
});

describe('urgent data (RFC 6093)', () => {
  it('is one byte out of line, with a mark where reads stop', () => {
    const { net, a, b } = established();
    send(net, a, pattern(10));
    send(net, a, Uint8Array.of(0x21), MSG_OOB);
    send(net, a, pattern(5));
    expect(net.log.some((w) => (w.flags & TCP_URG) !== 0)).toBe(true);
    net.run(200_000);
    expect(net.b.take(b) & EVENT_PRIORITY).toBe(EVENT_PRIORITY);
    expect(tcpPoll(b) & EVENT_PRIORITY).toBe(EVENT_PRIORITY);
    expect(tcpInputQueued(b)).toBe(10);
    expect([tcpReceiveUrgent(b, true), tcpReceiveUrgent(b, false), tcpReceiveUrgent(b, false)]).toEqual([
      0x21, 0x21, -22,
    ]);
    const target = new Uint8Array(100);
    expect(tcpReceive(b, net.now, target, 0, 100, 0)).toBe(10);
    expect(tcpAtMark(b)).toBe(true);
    expect(tcpReceive(b, net.now, target, 0, 100, 0)).toBe(5);
    expect([tcpAtMark(b), tcpReceiveUrgent(b, false)]).toEqual([false, -22]);
  });

  it('stays in line when asked (SO_OOBINLINE), and is announced before it comes', () => {
    const { net, a, b, base } = plain();
    b.oobInline = true;
    segment(net, a, base, pattern(10), { flags: TCP_ACK | TCP_URG, urgent: 15 });
    segment(net, a, base + 10, pattern(10, 10));
    expect(tcpReceiveUrgent(b, false)).toBe(-22);
    const target = new Uint8Array(100);
    expect(tcpReceive(b, net.now, target, 0, 100, MSG_PEEK)).toBe(14);
    expect(tcpReceive(b, net.now, target, 0, 100, 0)).toBe(14);
    expect(tcpReceive(b, net.now, target, 0, 100, 0)).toBe(6);
    const other = plain();
    segment(other.net, other.a, other.base, pattern(3), { flags: TCP_ACK | TCP_URG, urgent: 15 });
    expect(tcpReceiveUrgent(other.b, false)).toBe(-11);
    // tcp_stdurg: the pointer is on the byte.
    const std = plain();
    std.net.b.config.tcpStdurg = 1;
    segment(std.net, std.a, std.base, pattern(20), { flags: TCP_ACK | TCP_URG, urgent: 4 });
    expect(tcpReceiveUrgent(std.b, false)).toBe(pattern(20)[4]);
  });

  it('an unread urgent byte becomes history when a newer one comes behind it', () => {
    const { net, a, b, base } = plain();
    segment(net, a, base, pattern(1), { flags: TCP_ACK | TCP_URG, urgent: 1 });
    expect(tcpReceiveUrgent(b, false)).toBe(pattern(1)[0]);
    segment(net, a, base + 1, pattern(2, 1), { flags: TCP_ACK | TCP_URG, urgent: 2 });
    expect(tcpReceiveUrgent(b, false)).toBe(pattern(2, 1)[1]);
    const target = new Uint8Array(10);
    expect(tcpReceive(b, net.now, target, 0, 10, 0)).toBe(1);
  });
});

describe('reading', () => {
  it('peeks without taking, drops without copying, honours SO_RCVLOWAT in readiness', () => {
    const { net, a, b, base } = plain();
    tcpSetReceiveLowat(b, net.now, 100);
    segment(net, a, base, pattern(50));
    expect(tcpPoll(b) & EVENT_READABLE).toBe(0);
    segment(net, a, base + 50, pattern(50, 50));
    expect(tcpPoll(b) & (EVENT_READABLE | EVENT_WRITABLE)).toBe(EVENT_READABLE | EVENT_WRITABLE);
    const target = new Uint8Array(60);
    expect(tcpReceive(b, net.now, target, 10, 50, MSG_PEEK)).toBe(50);
    expect(Buffer.compare(target.subarray(10), pattern(50))).toBe(0);
    expect(tcpReceive(b, net.now, null, 0, 40, 0)).toBe(40);
    expect(Buffer.compare(receive(net, b), pattern(60, 40))).toBe(0);
    expect(tcpReceive(b, net.now, target, 0, 0, 0)).toBe(0);
    expect(tcpReceive(b, net.now, target, 0, 1, 0)).toBe(-11);
    expect([tcpOutputQueued(b), tcpOutputNotSent(b)]).toEqual([0, 0]);
  });

  it('a queue gives back what was put in, in any mix of sizes, and its memory', () => {
    const { b } = plain();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.nat(6000)), { maxLength: 60 }),
        (steps) => {
          const queue = new ReceiveQueue();
          let written = 0;
          let read = 0;
          for (const [put, take] of steps) {
            queue.append(pattern(put, written), 0, put);
            queue.charge(b, put + 100, 0, written);
            written += put;
            const count = Math.min(take, queue.length);
            const target = new Uint8Array(count);
            queue.peek(0, count, target, 0);
            expect(Buffer.compare(target, pattern(count, read))).toBe(0);
            queue.drop(b, count);
            read += count;
            expect(queue.length).toBe(written - read);
          }
          queue.collapse(b, 3776, () => true);
          queue.clear(b);
          expect([queue.length, queue.packets]).toEqual([0, 0]);
        },
      ),
      { numRuns: 50 },
    );
    expect(b.rcv.memoryAllocated).toBe(0);
  });

  it('charges the packet of a FIN without data until the end is read, unless a packet waits that it can join', () => {
    const none = new Uint8Array(0);
    for (const early of [false, true]) {
      const { net, a, b, base } = plain();
      const packets = [() => segment(net, a, base, pattern(100))];
      packets.push(() => segment(net, a, base + 100, none, { flags: TCP_ACK | TCP_FIN }));
      if (early) packets.reverse();
      for (const packet of packets) packet();
      expect(b.rcv.memoryAllocated).toBe(receiveTruesize(140));
      expect(tcpReceive(b, net.now, new Uint8Array(200), 0, 200, 0)).toBe(100);
      expect([b.rcv.memoryAllocated, tcpReceive(b, net.now, new Uint8Array(9), 0, 9, 0)]).toEqual([0, 0]);
    }
    // What repeats data joins nothing.
    const partial = plain();
    segment(partial.net, partial.a, partial.base, pattern(100));
    segment(partial.net, partial.a, partial.base + 99, pattern(1), { flags: TCP_ACK | TCP_FIN });
    expect(partial.b.rcv.memoryAllocated).toBe(receiveTruesize(140) + 832);
    expect(tcpReceive(partial.b, partial.net.now, new Uint8Array(100), 0, 100, 0)).toBe(100);
    expect(partial.b.rcv.memoryAllocated).toBe(832);
    expect(tcpReceive(partial.b, partial.net.now, new Uint8Array(100), 0, 100, 0)).toBe(0);
    expect(partial.b.rcv.memoryAllocated).toBe(0);
    const { net, a, b, base } = plain();
    segment(net, a, base, none, { flags: TCP_ACK | TCP_FIN });
    expect([b.rcv.memoryAllocated, net.b.memory.allocated]).toEqual([832, 832]);
    expect(tcpReceive(b, net.now, new Uint8Array(9), 0, 9, MSG_PEEK)).toBe(0);
    expect(b.rcv.memoryAllocated).toBe(832);
    expect(tcpReceive(b, net.now, new Uint8Array(9), 0, 9, 0)).toBe(0);
    expect([b.rcv.memoryAllocated, net.b.memory.allocated]).toEqual([0, 0]);
  });
});
