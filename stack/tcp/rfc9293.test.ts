// Requirements of RFC 9293, Appendix B, that no script shows: numbers, options on the wire, urgent data of any length, and
// windows that are taken back for a long time.
import { describe, expect, it } from 'vitest';
import { FlowSecrets } from '../host/flow-secrets.js';
import { TCP_ACK, TCP_RST, TCP_SYN, TCP_URG } from '../wire/tcp.js';
import { ECONNRESET } from './errno.js';
import { announcedMss, refreshRoute } from './mss.js';
import { tcpAtMark, tcpReceive } from './read.js';
import { MSG_OOB } from './send.js';
import { TCP_CLOSE, TCP_ESTABLISHED, TCP_LISTEN, TCP_SYN_RECV } from './states.js';
import { EVENT_PRIORITY } from './tcb.js';
import { block, connect, established, listen, pattern, receive, send } from './testing/ends.js';
import { TwoHosts, type Wire } from './testing/two-hosts.js';
import { keepaliveIdle } from './timer-probe.js';
import { retransmitsTimedOut } from './timer-retransmit.js';

describe('initial sequence numbers', () => {
  const secrets = (seed: number): FlowSecrets =>
    new FlowSecrets((bytes) =>
      bytes.forEach((_, i) => {
        bytes[i] = seed * 31 + i;
      }),
    );
  const flow = block(new TwoHosts().a, 1000, 80);

  it('follow a clock of at least one step in 4 µs (MUST-8)', () => {
    const one = secrets(1);
    const start = one.initialSequence(flow, 0);
    expect((one.initialSequence(flow, 1000) - start) >>> 0).toBe(15_625); // 64 ns a step
    expect((one.initialSequence(flow, 1e6) - start) >>> 0).toBe(15_625_000);
  });

  it('depend on every part of the flow and on a secret that nobody outside has (MUST-9, SHLD-1)', () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 50; seed++) seen.add(secrets(seed).initialSequence(flow, 0));
    expect(seen.size).toBe(50);
    const one = secrets(1);
    for (let i = 0; i < 50; i++) seen.add(one.initialSequence(block(new TwoHosts().a, 2000 + i, 80), 0));
    for (let i = 0; i < 50; i++) seen.add(one.initialSequence(block(new TwoHosts().a, 1000, 2000 + i), 0));
    for (let i = 0; i < 50; i++) {
      const other = block(new TwoHosts().a, 1000, 80);
      other.remoteAddress[15] = 100 + i;
      seen.add(one.initialSequence(other, 0));
    }
    expect(seen.size).toBe(200);
  });
});

describe('windows', () => {
  it('are unsigned: 65535 unscaled is a window of 65535 bytes (MUST-1)', () => {
    const { net, a } = established(new TwoHosts(), (tcb) => {
      tcb.host.config.tcpWindowScaling = 0;
    });
    net.held = true;
    const header = { localPort: a.remotePort, remotePort: a.localPort, seq: a.rcv.nxt };
    for (const window of [32_767, 32_768, 65_535]) {
      net.inject(net.b, { ...header, ack: a.snd.una, window });
      expect(a.snd.wnd).toBe(window);
    }
  });

  it('are kept in full when scaled by 14: nearly a gigabyte (REC-1)', () => {
    const { net, a } = established();
    net.held = true;
    a.snd.wscale = 14;
    net.inject(net.b, {
      localPort: a.remotePort,
      remotePort: a.localPort,
      seq: a.rcv.nxt,
      ack: a.snd.una,
      window: 65_535,
    });
    expect(a.snd.wnd).toBe(65_535 * 2 ** 14);
  });

  it('that were taken back to zero end no connection while the peer answers (SHLD-17)', () => {
    const { net, a } = established();
    send(net, a, pattern(3000));
    net.held = true;
    // Two hours of a peer that acknowledges every probe with a closed window; R2 would be a quarter of an hour.
    const end = net.now + 7200e6;
    let seen = net.log.length;
    let answered = 0;
    while (net.now < end) {
      net.run(10e6);
      for (; seen < net.log.length; seen++) {
        if (net.log[seen].from !== 0) continue;
        answered++;
        net.inject(net.b, {
          localPort: a.remotePort,
          remotePort: a.localPort,
          seq: a.rcv.nxt,
          ack: a.snd.una,
          window: 0,
        });
      }
    }
    expect(a.state).toBe(TCP_ESTABLISHED);
    expect(answered).toBeGreaterThan(30);
  });
});

