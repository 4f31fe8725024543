// The strict profile: RFC 9293 where Linux departs from one of its MUSTs. Each test says what Linux does, too.
import { describe, expect, it } from 'vitest';
import { StackConfig } from '../config/config.js';
import { TCP_ACK, TCP_SYN } from '../wire/tcp.js';
import { SHUT_RDWR, tcpClose, tcpShutdown } from './close.js';
import { ECONNREFUSED, EHOSTUNREACH, EPROTO, ETIMEDOUT } from './errno.js';
import { listenerError, tcpError } from './index.js';
import { endsHandshake, isSoftIcmp, synAckRetries } from './profile.js';
import { TCP_CLOSE, TCP_ESTABLISHED, TCP_SYN_SENT } from './states.js';
import { EVENT_ERROR, type Tcb } from './tcb.js';
import { connect, established, listen, pattern, send } from './testing/ends.js';
import type { Wire } from './testing/two-hosts.js';
import { addressOf, TwoHosts } from './testing/two-hosts.js';

type Profile = 'linux' | 'strict';

function hosts(profile: Profile): TwoHosts {
  const net = new TwoHosts();
  net.a.config.profile = profile;
  net.b.config.profile = profile;
  return net;
}

const SECOND = 1_000_000;

describe('a SYN that nobody answers', () => {
  /** Seconds after the first SYN at which it was repeated, and at which the connection ended. */
  function silence(profile: Profile, synRetries = 0): { last: number; end: number } {
    const net = hosts(profile);
    net.filter = () => false;
    if (synRetries > 0) net.a.config.tcpSynLinearTimeouts = 0;
    const start = net.now;
    const tcb = connect(net, (tcb) => {
      tcb.timers.synRetries = synRetries;
    });
    net.run(1000 * SECOND, () => tcb.state === TCP_CLOSE);
    expect(tcb.error).toBe(ETIMEDOUT);
    return {
      last: Math.round((net.log.at(-1)!.at - start) / SECOND),
      end: Math.round((net.now - start) / SECOND),
    };
  }

  it('is repeated for three minutes at least (MUST-23); Linux gives up after tcp_syn_retries', () => {
    expect(silence('linux').end).toBeLessThan(180);
    const strict = silence('strict');
    expect(strict.end).toBeGreaterThanOrEqual(180);
    expect(strict.end).toBeLessThan(300);
  });

  it('ends when the application said so, in either profile (MUST-21, TCP_SYNCNT)', () => {
    expect(silence('strict', 1)).toEqual(silence('linux', 1));
    expect(silence('strict', 1).end).toBe(3);
  });

  it('a SYN-ACK is repeated as long (MUST-23)', () => {
    const span = (profile: Profile): number => {
      const net = hosts(profile);
      listen(net);
      net.filter = () => false;
      const start = net.now;
      net.inject(net.a, { localPort: 5, remotePort: 80, flags: TCP_SYN, seq: 9 });
      expect(net.b.listener!.requests.size).toBe(1);
      net.run(1000 * SECOND, () => net.b.listener!.requests.size === 0);
      return (net.now - start) / SECOND;
    };
    expect(span('linux')).toBeLessThan(70);
    expect(span('strict')).toBeGreaterThanOrEqual(180);
  });

  it('counts retries of a SYN-ACK by the longest wait; more that were asked for stay', () => {
    const config = new StackConfig();
    expect(synAckRetries(config, 1000, 120_000)).toBe(5);
    config.profile = 'strict';
    // 1 + 2 + … + 64 = 127 s, and another 120 s: the eighth wait.
    expect(synAckRetries(config, 1000, 120_000)).toBe(8);
    // 1 + 2 + 4 + 8 + 10 … s
    expect(synAckRetries(config, 1000, 10_000)).toBe(21);
    config.tcpSynackRetries = 50;
    expect(synAckRetries(config, 1000, 10_000)).toBe(50);
  });
});

