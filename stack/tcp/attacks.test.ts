// What a stranger or a broken peer may send to an established connection: RFC 5961 (blind attacks), RFC 7323 section 5 (PAWS),
// RFC 5927 (ICMP), RFC 9293 section 3.10.7.4 (unacceptable segments), and the limits on answers.
import { describe, expect, it } from 'vitest';
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from '../wire/tcp.js';
import { tcpShutdown } from './close.js';
import { tcpError } from './icmp.js';
import { ChallengeLimit } from './rate-limit.js';
import { TCP_CLOSE, TCP_ESTABLISHED } from './states.js';
import { EVENT_ERROR, type Tcb } from './tcb.js';
import { block, connect, established, hosts, pattern, receive, SERVER_PORT, send } from './testing/ends.js';
import type { TwoHosts, Wire } from './testing/two-hosts.js';

/** From a to b, with the connection's timestamps unless told otherwise. */
function fromA(net: TwoHosts, a: Tcb, fields: Partial<Wire> & { ts?: number }): void {
  const { ts, ...rest } = fields;
  const options = new Uint8Array(a.opt.timestamps ? 12 : 0);
  if (a.opt.timestamps) {
    options.set([1, 1, 8, 10]);
    new DataView(options.buffer).setUint32(4, ts ?? net.a.timestampClock(net.now));
    new DataView(options.buffer).setUint32(8, net.b.timestampClock(net.now));
  }
  net.inject(net.a, {
    seq: a.snd.nxt,
    ack: a.rcv.nxt,
    options,
    localPort: a.localPort,
    remotePort: SERVER_PORT,
    ...rest,
  });
}

/** An established connection whose wire is cut, long enough after the handshake for all limits to be fresh. */
function cut(timestamps = true): { net: TwoHosts; a: Tcb; b: Tcb } {
  const net = hosts();
  if (!timestamps) net.a.config.tcpTimestamps = 0;
  const ends = established(net);
  net.run(1e6);
  net.held = true;
  return ends;
}

describe('RST (RFC 5961 section 3.2)', () => {
  it('ends the connection only at exactly RCV.NXT; elsewhere in the window it is challenged, outside ignored', () => {
    const { net, a, b } = cut();
    const before = net.log.length;
    fromA(net, a, { flags: TCP_RST, seq: (b.rcv.nxt + 100) >>> 0 });
    expect(net.since(before).map((w) => [w.flags, w.seq, w.ack])).toEqual([[TCP_ACK, b.snd.nxt, b.rcv.nxt]]);
    fromA(net, a, { flags: TCP_RST, seq: (b.rcv.nxt - 1) >>> 0 });
    fromA(net, a, { flags: TCP_RST, seq: (b.rcv.nxt + 10_000_000) >>> 0 });
    expect([b.state, net.since(before).length]).toEqual([TCP_ESTABLISHED, 1]);
    expect(net.b.counters.get('TcpExtTCPChallengeACK')).toBe(1);
    // A RST passes PAWS, whatever its timestamp.
    fromA(net, a, { flags: TCP_RST, seq: b.rcv.nxt, ts: 0 });
    expect([b.state, b.error]).toEqual([TCP_CLOSE, 104]);
  });

  it('also counts at the end of the right-most SACK block, and at RCV.NXT - 1 after a FIN', () => {
    const one = cut();
    fromA(one.net, one.a, { seq: (one.b.rcv.nxt + 1000) >>> 0, data: pattern(100) });
    expect(one.b.rcv.sackCount).toBe(1);
    fromA(one.net, one.a, { flags: TCP_RST, seq: (one.b.rcv.nxt + 1100) >>> 0 });
    expect(one.b.state).toBe(TCP_CLOSE);
    const two = cut();
    fromA(two.net, two.a, { flags: TCP_FIN | TCP_ACK });
    fromA(two.net, two.a, { flags: TCP_RST, seq: (two.b.rcv.nxt - 1) >>> 0 });
    expect([two.b.state, two.b.error]).toEqual([TCP_CLOSE, 32]);
  });
});

