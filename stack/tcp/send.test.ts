// The sending side of the API: segments from writes, memory, marks, zerocopy and timestamps, path-MTU probes, pacing; socket
// options and TCP_INFO; ECN and MD5 as far as the core sees them.
import { describe, expect, it } from 'vitest';
import { TCP_CWR, TCP_ECE, TCP_PSH } from '../wire/tcp.js';
import { tcpInfo } from './info.js';
import { SEND_OVERHEAD } from './memory.js';
import { currentMss, mssToMtu } from './mss.js';
import { tcpOutputNotSent, tcpOutputQueued, tcpPoll } from './poll.js';
import { MSG_DONTWAIT, MSG_EOR, MSG_MORE, MSG_ZEROCOPY, tcpSend } from './send.js';
import * as o from './socket-options.js';
import { TCP_CLOSE, TCP_ESTABLISHED } from './states.js';
import { EVENT_WRITABLE, TIMESTAMP_ACKED, TIMESTAMP_SCHEDULED, TIMESTAMP_SENT } from './tcb.js';
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
import { continueAfterQueue } from './write.js';

describe('segments from writes', () => {
  it('are super-packets of whole segments with PSH at the end, cut to the link that takes none', () => {
    for (const gsoMaxSize of [65_536, 0]) {
      const net = hosts();
      net.a.metrics = { ...net.a.metrics!, gsoMaxSize };
      const { a, b } = established(net);
      const before = net.log.length;
      send(net, a, pattern(7240));
      const sent = net.since(before);
      expect(sent.reduce((sum, w) => sum + w.data.length, 0)).toBe(7240);
      expect(sent.at(-1)!.flags & TCP_PSH).toBe(TCP_PSH);
      if (gsoMaxSize === 0) {
        expect(sent.every((w) => w.gsoSize === 0 && w.data.length <= 1448)).toBe(true);
        expect(sent.length).toBe(5);
      } else {
        expect(sent.some((w) => w.gsoSize === 1448)).toBe(true);
      }
      net.run(1e6);
      expect(Buffer.compare(receive(net, b), pattern(7240))).toBe(0);
    }
  });

  it('cost their overhead: a full buffer takes less than its size, and wakes the writer at a third free', () => {
    const { net, a, b } = established();
    o.tcpSetSendBuffer(a, net.now, 10_000);
    expect(a.snd.buffer).toBe(20_000);
    net.weather.loss = 1;
    send(net, a, pattern(1));
    expect(a.snd.memoryQueued).toBe(1 + SEND_OVERHEAD);
    const taken = send(net, a, pattern(100_000));
    expect(taken).toBeGreaterThan(5000);
    expect(taken).toBeLessThan(80_000);
    expect(send(net, a, pattern(10))).toBe(-11);
    expect(tcpPoll(a) & EVENT_WRITABLE).toBe(0);
    expect(tcpOutputQueued(a)).toBe(taken + 1);
    expect(tcpOutputNotSent(a)).toBeGreaterThan(0);
    net.weather.loss = 0;
    net.a.take(a);
    net.run(5e6);
    expect(net.a.take(a) & EVENT_WRITABLE).toBe(EVENT_WRITABLE);
    net.run(5e6);
    expect(receive(net, b).length).toBe(taken + 1);
    expect([a.snd.memoryQueued, a.snd.inHostQueue]).toEqual([0, 0]);
    o.tcpSetSendBuffer(a, net.now, 1, true);
    expect(a.snd.buffer).toBe(4608);
  });

  it('a small one waits while packets of ours are still in the host’s queue, and only then (autocorking)', () => {
    const { net, a } = established();
    a.snd.nonagle = 1;
    send(net, a, pattern(10));
    const before = net.log.length;
    // As if a device were slow with something that left earlier.
    a.snd.inHostQueue += 50_000;
    send(net, a, pattern(20));
    expect(net.log.length).toBe(before);
    a.snd.inHostQueue -= 50_000;
    continueAfterQueue(a, net.now);
    expect(net.since(before).map((w) => w.data.length)).toEqual([20]);
    send(net, a, pattern(30));
    expect(net.since(before).map((w) => w.data.length)).toEqual([20, 30]);
  });

  it('MSG_MORE and TCP_CORK hold a partial segment back, MSG_EOR keeps records apart', () => {
    const { net, a } = established();
    const before = net.log.length;
    send(net, a, pattern(100), MSG_MORE);
    send(net, a, pattern(100), MSG_MORE);
    expect(net.log.length).toBe(before);
    send(net, a, pattern(100));
    expect(net.since(before).map((w) => w.data.length)).toEqual([300]);
    net.run(100_000);
    expect(o.tcpSetOption(a, net.now, o.TCP_CORK, 1)).toBe(0);
    send(net, a, pattern(50));
    const corked = net.log.length;
    // Released after the probe timer's 200 ms, as if by a window probe, or by taking the cork out.
    o.tcpSetOption(a, net.now, o.TCP_CORK, 0);
    expect(net.since(corked).map((w) => w.data.length)).toEqual([50]);
    net.run(100_000);
    net.weather.delay = 50_000;
    a.snd.nonagle = 1;
    const records = net.log.length;
    a.cc.cwnd = 1;
    for (let i = 0; i < 4; i++) send(net, a, pattern(200), MSG_EOR);
    net.run(2e6);
    expect(
      net
        .since(records)
        .filter((w) => w.from === 0 && w.data.length > 0)
        .map((w) => w.data.length),
    ).toEqual([200, 200, 200, 200]);
  });

  it('TCP_NOTSENT_LOWAT bounds what waits', () => {
    const { net, a } = established();
    o.tcpSetOption(a, net.now, o.TCP_NOTSENT_LOWAT, 5000);
    net.weather.loss = 1;
    const taken = send(net, a, pattern(500_000));
    expect(taken).toBeLessThan(100_000);
    expect(tcpPoll(a) & EVENT_WRITABLE).toBe(0);
  });

  it('the announced MSS follows TCP_MAXSEG and the route; the peer’s is kept to', () => {
    const net = hosts();
    net.b.metrics = { ...net.b.metrics!, advmss: 1200 };
    listen(net);
    const a = connect(net, (tcb) => {
      expect(o.tcpSetOption(tcb, 0, o.TCP_MAXSEG, 1000)).toBe(0);
      expect(o.tcpSetOption(tcb, 0, o.TCP_MAXSEG, 10)).toBe(-22);
      expect(o.tcpGetOption(tcb, o.TCP_MAXSEG)).toBe(1000);
    });
    net.run(100_000);
    expect([net.log[0]!.options[3], net.log[1]!.options[3]]).toEqual([1000 & 255, 1200 & 255]);
    expect([a.snd.mss, currentMss(a)]).toEqual([988, 988]);
    expect(mssToMtu(a, 988)).toBe(1040);
  });

  it('a probe of a larger MTU is made of what is queued, and found lost or good (RFC 4821)', () => {
    for (const passes of [true, false]) {
      const net = hosts();
      net.a.config.tcpMtuProbing = 2;
      const { a, b } = established(net);
      net.filter = (wire) => passes || (wire.gsoSize || wire.data.length) <= 1100;
      a.cc.cwnd = 40;
      const bytes = pattern(200_000);
      expect(Buffer.compare(transfer(net, a, b, bytes), bytes)).toBe(0);
      if (passes) {
        expect(net.a.counters.get('TcpExtTCPMTUPSuccess')).toBeGreaterThan(0);
        expect(a.snd.mss).toBeGreaterThan(1200);
      } else {
        expect(net.a.counters.get('TcpExtTCPMTUPFail')).toBeGreaterThan(0);
        expect(a.snd.mss).toBeLessThan(1100);
      }
    }
  });

  it('finds its way out of a black hole that swallows large packets (tcp_mtu_probing 1)', () => {
    const net = hosts();
    net.a.config.tcpMtuProbing = 1;
    const { a, b } = established(net);
    net.filter = (wire) => (wire.gsoSize || wire.data.length) <= 1050;
    const bytes = pattern(20_000);
    expect(Buffer.compare(transfer(net, a, b, bytes), bytes)).toBe(0);
    expect(a.snd.mss).toBeLessThanOrEqual(1050);
  });

  it('own pacing spreads a window over time (SO_MAX_PACING_RATE)', () => {
    const { net, a, b } = established();
    o.tcpSetMaxPacingRate(a, 100_000);
    const start = net.now;
    const bytes = pattern(100_000);
    expect(Buffer.compare(transfer(net, a, b, bytes), bytes)).toBe(0);
    expect((net.now - start) / 1e6).toBeGreaterThan(0.7);
    const paced = hosts();
    paced.a.metrics = { ...paced.a.metrics!, fairQueue: true };
    expect(established(paced).a.snd.pacingStatus).toBe(2);
  });
});