describe('options on the wire', () => {
  /** The kinds in an option list; throws where the list breaks the form. */
  function kinds(options: Uint8Array): number[] {
    const found: number[] = [];
    for (let at = 0; at < options.length; ) {
      const kind = options[at];
      if (kind === 0) {
        for (const rest of options.slice(at)) if (rest !== 0) throw new Error('not zero behind the end');
        return found;
      }
      if (kind === 1) {
        at++;
        continue;
      }
      const length = options[at + 1];
      if (!(length >= 2) || at + length > options.length)
        throw new Error(`option ${kind} of length ${length}`);
      found.push(kind);
      at += length;
    }
    return found;
  }

  it('all have a length and fill whole words, zero behind an end; MSS is in SYNs alone (MUST-65, MUST-68, MUST-69)', () => {
    const { net, a, b } = established();
    net.weather = { delay: 5000, loss: 0.1, duplicate: 0.1, jitter: 4000 };
    const bytes = pattern(60_000);
    let sent = 0;
    for (let round = 0; round < 400 && b.rcv.bytesReceived < bytes.length; round++) {
      if (sent < bytes.length) sent += Math.max(0, send(net, a, bytes.subarray(sent)));
      net.run(100_000);
      receive(net, b);
    }
    const seen = new Set<number>();
    for (const { flags, options } of net.log) {
      expect(options.length % 4).toBe(0);
      const found = kinds(options);
      expect(found.includes(2)).toBe((flags & TCP_SYN) !== 0);
      for (const kind of found) seen.add(kind);
    }
    expect([...seen].sort((x, y) => x - y)).toEqual([2, 3, 4, 5, 8]);
  });

  it('count in any segment, wherever they lie (MUST-5, MUST-64)', () => {
    const { net, a } = established();
    net.held = true;
    // Three NOPs, so that the timestamp's numbers lie at odd offsets.
    const options = Uint8Array.of(1, 8, 10, 0, 0, 0x40, 0, 0, 0, 0, 0, 0);
    const data = Uint8Array.of(1);
    const before = a.opt.tsRecent;
    net.inject(net.b, {
      localPort: 80,
      remotePort: a.localPort,
      seq: a.rcv.nxt,
      ack: a.snd.una,
      options,
      data,
    });
    expect([before === 0x4000, a.opt.tsRecent]).toEqual([false, 0x4000]);
  });

  it('announce what an MTU leaves for data, fixed headers taken off (MUST-67)', () => {
    const net = new TwoHosts();
    const tcb = block(net.a, 1, 2);
    for (const [mtu, four, six] of [
      [1500, 1460, 1440],
      [9000, 8960, 8940],
      [1280, 1240, 1220],
      [65_535, 65_495, 65_475],
    ]) {
      net.a.metrics = { ...net.a.metrics!, mtu };
      tcb.routeGeneration = -1;
      refreshRoute(tcb);
      expect([announcedMss(tcb, false), announcedMss(tcb, true)]).toEqual([four, six]);
    }
  });
});