describe('SYN (RFC 5961 section 4.2)', () => {
  it('is challenged wherever it lies, under the limit on such answers', () => {
    const { net, a, b } = cut();
    const before = net.log.length;
    for (const seq of [b.rcv.nxt, (b.rcv.nxt + 5) >>> 0, 12345]) fromA(net, a, { flags: TCP_SYN, seq });
    expect([net.since(before).length, b.state]).toEqual([1, TCP_ESTABLISHED]);
    expect(net.b.counters.get('TcpExtTCPACKSkippedChallenge')).toBe(2);
    expect(net.b.counters.get('TcpExtTCPSYNChallenge')).toBe(3);
    net.run(501_000);
    fromA(net, a, { flags: TCP_SYN, seq: 1 });
    expect(net.since(before).length).toBe(2);
    net.b.config.tcpInvalidRatelimit = 0;
    fromA(net, a, { flags: TCP_SYN, seq: 1 });
    fromA(net, a, { flags: TCP_SYN, seq: 1 });
    expect(net.since(before).length).toBe(4);
  });

  it('the stack’s own limit on challenges has a random share a second', () => {
    const limit = new ChallengeLimit();
    const count = (second: number): number => {
      let allowed = 0;
      while (limit.allow(100, () => 37, second * 1e6)) allowed++;
      return allowed;
    };
    expect([count(1), count(1), count(2)]).toEqual([50 + 37, 0, 50 + 37]);
    expect(limit.allow(0x7fff_ffff, () => 0, 2e6)).toBe(true);
  });
});

describe('ACK (RFC 5961 section 5.2)', () => {
  it('of what was never sent is dropped, and changes nothing', () => {
    const { net, a, b } = cut();
    const { tsRecent } = b.opt;
    fromA(net, a, { ack: (b.snd.nxt + 1000) >>> 0, flags: TCP_FIN | TCP_ACK, ts: 0x1234_5678 });
    expect([b.state, b.opt.tsRecent, b.shutdown]).toEqual([TCP_ESTABLISHED, tsRecent, 0]);
  });

  it('far below SND.UNA is challenged', () => {
    const { net, a, b } = cut();
    const before = net.log.length;
    fromA(net, a, { ack: (b.snd.una - 10_000_000) >>> 0, data: pattern(10) });
    expect([net.since(before).length, b.rcv.bytesReceived]).toEqual([1, 0]);
  });

  it('a segment without ACK, SYN or RST is dropped', () => {
    const { net, a, b } = cut();
    fromA(net, a, { flags: 0, data: pattern(10) });
    expect(b.rcv.bytesReceived).toBe(0);
  });
});

describe('PAWS (RFC 7323 section 5)', () => {
  it('refuses data with an old timestamp and says where we are', () => {
    const { net, a, b } = cut();
    const before = net.log.length;
    fromA(net, a, { data: pattern(10), ts: (b.opt.tsRecent - 1000) >>> 0 });
    expect([b.rcv.bytesReceived, net.since(before).length]).toEqual([0, 1]);
    expect(net.b.counters.get('TcpExtPAWSEstab')).toBe(1);
    // An old pure ACK that is only late is dropped in silence.
    send(net, a, pattern(10));
    fromA(net, a, { seq: (b.rcv.nxt - 5) >>> 0, ts: (b.opt.tsRecent - 1000) >>> 0 });
    expect(net.b.counters.get('TcpExtPAWSOldAck')).toBe(1);
    // A reordered duplicate ACK within the replay window does no harm.
    const window = b.snd.wnd >>> b.snd.wscale;
    fromA(net, a, { seq: b.rcv.nxt, ts: (b.opt.tsRecent - 10) >>> 0, window });
    expect(net.b.counters.get('TcpExtPAWSEstab')).toBe(1);
  });

  it('forgets TS.Recent after 24 days', () => {
    const { net, a, b } = cut();
    b.opt.tsRecentAge = net.now - 25 * 24 * 3600e6;
    fromA(net, a, { data: pattern(10), ts: (b.opt.tsRecent - 1000) >>> 0 });
    expect(b.rcv.bytesReceived).toBe(10);
  });
});

