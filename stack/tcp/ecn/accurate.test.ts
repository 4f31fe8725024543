// Accurate ECN (RFC 9768): negotiation (section 3.1), the ACE field (3.2.2), the option (3.2.3), and what a sender makes of them.
import { describe, expect, it } from 'vitest';
import { TCP_ACK, TCP_AE, TCP_CWR, TCP_ECE, TCP_SYN } from '../../wire/tcp.js';
import { parseTcpOptions, TcpOptions } from '../../wire/tcp-options.js';
import { tcpInfo } from '../info.js';
import { established, hosts, listen, pattern, SERVER_PORT, send, transfer } from '../testing/ends.js';
import type { TwoHosts, Wire } from '../testing/two-hosts.js';
import { aceOf, ECN_ACCURATE } from './accurate.js';
import { ECN_OK } from './classic.js';

const ALL = TCP_AE | TCP_CWR | TCP_ECE;

function both(): TwoHosts {
  const net = hosts();
  net.a.config.tcpEcn = 3;
  net.b.config.tcpEcn = 3;
  return net;
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
      const net = both();
      net.filter = (wire) => {
        if ((wire.flags & TCP_SYN) !== 0) wire.ecn = codepoint;
        return true;
      };
      const { a, b } = established(net);
      expect(net.log[0]!.flags).toBe(TCP_SYN | ALL);
      expect([aceOf(net.log[1]!.flags), aceOf(net.log[2]!.flags)]).toEqual([ace, ace]);
      expect([a.opt.ecnFlags, b.opt.ecnFlags]).toEqual([ECN_ACCURATE, ECN_ACCURATE]);
      // A mark on a handshake packet is the first that the counters know.
      expect([a.opt.receivedCe, b.opt.receivedCe, b.loss.deliveredCe]).toEqual(
        codepoint === 3 ? [1, 1, 1] : [0, 0, 0],
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

  it('takes flags of the future for a request, and turns itself off when a middlebox clears the first ACK', () => {
    const net = both();
    net.held = true;
    listen(net);
    net.inject(net.a, { flags: TCP_SYN | TCP_AE, seq: 5, localPort: 1000, remotePort: SERVER_PORT });
    expect(aceOf(net.log[0]!.flags)).toBe(2);
    const cleared = both();
    cleared.filter = (wire) => {
      if (wire.from === 0 && (wire.flags & TCP_SYN) === 0) wire.flags &= ~ALL;
      return true;
    };
    expect(established(cleared).b.opt.ecnFlags).toBe(0);
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
});
