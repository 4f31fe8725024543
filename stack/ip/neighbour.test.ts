// The neighbour cache against RFC 4861 section 7, and ARP and neighbour discovery over it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../wire/address.js';
import * as arp from '../wire/arp.js';
import { formatHardware, parseHardware } from '../wire/ethernet.js';
import * as icmpv6 from '../wire/icmpv6.js';
import * as nd from '../wire/nd.js';
import { AddressTable } from './addresses.js';
import { packetOf, parsed, testRandom } from './ip.test.helper.js';
import { NeighbourCache, type NeighbourOptions } from './neighbour-cache.js';
import { Resolution, ResolutionReply, usesArp } from './resolution.js';

const N = parseAddress('2001:db8::9');
const M1 = parseHardware('02:00:00:00:00:11');
const M2 = parseHardware('02:00:00:00:00:22');
const S = 1e6;

function cacheWith(options: NeighbourOptions = {}, random = () => 0x80000000) {
  const log: string[] = [];
  const cache = new NeighbourCache(
    {
      solicit: (now, n, unicast) =>
        log.push(`${now / S} ask ${unicast ? formatHardware(n.hardware) : 'all'}`),
      release: (now, n, packet) => log.push(`${now / S} send ${packet} ${formatHardware(n.hardware)}`),
      drop: (now, _n, packet, unreachable) =>
        log.push(`${now / S} drop ${packet}${unreachable ? ' unreachable' : ''}`),
    },
    random,
    options,
  );
  const take = () => log.splice(0);
  const run = (until: number) => {
    while (cache.nextTimeout() <= until) cache.onTimer(cache.nextTimeout());
  };
  const state = () => cache.get(N, 0, 1)?.stateName;
  const out = (now: number, packet: number) => cache.output(now, N, 0, 1, packet);
  const heard = (now: number, hw: Uint8Array | null, answer: boolean, override: boolean) =>
    cache.advertised(now, N, 0, 1, hw, 0, answer, override, false);
  return { cache, take, run, state, out, heard };
}