describe('sequence numbers (RFC 9293 section 3.10.7.4, first)', () => {
  it('old data gets an ACK with a DSACK; data far beyond the window an ACK; both are not taken', () => {
    const { net, a, b } = cut();
    fromA(net, a, { data: pattern(100) });
    const before = net.log.length;
    fromA(net, a, { seq: (b.rcv.nxt - 100) >>> 0, data: pattern(100) });
    expect(b.rcv.bytesReceived).toBe(100);
    expect(net.b.counters.get('TcpExtTCPDSACKOldSent')).toBe(1);
    expect(net.log.at(-1)!.options.length).toBe(24); // timestamps and one SACK block
    fromA(net, a, { seq: (b.rcv.nxt + 0x1000_0000) >>> 0, data: pattern(10) });
    expect(net.b.counters.get('TcpExtBeyondWindow')).toBe(1);
    expect([b.rcv.bytesReceived, net.since(before).length]).toEqual([100, 2]);
  });

  it('data that overlaps RCV.NXT is taken from there on', () => {
    const { net, a, b } = cut(false);
    fromA(net, a, { data: pattern(100) });
    fromA(net, a, { seq: (b.rcv.nxt - 50) >>> 0, data: pattern(150, 50) });
    expect(Buffer.compare(receive(net, b), pattern(200))).toBe(0);
  });

  it('more than the window is taken by an empty queue only, and a bare FIN right behind it always', () => {
    const { net, a, b } = cut(false);
    b.rcv.wnd = 100;
    b.rcv.wup = b.rcv.nxt;
    fromA(net, a, { data: pattern(500) });
    expect(b.rcv.bytesReceived).toBe(500);
    b.rcv.wnd = 100;
    b.rcv.wup = b.rcv.nxt;
    fromA(net, a, { seq: b.rcv.nxt, data: pattern(500, 500) });
    expect(b.rcv.bytesReceived).toBe(500);
    fromA(net, a, { seq: b.rcv.nxt, data: pattern(100, 500), flags: TCP_FIN | TCP_ACK });
    expect(b.rcv.finReceived).toBe(true);
    expect(Buffer.compare(receive(net, b), pattern(600))).toBe(0);
  });

  it('two ends with zero windows do not acknowledge each other for ever', () => {
    const { net, a, b } = established();
    for (const tcb of [a, b]) {
      tcb.rcv.wnd = 0;
      tcb.rcv.ssthresh = 0;
      tcb.snd.wnd = 0;
    }
    const before = net.log.length;
    fromA(net, a, { seq: (b.rcv.nxt - 1) >>> 0 });
    net.run(10e6);
    expect(net.since(before).length).toBeLessThan(5);
  });
});

