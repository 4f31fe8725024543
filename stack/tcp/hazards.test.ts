// Bugs that other stacks had and that no other test here would notice (docs/hazards.md has them all), and what a peer that
// behaves badly may cost: bounded memory, a bounded number of answers.
import { describe, expect, it } from 'vitest';
import { TCP_ACK, TCP_SYN } from '../wire/tcp.js';
import { listenerAccept } from './listener.js';
import { TCP_CLOSE, TCP_ESTABLISHED } from './states.js';
import {
  connect,
  established,
  hosts,
  listen,
  pattern,
  receive,
  SERVER_PORT,
  send,
  transfer,
} from './testing/ends.js';
import { SenderKit } from './testing/sender-kit.js';
import { tcpNextTimeout } from './timer-slots.js';
import { tcpOnTimer } from './timers.js';

describe('the sender', () => {
  it('times an ACK by its arrival, however late it is read', () => {
    const kit = new SenderKit();
    const { rtt, loss } = kit.tcb;
    kit.send(10);
    const sent = kit.now;
    // Read 900 ms after it came.
    kit.wait(1_000_000).ackBytes(0, [[9000, 10_000]], (seg) => {
      seg.arrival = sent + 100_000;
    });
    expect([rtt.latest, loss.rackRtt]).toEqual([100_000, 100_000]);
    expect(loss.lostOut).toBe(0);
  });

  it('repeats in one order: what fast retransmission sent goes again after a timeout, oldest first, nothing twice', () => {
    const kit = new SenderKit();
    kit.tcb.cc.cwnd = 10;
    kit.send(10);
    kit.wait(100_000).ack(0, [7, 10]);
    const fast = kit.takeSent();
    expect(fast).toEqual([...fast].sort((a, b) => a - b));
    // Those copies are lost as well: the timeout begins at the oldest again.
    const again: number[] = [];
    for (let sent: number[] = []; kit.tcb.snd.una !== kit.tcb.snd.nxt; sent = kit.takeSent()) {
      if (sent.length === 0) {
        kit.now = Math.max(kit.now, tcpNextTimeout(kit.tcb));
        tcpOnTimer(kit.tcb, kit.now);
        sent = kit.takeSent();
      }
      again.push(...sent);
      const next = Math.max(...sent) + 1;
      kit.wait(100_000).ack(next === 7 ? 10 : next, ...(next < 7 ? ([[7, 10]] as [number, number][]) : []));
    }
    expect(kit.tcb.snd.una).toBe(kit.tcb.snd.nxt);
    expect(again).toEqual([...new Set(again)].sort((a, b) => a - b));
  });

  it('goes on when the ACK of a whole super-packet was lost', () => {
    const net = hosts();
    const { a, b } = established(net);
    let dropped = 0;
    net.filter = (wire) => wire.from === 0 || wire.data.length > 0 || dropped++ >= 3;
    expect(transfer(net, a, b, pattern(60_000))).toEqual(Buffer.from(pattern(60_000)));
    expect(dropped).toBeGreaterThan(3);
  });
});

describe('the receiver', () => {
  it.each([1152, 2304, 4096])(
    'a buffer of %d bytes opens again, and takes a write of many times its size',
    (size) => {
      const { net, a, b } = established(hosts(), undefined, (tcb) => {
        tcb.rcv.buffer = size;
        tcb.rcv.bufferLocked = true;
      });
      const started = net.now;
      expect(transfer(net, a, b, pattern(20_000), 60e6)).toEqual(Buffer.from(pattern(20_000)));
      // Not by zero-window probes, the first of which takes 200 ms.
      expect(net.now - started).toBeLessThan((20_000 / 500) * 200_000);
    },
  );

  it('keeps addresses of its own: the packet that made a connection may be overwritten', () => {
    const net = hosts();
    const { b } = established(net);
    const before = [b.remoteAddress.slice(), b.localAddress.slice()];
    const { segment } = net.b as unknown as {
      segment: { remoteAddress: Uint8Array; localAddress: Uint8Array };
    };
    segment.remoteAddress.fill(0xa5);
    segment.localAddress.fill(0xa5);
    expect([b.remoteAddress, b.localAddress]).toEqual(before);
  });
});

