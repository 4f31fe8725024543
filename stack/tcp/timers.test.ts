// Timers of a connection: retransmission limits (RFC 9293 section 3.8.3), TCP_USER_TIMEOUT (RFC 5482), keepalive (section 3.8.4),
// zero-window probes, rounding to ticks; and TIME-WAIT (section 3.10.7.4, RFC 1337, RFC 6191).
import { describe, expect, it } from 'vitest';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../wire/tcp.js';
import { tcpClose, tcpShutdown } from './close.js';
import { tcpConnect } from './connect.js';
import { SegmentIn } from './segment.js';
import {
  TCP_KEEPCNT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_RTO_MAX_MS,
  TCP_SYNCNT,
  TCP_USER_TIMEOUT,
  tcpSetKeepalive,
  tcpSetOption,
} from './socket-options.js';
import { TCP_CLOSE, TCP_ESTABLISHED, TCP_FIN_WAIT2, TCP_TIME_WAIT } from './states.js';
import { type Tcb, TIMER_KEEPALIVE, TIMER_RETRANSMIT } from './tcb.js';
import { block, connect, established, hosts, listen, pattern, SERVER_PORT, send } from './testing/ends.js';
import type { TwoHosts } from './testing/two-hosts.js';
import { fill } from './testing/two-hosts.js';
import {
  TIME_WAIT_NEW_SYN,
  type TimeWaitRecord,
  timeWaitDrop,
  timeWaitInput,
  timeWaitReusable,
} from './time-wait.js';
import { modelTimeout } from './timer-retransmit.js';
import { clearTimer, resetTimer, tcpNextTimeout } from './timers.js';