describe('zerocopy and timestamps', () => {
  it('a zerocopy send is reported when its last segment is acknowledged, once per call', () => {
    const { net, a, b } = established();
    expect(send(net, a, pattern(4000), MSG_ZEROCOPY | MSG_DONTWAIT)).toBe(4000);
    expect(send(net, a, pattern(4000), MSG_ZEROCOPY | MSG_DONTWAIT)).toBe(4000);
    expect(net.a.zerocopy).toEqual([]);
    net.run(1e6);
    expect(net.a.zerocopy).toEqual([
      [0, 0, true],
      [1, 1, true],
    ]);
    expect(receive(net, b).length).toBe(8000);
    // Refused: no id is used up.
    o.tcpSetSendBuffer(a, net.now, 1);
    net.weather.loss = 1;
    while (send(net, a, pattern(5000), MSG_DONTWAIT) > 0);
    const { next } = a.snd.zerocopy;
    expect(send(net, a, pattern(10), MSG_ZEROCOPY | MSG_DONTWAIT)).toBe(-11);
    expect(a.snd.zerocopy.next).toBe(next);
  });

  it('pieces of memory are fragments, seventeen to a segment', () => {
    const { net, a } = established();
    o.tcpSetSendBuffer(a, net.now, 1_000_000);
    a.snd.zerocopyParts = new Array<number>(20).fill(1);
    const before = net.log.length;
    a.snd.nonagle = 1;
    send(net, a, pattern(20), MSG_ZEROCOPY | MSG_DONTWAIT);
    expect(net.since(before).map((w) => w.data.length)).toEqual([17, 3]);
  });

  it('stamps the last byte of a call when it is scheduled, sent and acknowledged', () => {
    const { net, a } = established();
    a.snd.stampFlags = 0x100 | 2 | 0x200;
    a.snd.timestampKeyBase = a.snd.una;
    send(net, a, pattern(3000));
    net.run(100_000);
    expect(net.a.stamps.map((s) => [s.kind, s.key])).toEqual([
      [TIMESTAMP_SCHEDULED, 2999],
      [TIMESTAMP_SENT, 2999],
      [TIMESTAMP_ACKED, 2999],
    ]);
  });
});