describe('ICMP errors (RFC 5927, RFC 1122 section 4.2.3.9)', () => {
  it('must quote a sequence number in flight', () => {
    const { net, a } = cut();
    send(net, a, pattern(100));
    tcpError(a, net.now, 3, 1, 0, (a.snd.una - 1) >>> 0);
    tcpError(a, net.now, 3, 1, 0, (a.snd.nxt + 1) >>> 0);
    expect([a.softError, net.a.counters.get('TcpExtOutOfWindowIcmps')]).toEqual([0, 2]);
  });

  // RFC 9293 SHLD-20,, SHLD-25
  it('are hints on a synchronised connection: told when it times out, forgotten when an ACK comes', () => {
    const { net, a } = cut();
    send(net, a, pattern(100));
    tcpError(a, net.now, 3, 1, 0, a.snd.una);
    expect([a.state, a.softError, a.error]).toEqual([TCP_ESTABLISHED, 113, 0]);
    net.run(4000e6, () => a.state === TCP_CLOSE);
    expect([a.state, a.error]).toEqual([TCP_CLOSE, 113]);
    const asked = cut();
    asked.a.receiveErrors = true;
    send(asked.net, asked.a, pattern(100));
    tcpError(asked.a, asked.net.now, 3, 3, 0, asked.a.snd.una);
    expect([asked.a.error, asked.net.a.take(asked.a) & EVENT_ERROR]).toEqual([111, EVENT_ERROR]);
  });

  // RFC 9293 MUST-54,, MUST-55
  it('end an attempt to connect', () => {
    for (const [type, code, errno] of [
      [3, 0, 101],
      [3, 1, 113],
      [3, 2, 92],
      [3, 3, 111],
      [3, 13, 113],
      [11, 0, 113],
      [12, 0, 71],
    ] as const) {
      const net = hosts();
      net.held = true;
      const a = connect(net);
      tcpError(a, net.now, type, code, 0, a.snd.una);
      expect([a.state, a.error]).toEqual([TCP_CLOSE, errno]);
    }
    const net = hosts();
    net.held = true;
    const a = connect(net);
    tcpError(a, net.now, 4, 0, 0, a.snd.una); // source quench: nothing (RFC 6633)
    tcpError(a, net.now, 3, 99, 0, a.snd.una);
    expect(a.state).not.toBe(TCP_CLOSE);
    tcpError(block(net.a, 1, 2), net.now, 3, 3, 0, 0);
    const six = connect(net, (tcb) => {
      tcb.ipv6 = true;
    });
    tcpError(six, net.now, 1, 4, 0, six.snd.una);
    expect(six.error).toBe(111);
  });

  it('a smaller path MTU cuts segments and sends what was too long again, without reducing cwnd (RFC 1191)', () => {
    const { net, a, b } = established();
    net.filter = (wire) => (wire.gsoSize || wire.data.length) <= 948;
    send(net, a, pattern(8000));
    const { cwnd } = a.cc;
    tcpError(a, net.now, 3, 4, 1000, a.snd.una);
    expect([a.snd.mtuCookie, a.snd.mss]).toEqual([1000, 948]);
    net.filter = () => true;
    net.run(1e6);
    expect(Buffer.compare(receive(net, b), pattern(8000))).toBe(0);
    expect(a.cc.cwnd).toBeGreaterThanOrEqual(cwnd);
    // A larger one, or one of a socket that does not listen, changes nothing.
    send(net, a, pattern(10));
    tcpError(a, net.now, 3, 4, 1400, a.snd.una);
    a.pmtuDiscover = 0;
    tcpError(a, net.now, 3, 4, 600, a.snd.una);
    expect(a.snd.mtuCookie).toBe(1000);
  });

  it('host unreachable takes the last doubling of the RTO back (RFC 6069)', () => {
    const { net, a } = cut();
    send(net, a, pattern(100));
    net.run(2e6);
    const { backoff } = a.rtt;
    expect(backoff).toBeGreaterThan(1);
    const { rto } = a.rtt;
    tcpError(a, net.now, 3, 1, 0, a.snd.una);
    expect([a.rtt.backoff, a.rtt.rto < rto]).toEqual([backoff - 1, true]);
  });
});

it('a FIN again and again is acknowledged again, and taken once', () => {
  const { net, a, b } = cut();
  fromA(net, a, { flags: TCP_FIN | TCP_ACK });
  const next = b.rcv.nxt;
  fromA(net, a, { flags: TCP_FIN | TCP_ACK });
  fromA(net, a, { flags: TCP_FIN | TCP_ACK });
  expect(b.rcv.nxt).toBe(next);
  tcpShutdown(b, net.now, 1);
  expect(net.log.at(-1)!.flags & TCP_FIN).toBe(TCP_FIN);
});
