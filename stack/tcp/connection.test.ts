// Whole connections between two hosts: RFC 9293 sections 3.5 (establishing), 3.6 (closing), 3.7 and 3.8 (moving data).
import { describe, expect, it } from 'vitest';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../wire/tcp.js';
import { tcpAbort, tcpClose, tcpShutdown } from './close.js';
import { tcpConnect } from './connect.js';
import { tcpInfo } from './info.js';
import { tcpInputQueued, tcpReceive } from './read.js';
import { tcpSend } from './send.js';
import {
  TCP_CLOSE,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
} from './states.js';
import { EVENT_CONNECTED, EVENT_HANGUP, EVENT_READABLE, type Tcb } from './tcb.js';
import {
  block,
  connect,
  established,
  hosts,
  listen,
  pattern,
  receive,
  send,
  transfer,
} from './testing/ends.js';
import type { TwoHosts } from './testing/two-hosts.js';

function expectNothingLeft(net: TwoHosts): void {
  for (const host of [net.a, net.b]) {
    expect(host.flows.size).toBe(0);
    expect(host.memory.allocated).toBe(0);
    expect(host.memory.orphans).toBe(0);
    expect(host.heap.pagesInUse).toBe(0);
  }
}

/** Closes both ends in order and lets TIME-WAIT pass. */
function closeBoth(net: TwoHosts, first: Tcb, second: Tcb): void {
  tcpClose(first, net.now);
  net.run(1e6);
  tcpClose(second, net.now);
  net.run(120e6);
}

describe('establishing a connection (RFC 9293 section 3.5)', () => {
  it('takes three segments and agrees on every option', () => {
    const { net, a, b } = established();
    expect(net.log.slice(0, 3).map((w) => w.flags & (TCP_SYN | TCP_ACK))).toEqual([
      TCP_SYN,
      TCP_SYN | TCP_ACK,
      TCP_ACK,
    ]);
    for (const tcb of [a, b]) {
      expect(tcb.state).toBe(TCP_ESTABLISHED);
      expect(tcb.opt.timestamps && tcb.opt.sack && tcb.opt.wscale).toBe(true);
      expect(tcb.snd.mss).toBe(1448);
      expect(tcpInfo(tcb, net.now).tcpi_options).toBe(7);
    }
    expect(a.snd.wscale).toBe(b.rcv.wscale);
    expect(b.snd.wscale).toBe(a.rcv.wscale);
    // The handshake's round trip is the first sample on both sides.
    expect(Math.round(a.rtt.srtt8 / 8)).toBe(10_000);
    expect(Math.round(b.rtt.srtt8 / 8)).toBe(10_000);
  });

  it('falls back to what the other side knows', () => {
    const net = hosts();
    net.b.config.tcpTimestamps = 0;
    net.b.config.tcpSack = 0;
    net.b.config.tcpWindowScaling = 0;
    const { a, b } = established(net);
    for (const tcb of [a, b]) {
      expect([tcb.opt.timestamps, tcb.opt.sack, tcb.opt.wscale]).toEqual([false, false, false]);
      expect(tcb.snd.mss).toBe(1460);
      expect(tcb.rcv.wscale).toBe(0);
    }
    expect(Buffer.compare(transfer(net, a, b, pattern(300_000)), pattern(300_000))).toBe(0);
  });

  it('opens simultaneously (figure 8)', () => {
    const net = hosts();
    const a = block(net.a, 5000, 6000);
    const b = block(net.b, 6000, 5000);
    net.a.newFlow(a);
    net.b.newFlow(b);
    expect(tcpConnect(a, net.now)).toBe(0);
    expect(tcpConnect(b, net.now)).toBe(0);
    net.run(6000);
    expect([a.state, b.state]).toEqual([TCP_SYN_RECV, TCP_SYN_RECV]);
    net.run(1e6);
    expect([a.state, b.state]).toEqual([TCP_ESTABLISHED, TCP_ESTABLISHED]);
    expect(net.a.take(a) & EVENT_CONNECTED).toBe(EVENT_CONNECTED);
    expect(Buffer.compare(transfer(net, b, a, pattern(50_000)), pattern(50_000))).toBe(0);
    closeBoth(net, a, b);
    expectNothingLeft(net);
  });

  it('is refused by a RST when nobody listens (section 3.10.7.1), and told so', () => {
    const net = hosts();
    const a = connect(net);
    net.run(1e6);
    expect(a.state).toBe(TCP_CLOSE);
    expect(a.error).toBe(111);
    const rst = net.log[1]!;
    expect([rst.flags, rst.seq, rst.ack]).toEqual([TCP_RST | TCP_ACK, 0, (net.log[0]!.seq + 1) >>> 0]);
    expect(net.a.counters.get('TcpAttemptFails')).toBe(1);
  });

  it('repeats the SYN with linear timeouts first, then gives up with ETIMEDOUT', () => {
    const net = hosts();
    net.weather.loss = 1;
    const a = connect(net);
    const start = net.now;
    net.run(1000e6, () => a.state === TCP_CLOSE);
    // tcp_syn_linear_timeouts 4: 1, 1, 1, 1, 1 s, then doubling; tcp_syn_retries 6 doublings more.
    expect(net.log.map((w) => (w.at - start) / 1e6)).toEqual([0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67]);
    expect(a.error).toBe(110);
    expect(a.state).toBe(TCP_CLOSE);
  });

  it('answers an unacceptable ACK in SYN-SENT with a RST and tries on (figure 9)', () => {
    const net = hosts();
    const a = connect(net);
    net.held = true;
    net.inject(net.b, { seq: 77, ack: a.snd.iss, flags: TCP_ACK, localPort: 80, remotePort: a.localPort });
    const rst = net.log.at(-1)!;
    expect([rst.flags, rst.seq]).toEqual([TCP_RST, a.snd.iss]);
    expect(a.state).toBe(TCP_SYN_SENT);
    // A RST without a valid ACK means nothing.
    net.inject(net.b, { flags: TCP_RST, localPort: 80, remotePort: a.localPort });
    expect(a.state).toBe(TCP_SYN_SENT);
  });
});