describe('ECN (RFC 3168)', () => {
  it('is negotiated, marks data, echoes CE until CWR, and reduces once', () => {
    const net = hosts();
    net.a.config.tcpEcn = 1;
    const { a, b } = established(net);
    expect(net.log[0]!.flags & (TCP_ECE | TCP_CWR)).toBe(TCP_ECE | TCP_CWR);
    expect(net.log[1]!.flags & (TCP_ECE | TCP_CWR)).toBe(TCP_ECE);
    net.filter = (wire) => {
      if (wire.from === 0 && wire.data.length > 0 && wire.ecn === 2 && !marked) {
        wire.ecn = 3;
        marked = true;
      }
      return true;
    };
    let marked = false;
    const { cwnd } = a.cc;
    const before = net.log.length;
    expect(transfer(net, a, b, pattern(100_000)).length).toBe(100_000);
    const sent = net.since(before);
    expect(sent.some((w) => w.from === 1 && (w.flags & TCP_ECE) !== 0)).toBe(true);
    expect(sent.filter((w) => w.from === 0 && (w.flags & TCP_CWR) !== 0).length).toBe(1);
    expect(sent.at(-1)!.flags & TCP_ECE).toBe(0);
    expect(a.cc.ssthresh).toBeLessThan(cwnd * 4);
    expect(tcpInfo(a, net.now).tcpi_options! & 8).toBe(8);
  });

  it('a SYN that is lost is repeated without ECN (tcp_ecn_fallback)', () => {
    const net = hosts();
    net.a.config.tcpEcn = 1;
    net.weather.loss = 1;
    connect(net);
    net.run(1.5e6);
    expect(net.log.map((w) => w.flags & (TCP_ECE | TCP_CWR))).toEqual([TCP_ECE | TCP_CWR, 0]);
  });
});

