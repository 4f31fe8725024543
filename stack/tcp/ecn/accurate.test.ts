// Accurate ECN (RFC 9768): negotiation (section 3.1), the ACE field (3.2.2), the option (3.2.3), and what a sender makes of them.
import { describe, expect, it } from 'vitest';
import { TCP_ACK, TCP_AE, TCP_CWR, TCP_ECE, TCP_SYN } from '../../wire/tcp.js';
import { parseTcpOptions, TcpOptions } from '../../wire/tcp-options.js';
import { tcpInfo } from '../info.js';
import { listenerAccept } from '../listener.js';
import {
  connect,
  established,
  hosts,
  listen,
  pattern,
  SERVER_PORT,
  send,
  transfer,
} from '../testing/ends.js';
import type { TwoHosts, Wire } from '../testing/two-hosts.js';
import { ACE_FAIL_RECEIVE, ACE_FAIL_SEND, aceOf, ECN_ACCURATE } from './accurate.js';
import { ECN_OK } from './classic.js';

const ALL = TCP_AE | TCP_CWR | TCP_ECE;

function both(setup: (config: TwoHosts['a']['config']) => void = () => {}): TwoHosts {
  const net = hosts();
  for (const { config } of [net.a, net.b]) {
    config.tcpEcn = 3;
    setup(config);
  }
  return net;
}

/** Handshake packets arrive with `codepoint`. */
function markHandshake(net: TwoHosts, codepoint: number): void {
  net.filter = (wire) => {
    if ((wire.flags & TCP_SYN) !== 0) wire.ecn = codepoint;
    return true;
  };
}

/** A bare SYN-RECEIVED server: only what it sends is looked at. */
function answered(net: TwoHosts, fields: Partial<Wire>): Wire {
  net.held = true;
  if (net.b.listener === null) listen(net);
  net.inject(net.a, { flags: TCP_SYN | ALL, seq: 5, localPort: 1000, remotePort: SERVER_PORT, ...fields });
  return net.log.at(-1)!;
}

function option(wire: Wire): TcpOptions {
  const options = new TcpOptions();
  parseTcpOptions(wire.options, 0, wire.options.length, options);
  return options;
}