describe('deadlines', () => {
  it('round up to the tick, or are exact with hz 0; the retransmission slot holds one', () => {
    const { net, a } = established();
    resetTimer(a, TIMER_RETRANSMIT, net.now + 1234.5, net.now);
    expect(tcpNextTimeout(a) % 1000).toBe(0);
    net.a.config.hz = 0;
    resetTimer(a, TIMER_RETRANSMIT + 1, net.now + 1234.5, net.now);
    expect([a.timers.deadline[0], tcpNextTimeout(a)]).toEqual([Number.POSITIVE_INFINITY, net.now + 1234.5]);
    clearTimer(a, TIMER_RETRANSMIT + 1);
    expect(tcpNextTimeout(a)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('giving up (RFC 9293 section 3.8.3)', () => {
  it('after tcp_retries2 doublings: fifteen and a half minutes', () => {
    const { net, a } = established();
    net.weather.loss = 1;
    const start = net.now;
    send(net, a, pattern(100));
    net.run(4000e6, () => a.state === TCP_CLOSE);
    expect(a.error).toBe(110);
    expect((net.now - start) / 1e6).toBeGreaterThan(900);
    expect((net.now - start) / 1e6).toBeLessThan(1100);
    expect(modelTimeout(a, 15, 200)).toBe(924_600);
    expect(net.a.counters.get('TcpExtTCPAbortOnTimeout')).toBe(1);
  });

  it('after TCP_USER_TIMEOUT when it is set, and it is noticed in time', () => {
    const { net, a } = established();
    expect(tcpSetOption(a, net.now, TCP_USER_TIMEOUT, -1)).toBe(-22);
    tcpSetOption(a, net.now, TCP_USER_TIMEOUT, 3000);
    net.weather.loss = 1;
    send(net, a, pattern(100));
    const start = net.now;
    net.run(60e6, () => a.state === TCP_CLOSE);
    expect(a.error).toBe(110);
    expect((net.now - start) / 1e6).toBeGreaterThan(2.9);
    expect((net.now - start) / 1e6).toBeLessThan(3.6);
  });

  it('TCP_SYNCNT and TCP_RTO_MAX_MS bound the handshake and the backoff', () => {
    const net = hosts();
    net.weather.loss = 1;
    const a = connect(net, (tcb) => {
      expect(tcpSetOption(tcb, 0, TCP_SYNCNT, 1)).toBe(0);
      expect(tcpSetOption(tcb, 0, TCP_RTO_MAX_MS, 2000)).toBe(0);
    });
    const start = net.now;
    net.run(100e6, () => a.state === TCP_CLOSE);
    // One doubling's worth of time, three seconds, whatever the linear timeouts do meanwhile.
    expect(net.log.map((w) => (w.at - start) / 1e6)).toEqual([0, 1, 2]);
    expect((net.now - start) / 1e6).toBe(3);
  });

  it('a write to a peer with a zero window that does not answer probes times out', () => {
    const { net, a, b } = established(hosts(), undefined, (tcb) => {
      tcb.rcv.buffer = 6000;
      tcb.rcv.bufferLocked = true;
    });
    send(net, a, pattern(30_000));
    net.run(1e6);
    expect([a.snd.wnd, b.state]).toEqual([0, TCP_ESTABLISHED]);
    net.weather.loss = 1;
    net.run(3600e6, () => a.state === TCP_CLOSE);
    expect([a.state, a.error]).toEqual([TCP_CLOSE, 110]);
  });

  it('a user timeout ends zero-window probing too', () => {
    const { net, a } = established(hosts(), undefined, (tcb) => {
      tcb.rcv.buffer = 6000;
      tcb.rcv.bufferLocked = true;
    });
    send(net, a, pattern(30_000));
    net.run(1e6);
    tcpSetOption(a, net.now, TCP_USER_TIMEOUT, 5000);
    net.weather.loss = 1;
    net.run(60e6, () => a.state === TCP_CLOSE);
    expect(a.error).toBe(110);
  });

  it('a retransmission that the queue refuses is tried again after half a second', () => {
    const { net, a } = established();
    net.weather.loss = 1;
    send(net, a, pattern(100));
    net.a.verdict = 1;
    net.run(3e6);
    expect(net.a.counters.get('TcpExtTCPRetransFail')).toBeGreaterThan(2);
    net.a.verdict = 0;
    net.weather.loss = 0;
    net.run(2e6);
    expect(a.snd.packetsOut).toBe(0);
  });
});

describe('keepalive (RFC 9293 section 3.8.4)', () => {
  function options(tcb: Tcb, now: number): void {
    tcpSetOption(tcb, now, TCP_KEEPIDLE, 10);
    tcpSetOption(tcb, now, TCP_KEEPINTVL, 2);
    tcpSetOption(tcb, now, TCP_KEEPCNT, 3);
    tcpSetKeepalive(tcb, now, true);
  }

  it('probes an idle peer with an old sequence number, and stays while it answers', () => {
    const { net, a } = established();
    options(a, net.now);
    const before = net.log.length;
    net.run(60e6);
    const probes = net.since(before).filter((w) => w.from === 0);
    expect(probes.length).toBe(5);
    expect(probes[0]).toMatchObject({ flags: TCP_ACK, seq: (a.snd.una - 1) >>> 0 });
    expect(a.state).toBe(TCP_ESTABLISHED);
    tcpSetKeepalive(a, net.now, false);
    expect(a.timers.deadline[TIMER_KEEPALIVE]).toBe(Number.POSITIVE_INFINITY);
  });

  it('resets a peer that does not, after the agreed number of probes', () => {
    const { net, a } = established();
    options(a, net.now);
    net.weather.loss = 1;
    const start = net.now;
    net.run(60e6, () => a.state === TCP_CLOSE);
    expect(a.error).toBe(110);
    expect(Math.round((net.now - start) / 1e6)).toBe(16);
    expect(net.log.at(-1)!.flags & TCP_RST).toBe(TCP_RST);
  });

  it('rests while data is outstanding, and starts with the connection when set before', () => {
    const net = hosts();
    const { a, b } = established(
      net,
      (tcb) => options(tcb, net.now),
      (tcb) => options(tcb, net.now),
    );
    for (const tcb of [a, b]) expect(Number.isFinite(tcb.timers.deadline[TIMER_KEEPALIVE]!)).toBe(true);
    net.weather.loss = 1;
    send(net, a, pattern(10));
    net.run(14e6);
    expect([a.state, net.a.counters.get('TcpExtTCPKeepAlive')]).toEqual([TCP_ESTABLISHED, 0]);
  });
});

describe('TIME-WAIT', () => {
  function closed(): { net: TwoHosts; record: TimeWaitRecord; a: Tcb } {
    const { net, a, b } = established();
    tcpClose(a, net.now);
    net.run(100_000);
    tcpClose(b, net.now);
    net.run(100_000);
    const record = [...net.a.waits.values()][0]!;
    expect(record.substate).toBe(TCP_TIME_WAIT);
    net.held = true;
    return { net, record, a };
  }
  const segment = new SegmentIn();
  function verdict(net: TwoHosts, record: TimeWaitRecord, fields: object): number {
    const wire = {
      at: net.now,
      seq: record.rcvNxt,
      ack: record.sndNxt,
      flags: TCP_ACK,
      window: 1000,
      urgent: 0,
      ecn: 0,
      options: new Uint8Array(0),
      data: new Uint8Array(0),
      from: 1,
      to: 0,
      localPort: SERVER_PORT,
      remotePort: record.localPort,
      gsoSize: 0,
      ...fields,
    };
    return timeWaitInput(record, net.now, fill(segment, wire, net.now), true);
  }

  it('answers a repeated FIN, restarts its wait, and ends after a minute', () => {
    const { net, record } = closed();
    net.run(30e6);
    const { deadline } = record;
    const before = net.log.length;
    verdict(net, record, { seq: (record.rcvNxt - 1) >>> 0, flags: TCP_FIN | TCP_ACK });
    expect([net.log.length - before, net.log.at(-1)!.ack, record.deadline > deadline]).toEqual([
      1,
      record.rcvNxt,
      true,
    ]);
    net.run(61e6);
    expect([record.ended, net.a.memory.timeWaits, net.a.counters.get('TcpExtTW')]).toEqual([true, 0, 1]);
  });

  it('ends by a RST unless tcp_rfc1337 forbids the assassination', () => {
    const one = closed();
    verdict(one.net, one.record, { flags: TCP_RST });
    expect(one.record.ended).toBe(true);
    const two = closed();
    two.net.a.config.tcpRfc1337 = 1;
    verdict(two.net, two.record, { flags: TCP_RST });
    expect(two.record.ended).toBe(false);
    timeWaitDrop(two.record);
    timeWaitDrop(two.record);
    expect([two.record.ended, two.net.a.memory.timeWaits]).toEqual([true, 0]);
  });

  // RFC 9293 MAY-2
  it('gives way to a SYN above its numbers (RFC 6191), which then begins above them', () => {
    const { net, record } = closed();
    expect(verdict(net, record, { flags: TCP_SYN, seq: (record.rcvNxt - 10) >>> 0 })).toBe(0);
    expect(verdict(net, record, { flags: TCP_SYN, seq: (record.rcvNxt + 10) >>> 0 })).toBe(TIME_WAIT_NEW_SYN);
    expect(record.isn).toBe((record.sndNxt + 65_537) >>> 0);
    expect([record.ended, net.a.counters.get('TcpExtTWRecycled')]).toEqual([true, 1]);
  });

  it('is challenged by old timestamps, under the limit on answers', () => {
    const { net, record } = closed();
    const options = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0);
    const before = net.log.length;
    for (let i = 0; i < 5; i++) verdict(net, record, { options });
    expect(net.a.counters.get('TcpExtPAWSEstab')).toBe(5);
    expect(net.log.length - before).toBe(1);
    expect(net.a.counters.get('TcpExtTCPACKSkippedTimeWait')).toBe(4);
  });

  // RFC 9293 SHLD-4
  it('may be taken over by connect (tcp_tw_reuse) after a second, with timestamps', () => {
    const { net, record } = closed();
    net.a.config.tcpTwReuse = 1;
    expect(timeWaitReusable(record, net.now, false, false)).toBe(false);
    net.run(2e6);
    net.a.config.tcpTwReuse = 2;
    expect(timeWaitReusable(record, net.now, false, false)).toBe(false);
    expect(timeWaitReusable(record, net.now, true, false)).toBe(true);
    const again = block(net.a, record.localPort, SERVER_PORT);
    again.snd.wantedIss = record.isn;
    net.a.newFlow(again);
    tcpConnect(again, net.now);
    expect(net.log.at(-1)!.seq).toBe(record.isn);
  });

  it('is bounded: beyond tcp_max_tw_buckets connections just end', () => {
    const { net, a, b } = established();
    net.a.config.tcpMaxTwBuckets = 0;
    tcpClose(a, net.now);
    net.run(100_000);
    tcpClose(b, net.now);
    net.run(100_000);
    expect([net.a.waits.size, net.a.flows.size, net.a.counters.get('TcpExtTCPTimeWaitOverflow')]).toEqual([
      0, 0, 1,
    ]);
  });

  it('as FIN-WAIT-2 takes a FIN, refuses data and SYNs, ends by a RST', () => {
    const make = (): { net: TwoHosts; record: TimeWaitRecord } => {
      const { net, a } = established();
      tcpClose(a, net.now);
      net.run(100_000);
      net.held = true;
      const record = [...net.a.waits.values()][0]!;
      expect(record.substate).toBe(TCP_FIN_WAIT2);
      return { net, record };
    };
    const one = make();
    verdict(one.net, one.record, { data: pattern(10) });
    expect([one.record.ended, one.net.log.at(-1)!.flags]).toEqual([true, TCP_RST]);
    const two = make();
    verdict(two.net, two.record, { seq: (two.record.rcvNxt - 100) >>> 0 });
    expect(two.record.ended).toBe(false);
    verdict(two.net, two.record, { flags: TCP_FIN | TCP_ACK });
    expect(two.record.substate).toBe(TCP_TIME_WAIT);
    const three = make();
    verdict(three.net, three.record, { flags: TCP_RST });
    expect(three.record.ended).toBe(true);
    const four = make();
    verdict(four.net, four.record, { flags: TCP_SYN });
    expect([four.record.ended, four.net.log.at(-1)!.flags]).toEqual([true, TCP_RST | TCP_ACK]);
  });

  it('an orphan waits longer than a minute as a full block when asked (TCP_LINGER2, tcp_fin_timeout)', () => {
    const { net, a } = established();
    net.a.config.tcpFinTimeout = 90;
    tcpShutdown(a, net.now, 1);
    net.run(100_000);
    tcpClose(a, net.now);
    expect(net.a.gone).toEqual([]);
    net.run(31e6);
    expect([net.a.gone.length, net.a.waits.size]).toEqual([1, 1]);
    net.run(91e6);
    expect(net.a.waits.size).toBe(0);
  });
});

it('a listener’s port is not confused by a connection’s old life', () => {
  const { net, a, b } = established();
  tcpClose(b, net.now);
  net.run(100_000);
  tcpClose(a, net.now);
  net.run(100_000);
  expect(net.b.waits.size).toBe(1);
  listen(net);
  const again = block(net.a, a.localPort, SERVER_PORT);
  net.a.iss = (a.snd.nxt + 1000) >>> 0;
  net.a.newFlow(again);
  tcpConnect(again, net.now);
  net.run(100_000);
  expect([again.state, net.b.waits.size]).toEqual([TCP_ESTABLISHED, 0]);
});