describe('neighbour cache', () => {
  it('asks, lets packets wait, and sends them on in order when answered', () => {
    const { cache, take, state, out, heard } = cacheWith();
    expect(out(0, 1)).toBe(null);
    expect(out(0.2 * S, 2)).toBe(null);
    expect([state(), take()]).toEqual(['INCOMPLETE', ['0 ask all']]);
    cache.onTimer(1 * S);
    heard(1.5 * S, M1, true, false);
    expect(take()).toEqual(['1 ask all', '1.5 send 1 02:00:00:00:00:11', '1.5 send 2 02:00:00:00:00:11']);
    expect(state()).toBe('REACHABLE');
    expect(formatHardware(out(2 * S, 3)!.hardware)).toBe('02:00:00:00:00:11');
    expect(take()).toEqual([]);
  });

  it('gives up after three questions and starts anew when asked again', () => {
    const { take, run, state, out } = cacheWith();
    out(0, 1);
    run(10 * S);
    expect(take()).toEqual(['0 ask all', '1 ask all', '2 ask all', '3 drop 1 unreachable']);
    expect(state()).toBe('FAILED');
    out(11 * S, 2);
    expect([state(), take()]).toEqual(['INCOMPLETE', ['11 ask all']]);
  });

  it('goes REACHABLE, STALE, DELAY, PROBE, FAILED in the times of RFC 4861 section 10', () => {
    const { cache, take, run, state, out, heard } = cacheWith();
    out(0, 1);
    heard(0, M1, true, false);
    take();
    expect(cache.nextTimeout()).toBe(30 * S);
    run(29 * S);
    expect(state()).toBe('REACHABLE');
    run(30 * S);
    expect([state(), cache.nextTimeout()]).toEqual(['STALE', Number.POSITIVE_INFINITY]);
    expect(out(100 * S, 2)).not.toBe(null);
    expect([state(), cache.nextTimeout()]).toEqual(['DELAY', 105 * S]);
    run(105 * S);
    expect(state()).toBe('PROBE');
    expect(out(105 * S, 3)).not.toBe(null);
    run(200 * S);
    const asked = [105, 106, 107].map((t) => `${t} ask 02:00:00:00:00:11`);
    expect([state(), take()]).toEqual(['FAILED', asked]);
  });

  it('is confirmed by answers and by upper layers', () => {
    for (const how of ['answer', 'upper layer'] as const) {
      const { cache, run, state, out, heard } = cacheWith();
      out(0, 1);
      heard(0, M1, false, false);
      expect(state()).toBe('DELAY');
      run(5 * S);
      expect(state()).toBe('PROBE');
      if (how === 'answer') heard(5.5 * S, null, true, false);
      else cache.confirm(5.5 * S, cache.get(N, 0, 1)!);
      expect([state(), cache.nextTimeout()]).toEqual(['REACHABLE', 35.5 * S]);
      // Confirmed again meanwhile: the timer finds it and waits on.
      cache.confirm(20 * S, cache.get(N, 0, 1)!);
      run(40 * S);
      expect(state()).toBe('REACHABLE');
      // In use when its time is up: asked soon, not only when the next packet comes.
      out(49 * S, 2);
      run(50 * S);
      expect(state()).toBe('DELAY');
    }
  });

  it('follows the table of RFC 4861 section 7.2.5 and appendix C', () => {
    const table: [string, Uint8Array | null, boolean, boolean, string, string][] = [
      // before, address told, in answer, override -> state, address known
      ['REACHABLE', M2, false, false, 'STALE', 'M1'],
      ['REACHABLE', M2, true, false, 'STALE', 'M1'],
      ['REACHABLE', M2, true, true, 'REACHABLE', 'M2'],
      ['REACHABLE', M2, false, true, 'STALE', 'M2'],
      ['REACHABLE', M1, false, true, 'REACHABLE', 'M1'],
      ['REACHABLE', null, true, false, 'REACHABLE', 'M1'],
      ['STALE', M2, true, false, 'STALE', 'M1'],
      ['STALE', M1, true, false, 'REACHABLE', 'M1'],
      ['STALE', M1, false, true, 'STALE', 'M1'],
      ['STALE', M2, true, true, 'REACHABLE', 'M2'],
      ['STALE', null, false, false, 'STALE', 'M1'],
    ];
    for (const [before, hw, answer, override, after, known] of table) {
      const { cache, state, heard } = cacheWith();
      cache.solicited(0, N, 0, 1, M1, 0);
      if (before === 'REACHABLE') heard(0, M1, true, true);
      expect(state()).toBe(before);
      heard(1, hw, answer, override);
      expect([state(), formatHardware(cache.get(N, 0, 1)!.hardware)]).toEqual([
        after,
        formatHardware(known === 'M1' ? M1 : M2),
      ]);
    }
    const { cache, state, out, heard } = cacheWith();
    heard(0, M1, true, true);
    expect(cache.size).toBe(0);
    out(0, 1);
    heard(0, null, true, true);
    expect(state()).toBe('INCOMPLETE');
  });

  it('learns from those who ask, and goes on to use it', () => {
    const { cache, take, state, out } = cacheWith();
    cache.solicited(0, N, 0, 1, M1, 0);
    expect(state()).toBe('STALE');
    out(0, 1);
    expect(state()).toBe('DELAY');
    cache.solicited(1, N, 0, 1, M1, 0);
    expect(state()).toBe('DELAY');
    cache.solicited(1, N, 0, 1, M2, 0);
    expect(state()).toBe('STALE');
    const other = cacheWith();
    other.out(0, 7);
    other.cache.solicited(S, N, 0, 1, M1, 0);
    expect(other.take()).toEqual(['0 ask all', '1 send 7 02:00:00:00:00:11']);
    expect(other.state()).toBe('DELAY');
    expect(take()).toEqual([]);
  });

  it('bounds waiting packets, oldest first', () => {
    const { take, out } = cacheWith({ queueLimit: 2 });
    for (let i = 1; i <= 4; i++) out(0, i);
    expect(take()).toEqual(['0 ask all', '0 drop 1', '0 drop 2']);
  });

  it('bounds the packets that wait for all neighbours together, and lets none starve', () => {
    const { cache, take } = cacheWith({ waitingLimit: 4 });
    const to = (who: number, packet: number) =>
      cache.output(0, parseAddress(`2001:db8::2:${who}`), 0, 1, packet);
    const dropped = () => take().filter((line) => line.includes('drop'));
    for (let i = 0; i < 4; i++) to(1, i);
    expect(dropped()).toEqual([]);
    // One that has its share gives its oldest; strangers still have room for one, until there are twice as many.
    to(1, 4);
    expect(dropped()).toEqual(['0 drop 0']);
    for (let who = 2; who <= 5; who++) to(who, 10 * who);
    expect(dropped()).toEqual([]);
    to(2, 21);
    to(6, 60);
    expect(dropped()).toEqual(['0 drop 20', '0 drop 60']);
    // Room again when one of them answers, or is given up.
    cache.advertised(0, parseAddress('2001:db8::2:1'), 0, 1, M1, 0, true, false, false);
    expect(take().filter((line) => line.includes('send'))).toHaveLength(4);
    to(6, 61);
    expect(dropped()).toEqual([]);
    cache.flush(0);
    expect(dropped()).toHaveLength(5);
    for (let i = 0; i < 4; i++) to(1, i);
    expect(dropped()).toEqual([]);
  });

  it('bounds neighbours, sparing those set by hand, and accounts for what waited', () => {
    const { cache, take } = cacheWith({ limit: 3 });
    cache.setPermanent(0, N, 0, 1, M1);
    for (let i = 0; i < 4; i++) cache.output(0, parseAddress(`2001:db8::1:${i}`), 0, 1, i);
    expect(cache.size).toBe(3);
    expect(take().filter((x) => x.includes('drop'))).toEqual(['0 drop 0', '0 drop 1']);
    expect(cache.get(N, 0, 1)?.stateName).toBe('PERMANENT');
    cache.solicited(0, N, 0, 1, M2, 0);
    cache.advertised(0, N, 0, 1, M2, 0, true, true, true);
    expect(formatHardware(cache.output(0, N, 0, 1, 9)!.hardware)).toBe(formatHardware(M1));
    cache.flush(0, 2);
    expect(cache.size).toBe(3);
    cache.flush(0);
    expect([cache.size, take()]).toEqual([0, ['0 drop 2', '0 drop 3']]);
    const names: string[] = [];
    cache.forEach((n) => {
      names.push(n.stateName);
    });
    expect(names).toEqual([]);
  });

  it('accounts for every packet exactly once, whatever happens', () => {
    const event = fc.record({
      kind: fc.constantFrom('out', 'out', 'out', 'ask', 'tell', 'time', 'flush', 'confirm'),
      who: fc.nat(5),
      dt: fc.nat(3e6),
      hw: fc.constantFrom(M1, M2),
      a: fc.boolean(),
      b: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80, size: 'max' }), fc.nat(), (events, seed) => {
        const done = new Map<number, number>();
        const count = (packet: number) => done.set(packet, (done.get(packet) ?? 0) + 1);
        const cache = new NeighbourCache(
          {
            solicit: (_now, n, unicast) => expect(unicast).toBe(n.stateName === 'PROBE'),
            release: (_now, _n, packet) => count(packet),
            drop: (_now, _n, packet) => count(packet),
          },
          testRandom(seed),
          { limit: 4, queueLimit: 3 },
        );
        let now = 0;
        let sent = 0;
        for (const e of events) {
          now += e.dt;
          const address = parseAddress(`2001:db8::${e.who}`);
          if (e.kind === 'out') {
            if (cache.output(now, address, 0, 1, sent) !== null) count(sent);
            sent++;
          } else if (e.kind === 'ask') cache.solicited(now, address, 0, 1, e.hw, 0);
          else if (e.kind === 'tell') cache.advertised(now, address, 0, 1, e.hw, 0, e.a, e.b, false);
          else if (e.kind === 'time') cache.onTimer(now);
          else if (e.kind === 'flush' && e.a && e.b) cache.flush(now);
          else if (e.kind === 'confirm') {
            const n = cache.get(address, 0, 1);
            if (n !== undefined) cache.confirm(now, n);
          }
          expect(cache.size).toBeLessThanOrEqual(4);
          let waiting = 0;
          let earliest = Number.POSITIVE_INFINITY;
          cache.forEach((n) => {
            waiting += n.queue.length;
            expect(n.queue.length).toBeLessThanOrEqual(3);
            if (n.queue.length > 0) expect(n.stateName).toBe('INCOMPLETE');
            // A running state always has its timer, and the cache knows of it.
            if (n.stateName === 'INCOMPLETE') expect(n.deadline).toBeLessThan(Number.POSITIVE_INFINITY);
            earliest = Math.min(earliest, n.deadline);
          });
          expect(cache.nextTimeout()).toBe(earliest);
          expect(done.size + waiting).toBe(sent);
        }
        for (const times of done.values()) expect(times).toBe(1);
      }),
      { numRuns: 300 },
    );
  });
});