describe('moving data (RFC 9293 section 3.8)', () => {
  for (const [name, weather] of [
    ['a clean path', {}],
    ['5 % loss', { loss: 0.05 }],
    ['reordering', { jitter: 20_000 }],
    ['loss, duplicates and reordering', { loss: 0.03, duplicate: 0.1, jitter: 8000 }],
  ] as const) {
    it(`brings every byte once and in order over ${name}, both ways`, () => {
      for (let seed = 1; seed <= 3; seed++) {
        const { net, a, b } = established(hosts(seed));
        Object.assign(net.weather, weather);
        const bytes = pattern(400_000, seed);
        expect(Buffer.compare(transfer(net, a, b, bytes), bytes)).toBe(0);
        expect(
          Buffer.compare(transfer(net, b, a, bytes.subarray(0, 100_000)), bytes.subarray(0, 100_000)),
        ).toBe(0);
        Object.assign(net.weather, { loss: 0, jitter: 0, duplicate: 0 });
        closeBoth(net, a, b);
        expectNothingLeft(net);
      }
    });
  }

  it('crosses the wrap of the sequence space', () => {
    const net = hosts();
    net.a.iss = 0xffff_f000;
    net.b.iss = 0xffff_fff0;
    const { a, b } = established(net);
    const bytes = pattern(200_000);
    expect(Buffer.compare(transfer(net, a, b, bytes), bytes)).toBe(0);
    expect(Buffer.compare(transfer(net, b, a, bytes), bytes)).toBe(0);
  });

  it('stops at a zero window, probes it, and goes on when the reader does (section 3.8.6.1)', () => {
    const { net, a, b } = established(hosts(), undefined, (tcb) => {
      tcb.rcv.buffer = 8000;
      tcb.rcv.bufferLocked = true;
    });
    const bytes = pattern(60_000);
    const taken = send(net, a, bytes);
    expect(taken).toBeGreaterThan(20_000);
    net.run(3e6);
    expect(a.snd.wnd).toBe(0);
    expect(net.a.counters.get('TcpExtTCPWinProbe')).toBeGreaterThan(0);
    expect(b.rcv.memoryAllocated).toBeLessThanOrEqual(8000 + 2304);
    // Probed for a day and a half, the connection stays open as long as the peer answers.
    net.run(36 * 3600e6);
    expect(a.state).toBe(TCP_ESTABLISHED);
    let got = 0;
    const end = net.now + 600e6;
    while (got < taken && net.now < end) {
      got += receive(net, b).length;
      net.run(100_000);
    }
    expect(got).toBe(taken);
  });

  it('tells a large window update at once, a small one not at all (section 3.8.6.2.2)', () => {
    const { net, a, b } = established(hosts(), undefined, (tcb) => {
      tcb.rcv.buffer = 40_000;
      tcb.rcv.bufferLocked = true;
    });
    send(net, a, pattern(40_000));
    net.run(2e6);
    const before = net.log.length;
    receive(net, b, 100);
    expect(net.since(before)).toEqual([]);
    receive(net, b);
    expect(net.since(before).length).toBe(1);
    expect(net.log.at(-1)!.window).toBeGreaterThan(0);
  });

  it('holds a second small segment back until the first is acknowledged (Nagle), unless told not to', () => {
    const { net, a, b } = established();
    const before = net.log.length;
    send(net, a, pattern(10));
    send(net, a, pattern(10, 10));
    send(net, a, pattern(10, 20));
    expect(net.since(before).map((w) => w.data.length)).toEqual([10]);
    net.run(100_000);
    expect(net.log.filter((w) => w.from === 0 && w.data.length > 0).map((w) => w.data.length)).toEqual([
      10, 20,
    ]);
    expect(receive(net, b)).toEqual(Buffer.from(pattern(30)));
    a.snd.nonagle = 1;
    const next = net.log.length;
    send(net, a, pattern(10));
    send(net, a, pattern(10));
    expect(net.since(next).map((w) => w.data.length)).toEqual([10, 10]);
  });

  it('delays the ACK of small data, and sends it with data that goes back', () => {
    const { net, a, b } = established();
    // Leave the quick ACKs of the beginning.
    for (let i = 0; i < 40; i++) {
      send(net, a, pattern(100));
      net.run(30_000);
      receive(net, b);
      send(net, b, pattern(100));
      net.run(30_000);
      receive(net, a);
    }
    const before = net.log.length;
    send(net, a, pattern(100));
    net.run(6000);
    expect(net.since(before).filter((w) => w.from === 1)).toEqual([]);
    net.run(300_000);
    expect(net.since(before).filter((w) => w.from === 1).length).toBe(1);
  });
});