describe('negotiation (section 3.1)', () => {
  it('asks with all three flags; SYN-ACK and ACK tell how the other’s handshake packet arrived', () => {
    for (const [codepoint, ace] of [
      [0, 2],
      [1, 3],
      [2, 4],
      [3, 6],
    ] as const) {
      // Believing the feedback: nobody sent these codepoints.
      const net = both((config) => {
        config.tcpEcnFallback = 0;
      });
      markHandshake(net, codepoint);
      const { a, b } = established(net);
      expect(net.log[0]!.flags).toBe(TCP_SYN | ALL);
      expect([aceOf(net.log[1]!.flags), aceOf(net.log[2]!.flags)]).toEqual([ace, ace]);
      expect([a.opt.ecnFlags, b.opt.ecnFlags]).toEqual([ECN_ACCURATE, ECN_ACCURATE]);
      // A mark on a handshake packet is the first that the counters know.
      expect([a.opt.receivedCe, b.opt.receivedCe, a.loss.deliveredCe, b.loss.deliveredCe]).toEqual(
        Array(4).fill(codepoint === 3 ? 1 : 0),
      );
      expect(option(net.log[1]!)).toMatchObject({ accEcn: 1, accEcnCount: 3 });
      expect([...option(net.log[1]!).accEcnFields]).toEqual([1, 0, 1]);
      expect(tcpInfo(a, net.now).tcpi_options! & 8).toBe(8);
    }
  });

  it('falls back to what the other side knows (table 2)', () => {
    for (const [server, expected] of [
      [0, 0],
      [2, 0],
      [3, ECN_ACCURATE],
      [5, ECN_ACCURATE],
    ] as const) {
      const net = both();
      net.b.config.tcpEcn = server;
      const { a, b } = established(net);
      expect([a.opt.ecnFlags, b.opt.ecnFlags & ~8]).toEqual([expected, expected]);
    }
    for (const [client, expected] of [
      [1, ECN_OK],
      [4, ECN_OK],
      [5, 0],
    ] as const) {
      const net = both();
      net.a.config.tcpEcn = client;
      const { a, b } = established(net);
      expect([a.opt.ecnFlags, b.opt.ecnFlags]).toEqual([expected, expected]);
    }
    // A server that answers as RFC 3168 has it; one that reflects everything is broken.
    for (const [flags, expected] of [
      [TCP_ECE, ECN_OK],
      [TCP_AE | TCP_ECE, ECN_OK],
      [ALL, 0],
    ] as const) {
      const net = both();
      net.filter = (wire) => {
        if (wire.from === 1 && (wire.flags & TCP_SYN) !== 0) wire.flags = TCP_SYN | TCP_ACK | flags;
        return true;
      };
      expect(established(net).a.opt.ecnFlags).toBe(expected);
    }
  });

  it('takes flags of the future for a request', () => {
    const net = both();
    net.held = true;
    listen(net);
    net.inject(net.a, { flags: TCP_SYN | TCP_AE, seq: 5, localPort: 1000, remotePort: SERVER_PORT });
    expect(aceOf(net.log[0]!.flags)).toBe(2);
  });

  it('agrees when both sides open at once, each telling how the other’s SYN came', () => {
    const net = both();
    net.held = true;
    const a = connect(net);
    const ports = { localPort: SERVER_PORT, remotePort: a.localPort };
    net.inject(net.b, { flags: TCP_SYN | ALL, seq: 9, ecn: 1, ...ports });
    expect(net.log.at(-1)!.flags).toBe(TCP_SYN | TCP_ACK | TCP_CWR | TCP_ECE);
    expect(a.opt.ecnFlags).toBe(ECN_ACCURATE);
    const lesser = both();
    lesser.held = true;
    const c = connect(lesser);
    const other = { localPort: SERVER_PORT, remotePort: c.localPort };
    lesser.inject(lesser.b, { flags: TCP_SYN | TCP_ECE | TCP_CWR, seq: 9, ...other });
    expect([lesser.log.at(-1)!.flags, c.opt.ecnFlags]).toEqual([TCP_SYN | TCP_ACK | TCP_ECE, ECN_OK]);
  });

  it('asks once more in the first repeated SYN, then goes without (section 3.1.4.1)', () => {
    const net = both();
    net.held = true;
    connect(net);
    net.run(8e6);
    expect(net.log.slice(0, 4).map((w) => w.flags & ALL)).toEqual([ALL, ALL, 0, 0]);
    const persistent = both((config) => {
      config.tcpEcnFallback = 0;
    });
    persistent.held = true;
    connect(persistent);
    persistent.run(8e6);
    expect(persistent.log.slice(0, 4).every((w) => (w.flags & ALL) === ALL)).toBe(true);
  });

  it('repeats the SYN-ACK without the option, then without the flags and from then on no ECT (3.1.4.2, 3.2.3.2.2)', () => {
    const net = both();
    const first = answered(net, { ecn: 2 });
    net.run(4e6);
    const synAcks = net.log.slice(0, 3);
    expect(synAcks[0]).toBe(first);
    expect(synAcks.map((w) => aceOf(w.flags))).toEqual([4, 4, 0]);
    expect(synAcks.map((w) => option(w).accEcn)).toEqual([1, -1, -1]);
    net.inject(net.a, {
      seq: 6,
      ack: (first.seq + 1) >>> 0,
      flags: TCP_ACK | TCP_CWR,
      localPort: 1000,
      remotePort: SERVER_PORT,
    });
    const b = listenerAccept(net.b.listener!, net.now)!;
    expect([b.opt.ecnFlags, b.opt.accEcnFail]).toEqual([ECN_ACCURATE, ACE_FAIL_SEND]);
    send(net, b, pattern(1000));
    expect([net.log.at(-1)!.ecn, aceOf(net.log.at(-1)!.flags)]).toEqual([0, 5]);
  });

  it('tells of the latest SYN; one without flags forbids ECT but not the mode (section 3.1.5)', () => {
    const net = both((config) => {
      config.tcpInvalidRatelimit = 0;
    });
    const first = answered(net, {});
    expect(aceOf(answered(net, { ecn: 1 }).flags)).toBe(3);
    expect(aceOf(answered(net, { flags: TCP_SYN }).flags)).toBe(2);
    const ack = { seq: 6, ack: (first.seq + 1) >>> 0, localPort: 1000, remotePort: SERVER_PORT };
    net.inject(net.a, { ...ack, flags: TCP_ACK | TCP_CWR });
    const b = listenerAccept(net.b.listener!, net.now)!;
    expect([b.opt.ecnFlags, b.opt.accEcnFail]).toEqual([ECN_ACCURATE, ACE_FAIL_RECEIVE]);
  });

  it('answers a repeated SYN-ACK with how that one came', () => {
    const net = both();
    const { a } = established(net);
    net.inject(net.b, {
      flags: TCP_SYN | TCP_ACK | TCP_CWR,
      seq: a.rcv.irs,
      ack: a.snd.nxt,
      ecn: 1,
      localPort: SERVER_PORT,
      remotePort: a.localPort,
    });
    expect(aceOf(net.log.at(-1)!.flags)).toBe(3);
    send(net, a, pattern(100));
    expect(aceOf(net.log.at(-1)!.flags)).toBe(5);
  });
});