describe('ARP', () => {
  const OWN = parseHardware('02:00:00:00:00:01');
  const me = parseAddress('192.0.2.1');
  const peer = parseAddress('192.0.2.2');

  function setup() {
    const c = cacheWith();
    const addresses = new AddressTable();
    addresses.add(me, 120, 1);
    const r = new Resolution(c.cache, addresses);
    const reply = new ResolutionReply();
    const out = new Uint8Array(64);
    const say = (now: number, op: number, sha: Uint8Array, spa: Uint8Array, tpa: Uint8Array) => {
      const b = new Uint8Array(28);
      arp.writeArp(b, 0, op, sha, spa, 12, new Uint8Array(6), tpa, 12);
      return r.arpInput(now, b, 0, 28, 1, OWN, out, 3, reply);
    };
    return { ...c, r, reply, say, text: () => arp.describeArp(out, 3, reply.length), out };
  }

  it('answers requests for its own addresses and remembers who asked', () => {
    const { cache, say, reply, text } = setup();
    expect(say(0, arp.ARP_REQUEST, M1, peer, me)).toBe(true);
    expect([reply.length, text(), formatHardware(reply.hardware)]).toEqual([
      28,
      'ARP 192.0.2.1 is-at 02:00:00:00:00:01',
      formatHardware(M1),
    ]);
    expect(cache.get(peer, 0, 1)?.stateName).toBe('STALE');
    say(0, arp.ARP_REQUEST, M1, parseAddress('192.0.2.3'), parseAddress('192.0.2.4'));
    expect([reply.length, cache.size]).toEqual([0, 1]);
    // A probe (RFC 5227) is answered and teaches nothing.
    say(0, arp.ARP_REQUEST, M2, parseAddress('0.0.0.0'), me);
    expect([reply.length, cache.size]).toEqual([28, 1]);
  });

  it('resolves by request and reply, and probes by unicast', () => {
    const { cache, say, reply, r, out, take } = setup();
    cache.output(0, peer, 0, 1, 5);
    r.arpRequest(OWN, me, peer, null, out, 3, reply);
    expect(arp.describeArp(out, 3, 28)).toBe('ARP who-has 192.0.2.2 tell 192.0.2.1');
    expect(formatHardware(reply.hardware)).toBe('ff:ff:ff:ff:ff:ff');
    expect(say(S, arp.ARP_REPLY, M1, peer, me)).toBe(true);
    expect(reply.length).toBe(0);
    expect(take()).toEqual(['0 ask all', '1 send 5 02:00:00:00:00:11']);
    expect(cache.get(peer, 0, 1)?.stateName).toBe('REACHABLE');
    r.arpRequest(OWN, me, peer, M1, out, 3, reply);
    expect(formatHardware(reply.hardware)).toBe(formatHardware(M1));
    expect(usesArp(peer)).toBe(true);
  });

  it('does not let a second address replace one learned a moment ago', () => {
    const { cache, say } = setup();
    cache.output(0, peer, 0, 1, 5);
    say(0, arp.ARP_REPLY, M1, peer, me);
    say(0.5 * S, arp.ARP_REPLY, M2, peer, me);
    expect(formatHardware(cache.get(peer, 0, 1)!.hardware)).toBe(formatHardware(M1));
    // An announcement later on moves the address (gratuitous ARP).
    say(3 * S, arp.ARP_REQUEST, M2, peer, peer);
    expect(formatHardware(cache.get(peer, 0, 1)!.hardware)).toBe(formatHardware(M2));
    expect(cache.get(peer, 0, 1)!.stateName).toBe('STALE');
  });

  it('ignores impostors, groups and what it does not understand', () => {
    const { cache, say, r, reply, out } = setup();
    say(0, arp.ARP_REQUEST, M1, me, me);
    say(0, arp.ARP_REQUEST, parseHardware('03:00:00:00:00:01'), peer, me);
    say(0, arp.ARP_REQUEST, M1, parseAddress('224.0.0.1'), me);
    expect([cache.size, reply.length]).toEqual([0, 0]);
    expect(r.arpInput(0, new Uint8Array(28), 0, 28, 1, OWN, out, 0, reply)).toBe(false);
  });
});