describe('a soft ICMP error while a connection opens (MUST-56)', () => {
  it.each([
    ['net unreachable', 3, 0],
    ['host unreachable', 3, 1],
    ['source route failed', 3, 5],
    ['time exceeded', 11, 0],
    ['parameter problem', 12, 0],
  ])('%s ends the attempt on Linux and is only remembered in the strict profile', (_name, type, code) => {
    for (const profile of ['linux', 'strict'] as const) {
      const net = hosts(profile);
      listen(net);
      const tcb = connect(net);
      tcpError(tcb, net.now, type, code, 0, tcb.snd.una);
      if (profile === 'linux') {
        expect(tcb.state).toBe(TCP_CLOSE);
        expect(tcb.error).not.toBe(0);
        continue;
      }
      expect(tcb.state).toBe(TCP_SYN_SENT);
      expect(tcb.error).toBe(0);
      expect(tcb.softError).toBe(type === 12 ? EPROTO : tcb.softError);
      expect(tcb.softError).not.toBe(0); // SHLD-25: SO_ERROR tells it
      net.run(SECOND);
      expect(tcb.state).toBe(TCP_ESTABLISHED);
    }
  });

  it('leaves a handshake on the server alone in the strict profile; hard ones end it', () => {
    const ends = (profile: Profile, ipv6: boolean) => {
      const config = new StackConfig();
      config.profile = profile;
      const types = ipv6 ? [1, 3, 4] : [3, 11, 12];
      return types.map((type) => [0, 1, 3, 4, 5].map((code) => endsHandshake(config, ipv6, type, code)));
    };
    const [all, none] = [Array(5).fill(true), Array(5).fill(false)];
    expect(ends('linux', false)).toEqual([[true, true, false, false, false], all, all]);
    expect(ends('linux', true)).toEqual([[false, true, false, true, true], none, all]);
    expect(ends('strict', false)).toEqual([[false, false, true, true, false], none, none]);
    expect(ends('strict', true)).toEqual([[false, true, false, true, true], none, none]);
  });

  it('a hard one ends it in both', () => {
    for (const profile of ['linux', 'strict'] as const) {
      const net = hosts(profile);
      const tcb = connect(net);
      tcpError(tcb, net.now, 3, 3, 0, tcb.snd.una);
      expect([tcb.state, tcb.error]).toEqual([TCP_CLOSE, ECONNREFUSED]);
    }
  });

  it('the remembered error is what a connection that times out ends with', () => {
    const net = hosts('strict');
    net.filter = () => false;
    const tcb = connect(net);
    tcpError(tcb, net.now, 3, 1, 0, tcb.snd.una);
    net.run(1000 * SECOND, () => tcb.state === TCP_CLOSE);
    expect(tcb.error).toBe(EHOSTUNREACH);
  });

  it('leaves a half-open connection of a listener alone; Linux drops it', () => {
    for (const profile of ['linux', 'strict'] as const) {
      const net = hosts(profile);
      listen(net);
      net.held = true;
      net.inject(net.a, { localPort: 5, remotePort: 80, flags: TCP_SYN, seq: 9 });
      const synAck = net.log.at(-1) as Wire;
      expect(synAck.flags).toBe(TCP_SYN | TCP_ACK);
      const [remote, local] = [new Uint8Array(16), new Uint8Array(16)];
      addressOf(0, remote);
      addressOf(1, local);
      listenerError(net.b.listener!, net.now, remote, 5, local, false, 3, 1, 0, synAck.seq);
      expect(net.b.listener!.requests.size).toBe(profile === 'strict' ? 1 : 0);
      listenerError(net.b.listener!, net.now, remote, 5, local, false, 3, 3, 0, synAck.seq);
      expect(net.b.listener!.requests.size).toBe(0);
    }
  });

  it('knows the soft ones of both families, and no others', () => {
    const soft = (ipv6: boolean, type: number): number[] =>
      [0, 1, 2, 3, 4, 5, 6].filter((code) => isSoftIcmp(ipv6, type, code));
    expect(soft(false, 3)).toEqual([0, 1, 5]);
    expect(soft(true, 1)).toEqual([0, 3]);
    expect(soft(true, 3).length * soft(true, 4).length * soft(false, 11).length).toBe(7 ** 3);
    expect([...soft(false, 4), ...soft(true, 2)]).toEqual([]);
  });
});