describe('a peer that costs', () => {
  it('never reads: the writer stops at its buffer, and probes get rarer', () => {
    const net = hosts();
    const { a, b } = established(net);
    a.snd.buffer = 50_000;
    a.snd.bufferLocked = true;
    b.rcv.buffer = 20_000;
    b.rcv.bufferLocked = true;
    let taken = 0;
    for (let i = 0; i < 200; i++) {
      const n = send(net, a, pattern(10_000));
      if (n > 0) taken += n;
      net.run(10_000);
    }
    expect(taken).toBeLessThan(100_000);
    expect(a.snd.memoryQueued).toBeLessThan(80_000);
    expect(net.b.memory.allocated).toBeLessThan(40_000);
    const from = net.log.length;
    net.run(600e6);
    // Ten minutes: doubling from 200 ms to two minutes.
    expect(net.since(from).filter((w) => w.from === 0).length).toBeLessThan(16);
  });

  it('never acknowledges: the writer stops at its buffer, repetitions end after tcp_retries2', () => {
    const net = hosts();
    const { a } = established(net);
    a.snd.buffer = 50_000;
    a.snd.bufferLocked = true;
    net.filter = () => false;
    for (let i = 0; i < 50; i++) send(net, a, pattern(10_000));
    expect(a.snd.memoryQueued).toBeLessThan(80_000);
    const from = net.log.length;
    net.run(2000e6, () => a.state === TCP_CLOSE);
    expect(a.state).toBe(TCP_CLOSE);
    expect(net.since(from).length).toBeLessThan(40);
    expect(a.snd.memoryQueued).toBe(0);
  });

  it('sends one byte at a time, in order or with gaps: what that costs is charged and bounded', () => {
    for (const step of [1, 2]) {
      const net = hosts();
      const { a, b } = established(net);
      b.rcv.buffer = 30_000;
      b.rcv.bufferLocked = true;
      net.held = true;
      for (let i = 0; i < 20_000; i++) {
        net.inject(net.a, {
          seq: (a.snd.nxt + 1 + i * step) >>> 0,
          ack: a.rcv.nxt,
          data: Uint8Array.of(7),
          localPort: a.localPort,
          remotePort: SERVER_PORT,
        });
        net.log.length = 0;
      }
      expect(net.b.memory.allocated).toBeLessThan(45_000);
      expect(b.state).toBe(TCP_ESTABLISHED);
      expect(b.rcv.sackCount).toBeLessThanOrEqual(4);
    }
  });

  it('floods with SYNs: requests and half-open connections are bounded, real clients still come in', () => {
    const net = hosts();
    listen(net, 8);
    for (let i = 0; i < 1000; i++) {
      net.inject(net.a, {
        flags: TCP_SYN,
        seq: i,
        localPort: 1000 + i,
        remotePort: SERVER_PORT,
        options: Uint8Array.of(2, 4, 5, 180),
      });
    }
    const { listener, memory, flows } = net.b as unknown as {
      listener: { requests: { size: number }; pending: number };
      memory: { allocated: number };
      flows: Map<string, unknown>;
    };
    expect(listener.requests.size).toBe(9); // one more than the backlog, as on Linux
    expect([memory.allocated, flows.size]).toEqual([0, 0]);
    expect(net.b.counters.get('TcpExtSyncookiesSent')).toBeGreaterThan(900);
    // ACKs with guessed cookies get nothing either.
    for (let i = 0; i < 1000; i++)
      net.inject(net.a, {
        flags: TCP_ACK,
        seq: i,
        ack: i * 7919,
        localPort: 40_000 + i,
        remotePort: SERVER_PORT,
      });
    expect([listener.pending, flows.size]).toEqual([0, 0]);
    const client = connect(net);
    net.run(1e6, () => listener.pending > 0);
    net.run(100_000);
    const server = listenerAccept(net.b.listener!, net.now)!;
    expect([client.state, server.state]).toEqual([TCP_ESTABLISHED, TCP_ESTABLISHED]);
    send(net, client, pattern(100));
    net.run(100_000);
    expect(receive(net, server).length).toBe(100);
  });
});