describe('neighbour discovery', () => {
  const OWN = parseHardware('02:00:00:00:00:01');
  const me = parseAddress('fe80::1');
  const peer = parseAddress('fe80::2');
  const group = parseAddress('ff02::1:ff00:1');

  function setup() {
    const c = cacheWith();
    const addresses = new AddressTable();
    addresses.add(me, 64, 1);
    const r = new Resolution(c.cache, addresses);
    const reply = new ResolutionReply();
    const out = new Uint8Array(128);
    const say = (
      now: number,
      advertisement: boolean,
      flags: number,
      source: Uint8Array,
      destination: Uint8Array,
      target: Uint8Array,
      hw: Uint8Array | null,
      hops = 255,
    ) => {
      const message = new Uint8Array(hw === null ? 24 : 32);
      nd.writeNeighbor(message, 0, advertisement, flags, target, 0, hw);
      const b = packetOf(58, message, { v6: true, source, destination });
      b[7] = hops;
      icmpv6.finishIcmpv6(b, 40, message.length, source, 0, destination, 0);
      return r.ndInput(now, b, parsed(b), 1, OWN, out, 3, reply);
    };
    /** The packet in `out`, checked as a receiver would. */
    const answer = () => {
      const b = out.slice(3, 3 + reply.length);
      const packet = parsed(b);
      expect(icmpv6.checkIcmpv6(b, 0, 40, packet.payloadLength)).toBe(0);
      const options = new nd.NdOptions();
      expect(nd.checkNd(b, 40, packet.payloadLength, packet.ttl, options)).toBe(0);
      return { b, packet, options };
    };
    return { ...c, r, reply, say, answer, out };
  }

  it('answers solicitations for its own addresses and remembers who asked', () => {
    const { cache, say, reply, answer } = setup();
    expect(say(0, false, 0, peer, group, me, M1)).toBe(true);
    const { b, packet, options } = answer();
    expect([formatAddress(packet.source), formatAddress(packet.destination)]).toEqual(['fe80::1', 'fe80::2']);
    expect(b[40]).toBe(136);
    expect(nd.advertisementFlags(b, 40)).toBe(nd.ND_SOLICITED + nd.ND_OVERRIDE);
    expect(formatHardware(b, options.targetLinkAddress)).toBe(formatHardware(OWN));
    expect(formatHardware(reply.hardware)).toBe(formatHardware(M1));
    expect(cache.get(peer, 0, 1)?.stateName).toBe('STALE');
    // Without a link address: to the one that is known, or to be resolved.
    say(0, false, 0, peer, me, me, null);
    expect(formatHardware(reply.hardware)).toBe(formatHardware(M1));
    say(0, false, 0, parseAddress('fe80::3'), me, me, null);
    expect([reply.length, formatHardware(reply.hardware)]).toEqual([72, '00:00:00:00:00:00']);
    say(0, false, 0, peer, group, parseAddress('fe80::1:1'), M1);
    expect(reply.length).toBe(0);
  });

  it('defends its address against duplicate address detection, to all nodes', () => {
    const { cache, say, reply, answer } = setup();
    expect(say(0, false, 0, parseAddress('::'), group, me, null)).toBe(true);
    expect(formatAddress(answer().packet.destination)).toBe('ff02::1');
    expect(nd.advertisementFlags(answer().b, 40)).toBe(nd.ND_OVERRIDE);
    expect([formatHardware(reply.hardware), cache.size]).toEqual(['33:33:00:00:00:01', 0]);
    expect(say(0, false, 0, parseAddress('::'), group, me, M1)).toBe(false);
    expect(say(0, false, 0, parseAddress('::'), me, me, null)).toBe(false);
  });

  it('resolves by solicitation and advertisement', () => {
    const { cache, say, reply, r, out, answer, take } = setup();
    cache.output(0, peer, 0, 1, 5);
    r.neighborSolicitation(OWN, me, peer, null, out, 3, reply);
    const { b, packet, options } = answer();
    expect([formatAddress(packet.destination), formatHardware(reply.hardware)]).toEqual([
      'ff02::1:ff00:2',
      '33:33:ff:00:00:02',
    ]);
    expect(formatHardware(b, options.sourceLinkAddress)).toBe(formatHardware(OWN));
    expect(say(S, true, nd.ND_SOLICITED, peer, me, peer, M1)).toBe(true);
    expect(take()).toEqual(['0 ask all', '1 send 5 02:00:00:00:00:11']);
    expect(cache.get(peer, 0, 1)?.stateName).toBe('REACHABLE');
    say(2 * S, true, nd.ND_ROUTER + nd.ND_OVERRIDE, peer, parseAddress('ff02::1'), peer, M2);
    expect(cache.get(peer, 0, 1)).toMatchObject({ stateName: 'STALE', isRouter: true });
    r.neighborSolicitation(OWN, me, peer, M2, out, 3, reply);
    expect(formatAddress(answer().packet.destination)).toBe('fe80::2');
    expect(formatHardware(reply.hardware)).toBe(formatHardware(M2));
    expect(usesArp(peer)).toBe(false);
  });

  it('drops what RFC 4861 section 7.1 says', () => {
    const { say, r, reply, out } = setup();
    expect(say(0, false, 0, peer, group, me, M1, 254)).toBe(false);
    expect(say(0, true, nd.ND_SOLICITED, peer, parseAddress('ff02::1'), peer, M1)).toBe(false);
    expect(say(0, true, 0, peer, me, parseAddress('ff02::2'), M1)).toBe(false);
    const echo = packetOf(58, Uint8Array.of(128, 0, 0, 0, 0, 0, 0, 0), { v6: true });
    expect(r.ndInput(0, echo, parsed(echo), 1, OWN, out, 0, reply)).toBe(false);
  });
});