describe('mangling (sections 3.2.2.1, 3.2.2.3, 3.2.2.4)', () => {
  it.each([1, 2, 3])(
    'a handshake that arrived with codepoint %d though sent without: no ECT, still feedback',
    (codepoint) => {
      const net = both();
      markHandshake(net, codepoint);
      const { a, b } = established(net);
      for (const tcb of [a, b]) {
        expect([tcb.opt.ecnFlags, tcb.opt.accEcnFail]).toEqual([ECN_ACCURATE, ACE_FAIL_RECEIVE]);
        expect(tcpInfo(tcb, net.now).tcpi_accecn_fail_mode).toBe(ACE_FAIL_RECEIVE);
      }
      send(net, a, pattern(1000));
      expect(net.log.at(-1)!.ecn).toBe(0);
      expect(aceOf(net.log.at(-1)!.flags)).not.toBe(0);
    },
  );

  it('a cleared field on the first ACK ends ECT and the belief in feedback, not our own feedback', () => {
    const net = both();
    net.filter = (wire) => {
      if (wire.from === 0 && (wire.flags & TCP_SYN) === 0) wire.flags &= ~ALL;
      return true;
    };
    const { a, b } = established(net);
    expect([b.opt.ecnFlags, b.opt.accEcnFail]).toEqual([ECN_ACCURATE, ACE_FAIL_RECEIVE]);
    const from = net.log.length;
    expect(transfer(net, b, a, pattern(20_000)).length).toBe(20_000);
    const sent = net.since(from).filter((w) => w.from === 1 && w.data.length > 0);
    expect(sent.every((w) => w.ecn === 0 && aceOf(w.flags) === 5)).toBe(true);
    // Eight less five would be three marks in every ACK.
    expect([b.loss.deliveredCe, b.cc.ssthresh]).toEqual([0, 0x7fff_ffff]);
  });

  it('a field that is zero when the first data is acknowledged ends them too', () => {
    const net = both();
    const { a, b } = established(net);
    net.filter = (wire) => {
      if (wire.from === 1) wire.flags &= ~ALL;
      return true;
    };
    expect(transfer(net, a, b, pattern(20_000)).length).toBe(20_000);
    expect([a.opt.accEcnFail, a.loss.deliveredCe]).toEqual([ACE_FAIL_RECEIVE, 0]);
  });
});