describe('SYN-RECEIVED', () => {
  it('knows where it came from: a RST fails the active open and gives a passive one back to its listener (MUST-11)', () => {
    const net = new TwoHosts();
    net.held = true;
    const active = connect(net);
    const ports = { localPort: 80, remotePort: active.localPort };
    net.inject(net.b, { ...ports, flags: TCP_SYN, seq: 700 });
    expect(active.state).toBe(TCP_SYN_RECV);
    net.inject(net.b, { ...ports, flags: TCP_RST, seq: 701 });
    expect([active.state, active.error]).toEqual([TCP_CLOSE, ECONNRESET]);
    listen(net);
    const { requests, tcb } = net.b.listener!;
    net.inject(net.a, { localPort: 5, remotePort: 80, flags: TCP_SYN, seq: 700 });
    expect(requests.size).toBe(1);
    net.inject(net.a, { localPort: 5, remotePort: 80, flags: TCP_RST, seq: 701 });
    expect([requests.size, tcb.state, tcb.error]).toEqual([0, TCP_LISTEN, 0]);
  });
});

describe('urgent data', () => {
  it('may be of any length: the pointer runs ahead, the reader is told and finds the mark (MUST-31, MUST-32, MUST-33)', () => {
    const { net, a, b } = established(
      new TwoHosts(),
      () => {},
      (tcb) => {
        tcb.oobInline = true;
      },
    );
    b.oobInline = true;
    const bytes = pattern(20_000);
    let sent = 0;
    let got = 0;
    let told = 0;
    let marked = 0;
    const target = new Uint8Array(1000);
    for (let round = 0; round < 1000 && got < bytes.length; round++) {
      if (sent < bytes.length) sent += Math.max(0, send(net, a, bytes.subarray(sent), MSG_OOB));
      net.run(20_000);
      if ((net.b.take(b) & EVENT_PRIORITY) !== 0) told++;
      if (tcpAtMark(b)) marked++;
      // One call a round: it never reads across the mark.
      const count = tcpReceive(b, net.now, target, 0, target.length, 0);
      if (count <= 0) continue;
      expect(Buffer.compare(target.subarray(0, count), bytes.subarray(got, got + count))).toBe(0);
      got += count;
    }
    expect(got).toBe(bytes.length);
    expect(told).toBeGreaterThan(0);
    expect(marked).toBeGreaterThan(0);
    const urgent = net.log.filter((wire: Wire) => (wire.flags & TCP_URG) !== 0 && wire.data.length > 0);
    // Every pointer names the byte behind all that was urgent when its segment left.
    for (const wire of urgent) expect(wire.urgent).toBeGreaterThanOrEqual(wire.data.length);
    expect(urgent.length).toBeGreaterThan(1);
  });

  it('is announced while our window is zero (MUST-66)', () => {
    const { net, a, b } = established();
    send(net, a, pattern(200_000));
    for (let i = 0; i < 100 && b.rcv.wnd > 0; i++) {
      net.run(100_000);
      send(net, a, pattern(200_000));
    }
    expect(b.rcv.wnd).toBe(0);
    net.b.take(b);
    net.inject(net.a, {
      localPort: a.localPort,
      remotePort: 80,
      seq: b.rcv.nxt,
      ack: b.snd.una,
      flags: TCP_ACK | TCP_URG,
      urgent: 500,
      options: Uint8Array.of(1, 1, 8, 10, 0x7f, 0, 0, 0, 0, 0, 0, 0),
    });
    expect(net.b.take(b) & EVENT_PRIORITY).toBe(EVENT_PRIORITY);
  });
});

describe('defaults', () => {
  it('R2 is a hundred seconds at least (SHLD-11), keepalive two hours (MUST-28)', () => {
    const { net, a } = established();
    net.filter = () => false;
    send(net, a, pattern(10));
    const start = net.now;
    net.run(100e6);
    expect(a.state).toBe(TCP_ESTABLISHED);
    expect(retransmitsTimedOut(a, net.now, net.a.config.tcpRetries2, 0)).toBe(false);
    net.run(3000e6, () => a.state !== TCP_ESTABLISHED);
    expect(a.state).not.toBe(TCP_ESTABLISHED);
    expect(net.now - start).toBeGreaterThan(100e6);
    expect(keepaliveIdle(a)).toBeGreaterThanOrEqual(2 * 3600 * 1e6);
  });
});