describe('closing (RFC 9293 section 3.6)', () => {
  it('goes through FIN-WAIT-2 and CLOSE-WAIT, and half-closed data still flows', () => {
    const { net, a, b } = established();
    send(net, a, pattern(100));
    expect(tcpShutdown(a, net.now, 1)).toBe(0);
    expect(a.state).toBe(TCP_FIN_WAIT1);
    expect(tcpSend(a, net.now, pattern(1), 0, 1, 0)).toBe(-32);
    net.run(1e6);
    expect([a.state, b.state]).toEqual([TCP_FIN_WAIT2, TCP_CLOSE_WAIT]);
    expect(net.b.take(b) & EVENT_READABLE).toBe(EVENT_READABLE);
    expect(tcpInputQueued(b)).toBe(100);
    expect(receive(net, b).length).toBe(100);
    expect(tcpReceive(b, net.now, new Uint8Array(1), 0, 1, 0)).toBe(0);
    expect(Buffer.compare(transfer(net, b, a, pattern(30_000)), pattern(30_000))).toBe(0);
    tcpClose(b, net.now);
    expect(b.state).toBe(TCP_LAST_ACK);
    net.run(100_000);
    expect(net.b.gone).toEqual([b]);
    expect(a.state).toBe(TCP_CLOSE);
    expect(net.a.waits.size).toBe(1);
    expect(net.a.take(a) & EVENT_HANGUP).toBe(EVENT_HANGUP);
    tcpClose(a, net.now);
    net.run(61e6);
    expect(net.a.waits.size).toBe(0);
    expect(net.a.memory.timeWaits).toBe(0);
    expectNothingLeft(net);
  });

  it('closes simultaneously through CLOSING (figure 14)', () => {
    const { net, a, b } = established();
    tcpShutdown(a, net.now, 1);
    tcpShutdown(b, net.now, 1);
    net.run(6000);
    expect([a.state, b.state]).toEqual([TCP_CLOSING, TCP_CLOSING]);
    net.run(100_000);
    expect([net.a.waits.size, net.b.waits.size]).toEqual([1, 1]);
    expect([...net.a.waits.values()][0]!.substate).toBe(TCP_TIME_WAIT);
    tcpClose(a, net.now);
    tcpClose(b, net.now);
    net.run(61e6);
    expectNothingLeft(net);
  });

  it('sends a RST when received data was not read (RFC 2525 section 2.17)', () => {
    const { net, a, b } = established();
    send(net, a, pattern(100));
    net.run(100_000);
    tcpClose(b, net.now);
    const rst = net.log.at(-1)!;
    expect(rst.flags).toBe(TCP_RST | TCP_ACK);
    expect(net.b.counters.get('TcpExtTCPAbortOnClose')).toBe(1);
    net.run(100_000);
    expect([a.state, a.error]).toEqual([TCP_CLOSE, 104]);
    expect(tcpReceive(a, net.now, new Uint8Array(1), 0, 1, 0)).toBe(-104);
    expect(tcpReceive(a, net.now, new Uint8Array(1), 0, 1, 0)).toBe(0);
    expect(tcpSend(a, net.now, pattern(1), 0, 1, 0)).toBe(-32);
    tcpClose(a, net.now);
    expectNothingLeft(net);
  });

  it('answers data for a closed socket with a RST (RFC 1122 section 4.2.2.13)', () => {
    const { net, a, b } = established();
    tcpClose(b, net.now);
    net.run(100_000);
    send(net, a, pattern(100));
    net.run(100_000);
    expect([a.state, a.error]).toEqual([TCP_CLOSE, 32]);
    tcpClose(a, net.now);
    net.run(120e6);
    expectNothingLeft(net);
  });

  it('queues the FIN behind a zero window and moves at once', () => {
    const { net, a, b } = established(hosts(), undefined, (tcb) => {
      tcb.rcv.buffer = 8000;
      tcb.rcv.bufferLocked = true;
    });
    const taken = send(net, a, pattern(50_000));
    net.run(2e6);
    expect(a.snd.wnd).toBe(0);
    tcpShutdown(a, net.now, 1);
    expect(a.state).toBe(TCP_FIN_WAIT1);
    let got = 0;
    for (let i = 0; i < 2000 && b.state !== TCP_CLOSE_WAIT; i++) {
      got += receive(net, b).length;
      net.run(100_000);
    }
    got += receive(net, b).length;
    expect([got, b.state]).toEqual([taken, TCP_CLOSE_WAIT]);
  });

  it('aborts with a RST, from every side of the handshake', () => {
    const { net, a, b } = established();
    tcpAbort(a, net.now);
    expect([a.state, a.error, net.log.at(-1)!.flags]).toEqual([TCP_CLOSE, 104, TCP_RST | TCP_ACK]);
    net.run(100_000);
    expect([b.state, b.error]).toEqual([TCP_CLOSE, 104]);
    const trying = hosts();
    trying.weather.loss = 1;
    const c = connect(trying);
    const sent = trying.log.length;
    tcpAbort(c, trying.now);
    expect([c.state, trying.log.length]).toEqual([TCP_CLOSE, sent]);
    // The block can connect again.
    trying.weather.loss = 0;
    listen(trying);
    trying.a.newFlow(c);
    expect(tcpConnect(c, trying.now)).toBe(0);
    trying.run(100_000);
    expect(c.state).toBe(TCP_ESTABLISHED);
  });

  it('lets an orphan wait for the peer’s FIN as a small record, tcp_fin_timeout long', () => {
    const { net, a, b } = established();
    net.a.config.tcpFinTimeout = 10;
    tcpClose(a, net.now);
    net.run(100_000);
    expect(net.a.gone).toEqual([a]);
    const record = [...net.a.waits.values()][0]!;
    expect([record.substate, Math.round((record.deadline - net.now) / 1e6)]).toEqual([TCP_FIN_WAIT2, 10]);
    tcpClose(b, net.now);
    net.run(100_000);
    expect(record.substate).toBe(TCP_TIME_WAIT);
    expect(net.b.gone).toEqual([b]);
    net.run(61e6);
    expectNothingLeft(net);
  });

  it('TCP_LINGER2 below zero ends FIN-WAIT-2 with a RST at once', () => {
    const { net, a } = established();
    tcpShutdown(a, net.now, 1);
    net.run(100_000);
    expect(a.state).toBe(TCP_FIN_WAIT2);
    a.timers.linger2 = -1;
    tcpClose(a, net.now);
    expect(net.a.gone).toEqual([a]);
    expect(net.log.at(-1)!.flags & TCP_RST).toBe(TCP_RST);
    expect(net.a.counters.get('TcpExtTCPAbortOnLinger')).toBe(1);
  });

  it('gives up an orphan that nobody acknowledges', () => {
    const { net, a } = established();
    net.weather.loss = 1;
    tcpClose(a, net.now);
    net.run(3600e6);
    expect(net.a.gone).toEqual([a]);
    expect(net.log.filter((w) => (w.flags & TCP_FIN) !== 0).length).toBeGreaterThan(5);
    expect(net.a.memory.orphans).toBe(0);
  });

  it('refuses shutdown of what was never connected', () => {
    const net = hosts();
    const a = block(net.a, 1, 2);
    expect(tcpShutdown(a, net.now, 1)).toBe(-107);
    expect(tcpSend(block(net.a, 1, 2), net.now, pattern(1), 0, 1, 0)).toBe(-107);
    expect(tcpReceive(block(net.a, 1, 2), net.now, null, 0, 1, 0)).toBe(-107);
  });
});