describe('feedback (section 3.2)', () => {
  it('counts every marked packet and byte, and the sender learns the same numbers', () => {
    const net = both();
    net.a.metrics = { ...net.a.metrics!, gsoMaxSize: 0 };
    const { a, b } = established(net);
    let packets = 0;
    let bytes = 0;
    let seen = 0;
    net.filter = (wire) => {
      if (wire.from === 0 && wire.data.length > 0 && wire.ecn === 2 && ++seen % 9 === 0) {
        wire.ecn = 3;
        packets++;
        bytes += wire.data.length;
      }
      return true;
    };
    expect(transfer(net, a, b, pattern(300_000)).length).toBe(300_000);
    net.run(1e6);
    expect(packets).toBeGreaterThan(10);
    expect([b.opt.receivedCe, b.opt.receivedCeBytes]).toEqual([packets, bytes]);
    expect([a.loss.deliveredCe, a.opt.deliveredCeBytes]).toEqual([packets, bytes]);
    expect(a.opt.deliveredE0Bytes + a.opt.deliveredCeBytes).toBe(
      b.opt.receivedE0Bytes + b.opt.receivedCeBytes,
    );
    expect(a.cc.ssthresh).toBeLessThan(0x7fff_ffff);
    expect(tcpInfo(a, net.now).tcpi_delivered_ce).toBe(packets);
  });

  it('pure ACKs and retransmissions are ECN-capable too, and every ACK carries the counter', () => {
    const net = both();
    const { a } = established(net);
    send(net, a, pattern(3000));
    net.run(1e6);
    const later = net.log.slice(3);
    expect(later.length).toBeGreaterThan(1);
    expect(later.every((w) => w.ecn === 2 && aceOf(w.flags) === 5)).toBe(true);
  });

  it('leaves fields out of the option when SACK blocks need the room; sends none with tcp_ecn_option 0', () => {
    const net = both();
    const { a } = established(net);
    net.held = true;
    const from = net.log.length;
    for (const at of [1, 3, 5]) {
      net.inject(net.a, {
        seq: (a.snd.nxt + at * 1000) >>> 0,
        ack: a.rcv.nxt,
        flags: TCP_ACK | TCP_AE | TCP_ECE,
        data: pattern(1000),
        options: Uint8Array.of(1, 1, 8, 10, 0x7f, 0, 0, 0, 0, 0, 0, 0),
        localPort: a.localPort,
        remotePort: SERVER_PORT,
      });
    }
    const counts = net.since(from).map((w) => option(w).accEcnCount);
    expect(counts[0]).toBe(3);
    expect(counts[2]).toBeLessThan(3);
    expect(net.since(from).every((w) => w.options.length <= 40)).toBe(true);
    net.b.config.tcpEcnOption = 0;
    net.inject(net.a, {
      seq: (a.snd.nxt + 7000) >>> 0,
      ack: a.rcv.nxt,
      data: pattern(1000),
      options: Uint8Array.of(1, 1, 8, 10, 0x7f, 0, 0, 0, 0, 0, 0, 0),
      localPort: a.localPort,
      remotePort: SERVER_PORT,
    });
    expect(option(net.log.at(-1)!).accEcn).toBe(-1);
  });

  it('says at once that the codepoint changed, with the option in two ACKs (tcp_ecn_option 1)', () => {
    const net = both((config) => {
      config.tcpEcnOption = 1;
      config.tcpEcnOptionBeacon = 0;
    });
    const { a, b } = established(net);
    // Out of the quick ACKs of the beginning.
    transfer(net, a, b, pattern(60_000));
    net.run(1e6);
    const data = (at: number, ecn: number): Partial<Wire> => ({
      seq: (b.rcv.nxt + at) >>> 0,
      ack: b.snd.nxt,
      flags: TCP_ACK | TCP_AE | TCP_ECE,
      data: pattern(100),
      ecn,
      localPort: a.localPort,
      remotePort: SERVER_PORT,
    });
    b.opt.accEcnDemand = 0;
    let from = net.log.length;
    const answers = (): number[] =>
      net
        .since(from)
        .map(option)
        .filter((o) => o.accEcn >= 0)
        .map((o) => o.accEcnCount);
    net.inject(net.a, data(0, 2));
    expect(answers()).toEqual([]);
    net.inject(net.a, data(0, 3));
    expect(answers()).toEqual([3]);
    from = net.log.length;
    net.inject(net.a, data(0, 2));
    net.inject(net.a, data(0, 1));
    net.inject(net.a, data(0, 3));
    expect(answers().every((count) => count >= 2)).toBe(true);
    from = net.log.length;
    net.run(1e6);
    b.opt.accEcnDemand = 0;
    net.inject(net.a, data(0, 3));
    net.run(1e6);
    expect(b.opt.accEcnDemand).toBeLessThan(2);
  });

  it('sends the option as a beacon', () => {
    const count = (beacon: number): number => {
      const net = both((config) => {
        config.tcpEcnOption = 1;
        config.tcpEcnOptionBeacon = beacon;
      });
      const { a, b } = established(net);
      const from = net.log.length;
      transfer(net, a, b, pattern(300_000));
      return net.since(from).filter((w) => w.from === 1 && option(w).accEcn >= 0).length;
    };
    const [none, one, three] = [count(0), count(1), count(3)];
    expect(none).toBeLessThan(one);
    expect(one).toBeLessThanOrEqual(three);
  });

  it('takes a SACK block away for a counter that changed', () => {
    const net = both();
    const { a, b } = established(net);
    net.held = true;
    for (const at of [1, 3, 5, 7]) {
      net.inject(net.a, {
        seq: (a.snd.nxt + at * 1000) >>> 0,
        ack: a.rcv.nxt,
        flags: TCP_ACK | TCP_AE | TCP_ECE,
        data: pattern(1000),
        ecn: at === 7 ? 3 : 1,
        localPort: a.localPort,
        remotePort: SERVER_PORT,
      });
    }
    const last = option(net.log.at(-1)!);
    expect(last.sackCount).toBeLessThan(4);
    expect(last.accEcnCount).toBeGreaterThanOrEqual(2);
    expect(last.accEcnFields[1]).toBe(1000);
    expect(b.opt.accEcnFieldsNeeded).toBe(0);
  });

  it('believes neither an option of zeros, nor sends its own when ACKs with it seem to be lost (3.2.3.2)', () => {
    const zeros = both();
    zeros.filter = (wire) => {
      if (wire.from === 1 && (wire.flags & TCP_SYN) !== 0) {
        const at = wire.options.indexOf(174);
        wire.options.fill(0, at + 2, at + 11);
      }
      return true;
    };
    expect(established(zeros).a.opt).toMatchObject({ accEcnOptionSeen: 3, accEcnFail: 8 });

    for (const [mode, expected] of [
      [2, -1],
      [3, 1],
    ] as const) {
      const net = both((config) => {
        config.tcpEcnOption = mode;
        config.tcpInvalidRatelimit = 0;
      });
      const { a, b } = established(net);
      expect(transfer(net, a, b, pattern(1000)).length).toBe(1000);
      net.held = true;
      for (let i = 0; i < 3; i++) {
        net.inject(net.a, {
          seq: (b.rcv.nxt - 1000) >>> 0,
          ack: b.snd.nxt,
          flags: TCP_ACK | TCP_AE | TCP_ECE,
          data: pattern(1000),
          ecn: 2,
          localPort: a.localPort,
          remotePort: SERVER_PORT,
        });
      }
      expect(b.opt.accEcnFail).toBe(4);
      expect(option(net.log.at(-1)!).accEcn).toBe(expected);
    }
  });

  it('a field that may have wrapped counts the most that fits, unless the option says otherwise (appendix A.2)', () => {
    const acknowledge = (ce: number, ace: number): number => {
      const net = both();
      const { a, b } = established(net);
      net.held = true;
      a.cc.cwnd = 40;
      send(net, a, pattern(12 * a.snd.mss));
      const e0 = 12 * a.snd.mss - ce + 1;
      const fields = [1, ce, e0].flatMap((v) => [v >>> 16, (v >>> 8) & 255, v & 255]);
      // One codepoint alone has grown before: the bytes are known to be its.
      a.opt.accEcnEstimate = 2;
      if (ce > 0) a.opt.accEcnEstimate = 3;
      a.opt.deliveredE0Bytes = ce > 0 ? e0 - 1 : 0;
      net.inject(net.b, {
        seq: a.rcv.nxt,
        ack: a.snd.nxt,
        flags: TCP_ACK | aceFlagsOf(ace),
        options: Uint8Array.of(174, 11, ...fields, 1),
        localPort: SERVER_PORT,
        remotePort: a.localPort,
      });
      expect(b).toBeDefined();
      return a.loss.deliveredCe;
    };
    // Nothing marked: the field stands where it stood.
    expect(acknowledge(0, 5)).toBe(0);
    // Nine of twelve packets: the field says one, the bytes say that it wrapped.
    expect(acknowledge(9 * 1448, 6)).toBe(9);
    // One packet: no wrap.
    expect(acknowledge(1448, 6)).toBe(1);
  });

  it('says nothing about an ACK that may be an old one', () => {
    const net = both();
    const { a } = established(net);
    net.held = true;
    net.inject(net.b, {
      seq: a.rcv.nxt,
      ack: a.snd.nxt,
      flags: TCP_ACK | ALL,
      localPort: SERVER_PORT,
      remotePort: a.localPort,
    });
    expect(a.loss.deliveredCe).toBe(0);
  });
});

function aceFlagsOf(ace: number): number {
  return (ace & 4 && TCP_AE) | (ace & 2 && TCP_CWR) | (ace & 1 && TCP_ECE);
}