describe('MD5 (RFC 2385)', () => {
  it('a key signs everything, leaves no room for timestamps, and refuses what is not signed', () => {
    const net = hosts();
    const key = Uint8Array.of(1, 2, 3);
    const peer = block(net.a, 1, 2).remoteAddress;
    listen(net);
    const a = connect(net, (tcb) => {
      expect(o.tcpSetMd5(tcb, peer, 128, new Uint8Array(81))).toBe(-22);
      expect(o.tcpSetMd5(tcb, peer, 128, new Uint8Array(0))).toBe(-2);
      expect(o.tcpSetMd5(tcb, peer, 128, key)).toBe(0);
      expect(o.tcpSetMd5(tcb, peer, 128, key)).toBe(0);
    });
    expect([...net.log[0]!.options.subarray(0, 4)]).toEqual([1, 1, 19, 18]);
    net.run(100_000);
    expect(net.b.counters.get('TcpExtTCPMD5Unexpected')).toBeGreaterThan(0);
    expect(a.state).not.toBe(TCP_ESTABLISHED);
    expect(o.tcpSetMd5(a, peer, 128, new Uint8Array(0))).toBe(0);
  });
});

describe('socket options', () => {
  it('take Linux’s ranges and give back what was set', () => {
    const { net, a } = established();
    const good: [number, number, number?][] = [
      [o.TCP_NODELAY, 1],
      [o.TCP_NODELAY, 0],
      [o.TCP_KEEPIDLE, 100],
      [o.TCP_KEEPINTVL, 20],
      [o.TCP_KEEPCNT, 4],
      [o.TCP_SYNCNT, 9],
      [o.TCP_LINGER2, 30],
      [o.TCP_LINGER2, -5, -1],
      [o.TCP_LINGER2, 500, 120],
      [o.TCP_DEFER_ACCEPT, 7],
      [o.TCP_WINDOW_CLAMP, 20_000],
      [o.TCP_QUICKACK, 0],
      [o.TCP_QUICKACK, 1],
      [o.TCP_USER_TIMEOUT, 1234],
      [o.TCP_NOTSENT_LOWAT, 77],
      [o.TCP_RTO_MAX_MS, 5000],
      [o.TCP_RTO_MIN_US, 10_000],
      [o.TCP_RTO_MIN_US, 10_001, 11_000],
      [o.TCP_DELACK_MAX_US, 1001, 2000],
      [o.TCP_DELACK_MAX_US, 200_000],
      [o.TCP_INQ, 1],
    ];
    for (const [option, value, back] of good) {
      expect(o.tcpSetOption(a, net.now, option, value)).toBe(0);
      expect(o.tcpGetOption(a, option)).toBe(back ?? value);
    }
    for (const [option, value] of [
      [o.TCP_KEEPIDLE, 0],
      [o.TCP_KEEPINTVL, 40_000],
      [o.TCP_KEEPCNT, 128],
      [o.TCP_SYNCNT, 0],
      [o.TCP_RTO_MIN_US, 1000],
      [o.TCP_RTO_MIN_US, 200_001],
      [o.TCP_DELACK_MAX_US, 1000],
      [o.TCP_DELACK_MAX_US, 200_001],
      [o.TCP_WINDOW_CLAMP, 0],
      [o.TCP_RTO_MAX_MS, 10],
      [o.TCP_RTO_MIN_US, 0],
      [o.TCP_INQ, 2],
      [o.TCP_FASTOPEN, 1],
      [o.TCP_FASTOPEN_CONNECT, 1],
      [o.TCP_FASTOPEN_NO_COOKIE, 1],
    ] as const) {
      expect(o.tcpSetOption(a, net.now, option, value)).toBe(-22);
    }
    expect(o.tcpSetOption(a, net.now, 999, 1)).toBe(-92);
    expect(Number.isNaN(o.tcpGetOption(a, 999))).toBe(true);
    const fresh = block(net.a, 1, 2);
    for (const [option, value] of [
      [o.TCP_KEEPIDLE, 7200],
      [o.TCP_KEEPINTVL, 75],
      [o.TCP_KEEPCNT, 9],
      [o.TCP_SYNCNT, 6],
      [o.TCP_LINGER2, 60],
      [o.TCP_MAXSEG, 536],
      [o.TCP_CORK, 0],
      [o.TCP_FASTOPEN, 0],
      [o.TCP_RTO_MAX_MS, 120_000],
      [o.TCP_RTO_MIN_US, 200_000],
      [o.TCP_DELACK_MAX_US, 200_000],
    ] as const) {
      expect(o.tcpGetOption(fresh, option)).toBe(value);
    }
    expect(o.tcpSetOption(fresh, 0, o.TCP_WINDOW_CLAMP, 0)).toBe(0);
    expect(o.tcpSetOption(fresh, 0, o.TCP_FASTOPEN, 1_000_000)).toBe(0);
    expect(o.tcpGetOption(fresh, o.TCP_FASTOPEN)).toBe(4096);
  });

  it('buffers are doubled and bounded; SO_RCVLOWAT makes room; TOS keeps its ECN bits out', () => {
    const { net, a, b } = established();
    o.tcpSetReceiveBuffer(a, 100_000_000);
    expect(a.rcv.buffer).toBe(2 * net.a.config.rmemMax);
    o.tcpSetReceiveBuffer(a, 1);
    expect(a.rcv.buffer).toBe(2304);
    o.tcpSetReceiveLowat(b, net.now, 1_000_000);
    expect([b.rcv.lowat, b.rcv.buffer >= 2_000_000]).toEqual([1_000_000, true]);
    o.tcpSetTos(a, 0xff);
    expect(a.tos).toBe(0xfc);
    expect(o.tcpMemInfo(a).length).toBe(9);
    expect(o.tcpSetCongestion(a, net.now, 'nonesuch')).toBe(-2);
    expect(o.tcpSetCongestion(a, net.now, 'reno')).toBe(0);
    expect(o.tcpSetCongestion(a, net.now, 'reno')).toBe(0);
    expect(a.cc.algorithm?.name).toBe('reno');
    expect(o.tcpSetCongestion(a, net.now, 'bbr')).toBe(0);
    expect(a.snd.pacingStatus).toBe(1);
    send(net, a, pattern(30_000));
    net.run(2e6);
    expect(receive(net, b).length).toBe(30_000);
  });

  it('TCP_INFO tells Linux’s numbers in Linux’s units', () => {
    const { net, a } = established();
    send(net, a, pattern(10_000));
    net.run(300_000);
    const info = tcpInfo(a, net.now);
    expect(info).toMatchObject({
      tcpi_state: TCP_ESTABLISHED,
      tcpi_snd_mss: 1448,
      tcpi_pmtu: 1500,
      tcpi_unacked: 0,
      tcpi_bytes_sent: 10_000,
      tcpi_bytes_acked: 10_001,
      tcpi_data_segs_out: 7,
      tcpi_notsent_bytes: 0,
      tcpi_max_pacing_rate: 2 ** 64,
      tcpi_rtt: 10_000,
      tcpi_delivered: 8,
    });
    expect(info.tcpi_busy_time).toBeGreaterThan(9000);
    expect(info.tcpi_last_data_sent).toBeGreaterThan(200);
    expect(Object.values(info).every((value) => Number.isFinite(value))).toBe(true);
  });

  it('a send on a connection that failed reports the error once, then EPIPE', () => {
    const { net, a } = established();
    a.error = 110;
    expect(tcpSend(a, net.now, pattern(1), 0, 1, 0)).toBe(-110);
    a.state = TCP_CLOSE;
    expect(tcpSend(a, net.now, pattern(1), 0, 1, 0)).toBe(-32);
    expect(tcpSend(a, net.now, pattern(1), 0, 0, 0)).toBe(-32);
  });
});