describe('TIME-WAIT', () => {
  /** Seconds in TIME-WAIT after a close that `how` describes. */
  function span(profile: Profile, how: 'first' | 'at once' | 'shut down'): number {
    const { net, a, b } = established(hosts(profile));
    if (how === 'shut down') tcpShutdown(a, net.now, SHUT_RDWR);
    else tcpClose(a, net.now);
    if (how !== 'at once') net.run(SECOND);
    tcpClose(b, net.now);
    net.run(10 * SECOND, () => net.a.waits.size === 1);
    expect(net.a.waits.size).toBe(1);
    const start = net.now;
    net.run(1000 * SECOND, () => net.a.waits.size === 0);
    return Math.round((net.now - start) / SECOND);
  }

  it('lasts two MSL of two minutes (MUST-13); an MSL is 30 s on Linux', () => {
    for (const how of ['first', 'at once', 'shut down'] as const) {
      expect([span('linux', how), span('strict', how)], how).toEqual([60, 240]);
    }
  });
});

describe('a peer that names no MSS', () => {
  it('gets 536 bytes over IPv4 and 1220 over IPv6, from a client too (MUST-15)', () => {
    for (const ipv6 of [false, true]) {
      const net = new TwoHosts();
      net.held = true;
      const tcb = connect(net, (tcb) => {
        tcb.ipv6 = ipv6;
      });
      const syn = net.log.at(-1) as Wire;
      net.inject(net.b, {
        localPort: 80,
        remotePort: syn.localPort,
        flags: TCP_SYN | TCP_ACK,
        seq: 1,
        ack: (syn.seq + 1) >>> 0,
      });
      expect(tcb.state).toBe(TCP_ESTABLISHED);
      expect(tcb.snd.mss).toBe(ipv6 ? 1220 : 536);
    }
  });
});

describe('a connection in trouble', () => {
  /** SO_ERROR and the events of a sender whose peer fell silent, after `seconds`. */
  function silent(
    profile: Profile,
    seconds: number,
  ): { net: TwoHosts; a: Tcb; events: number; cuts: number } {
    const { net, a } = established(hosts(profile));
    net.filter = () => false;
    net.a.events.clear();
    const before = net.a.routes;
    send(net, a, pattern(100));
    net.run(seconds * SECOND);
    return { net, a, events: net.a.take(a), cuts: net.a.routes - before };
  }

  it('is told at R1, and lives on (SHLD-9, MUST-47); Linux keeps it to TCP_INFO', () => {
    const strict = silent('strict', 20);
    expect([strict.a.state, strict.a.error, strict.a.softError]).toEqual([TCP_ESTABLISHED, 0, ETIMEDOUT]);
    expect(strict.events & EVENT_ERROR).toBe(EVENT_ERROR);
    const linux = silent('linux', 20);
    expect([linux.a.softError, linux.events & EVENT_ERROR]).toEqual([0, 0]);
    expect(linux.a.timers.retransmits).toBeGreaterThan(3);
    expect(silent('strict', 1).a.softError).toBe(0); // before R1
    strict.net.filter = () => true;
    strict.net.run(60 * SECOND);
    expect([strict.a.softError, strict.a.timers.retransmits]).toEqual([0, 0]);
  });

  it('reaches R1 after three retransmissions at least (SHLD-10)', () => {
    const { net, a } = established(hosts('strict'));
    net.filter = () => false;
    send(net, a, pattern(100));
    const before = net.log.length;
    net.run(60 * SECOND, () => a.softError !== 0);
    expect(a.softError).toBe(ETIMEDOUT);
    expect(net.log.length - before).toBeGreaterThanOrEqual(3);
  });

  it('asks the network layer for the route again from R1 on (MUST-20)', () => {
    expect(silent('linux', 1).cuts).toBe(0);
    expect(silent('linux', 20).cuts).toBeGreaterThan(0);
  });
});
