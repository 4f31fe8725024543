// Own addresses on an Ethernet link, seen from the other end of the wire: claims, conflicts, autoconfiguration.
import { describe, expect, test } from 'vitest';
import { memoryPair } from '../link/memory.js';
import { socketAddress } from '../socket/address.js';
import { AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM } from '../socket/constants.js';
import { testSecrets } from '../socket/two-stacks.test.helper.js';
import { createStack, type InlineStack } from '../stack.js';
import type { AddressEvent, StackOptions } from '../stack-options.js';
import { formatAddress, parseAddress } from '../wire/address.js';
import * as arp from '../wire/arp.js';
import { describeFrame } from '../wire/describe.js';
import { ETH_BROADCAST, writeEthernet } from '../wire/ethernet.js';
import { finishIcmpv6 } from '../wire/icmpv6.js';
import { writeIpv6 } from '../wire/ipv6.js';
import * as nd from '../wire/nd.js';

const S = 1e6;
const OWN = Uint8Array.of(2, 0, 0, 0, 0, 1);
const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 9);
const NOBODY = new Uint8Array(6);
const ANY4 = parseAddress('0.0.0.0');
const ALL_NODES = parseAddress('ff02::1');

class World {
  readonly stack: InlineStack;
  readonly events: string[] = [];
  now = 0;
  private readonly peer;

  constructor(options: StackOptions = {}) {
    const [device, peer] = memoryPair({
      common: { framing: 'ethernet' },
      a: { hardwareAddress: OWN, name: 'tap0' },
    });
    this.peer = peer;
    const tell = ({ type, address, hardwareAddress }: AddressEvent) =>
      void this.events.push(`${type} ${address}${hardwareAddress === null ? '' : ` ${hardwareAddress}`}`);
    this.stack = createStack({
      links: [device],
      secrets: testSecrets(1),
      onAddress: tell,
      debugBuffers: true,
      ...options,
    });
  }

  /** Runs for `micros`; the frames that came out meanwhile, described. */
  run(micros: number): string[] {
    const end = this.now + micros;
    const seen: string[] = [];
    for (;;) {
      this.stack.run(this.now);
      for (let f = this.peer.takeFrame(this.now); f !== null; f = this.peer.takeFrame(this.now)) {
        seen.push(describeFrame(f.bytes, 0, f.bytes.length));
      }
      if (this.now >= end) return seen;
      this.now = Math.max(this.now, Math.min(end, this.stack.nextTimeout()));
    }
  }

  arp(operation: number, sender: Uint8Array, target: Uint8Array, hardware = OTHER): void {
    const b = new Uint8Array(42);
    writeEthernet(b, 0, ETH_BROADCAST, 0, hardware, 0, 0x0806);
    arp.writeArp(b, 14, operation, hardware, sender, 12, NOBODY, target, 12);
    this.peer.sendFrame(this.now, b);
  }

  /** An ICMPv6 message that `write` puts at its offset (it returns its end), with a hop limit of 255 unless said. */
  icmp6(source: Uint8Array, to: Uint8Array, write: (b: Uint8Array, o: number) => number, hops = 255): void {
    const b = new Uint8Array(400);
    writeEthernet(b, 0, Uint8Array.of(0x33, 0x33, ...to.subarray(12)), 0, OTHER, 0, 0x86dd);
    const end = write(b, 54);
    writeIpv6(b, 14, 0, 0, end - 54, 58, hops, source, 0, to, 0);
    finishIcmpv6(b, 54, end - 54, source, 0, to, 0);
    this.peer.sendFrame(this.now, b.slice(0, end));
  }

  states(): string[] {
    return this.stack.addresses().map(({ address, state }) => `${address} ${state}`);
  }

  close(): void {
    this.stack.close();
    expect(this.stack.usage().buffers).toBe(0);
  }
}

const A6 = parseAddress('2001:db8::2');
const solicited = (address: Uint8Array) =>
  Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, ...address.subarray(13));
const solicitation = (target: Uint8Array, nonce?: Uint8Array) => (b: Uint8Array, o: number) => {
  const end = nd.writeNeighbor(b, o, false, 0, target, 0, null);
  return nonce === undefined ? end : nd.writeNonce(b, end, nonce);
};

describe('duplicate address detection', () => {
  const make = () => new World({ addresses: [{ address: '2001:db8::2', prefix: 64 }] });

  test('an address is tentative for a while: asked for, told to switches, answered for by nobody, then ours', () => {
    const w = make();
    const fd = w.stack.posix.socket(AF_INET6, SOCK_DGRAM, 0);
    expect(w.states()).toEqual(['2001:db8::2 tentative']);
    const seen = w.run(1 * S);
    expect(seen.filter((each) => /neighbor sol|type 135/i.test(each)).length).toBe(1);
    expect(seen.filter((each) => /type 143/.test(each)).length).toBeGreaterThan(0);
    expect(w.stack.posix.bind(fd, socketAddress('2001:db8::2', 7))).toBe(-99);
    // Another's question about it gets no answer while it is tentative (RFC 4862 section 5.4.3).
    w.icmp6(parseAddress('fe80::9'), solicited(A6), solicitation(A6));
    expect(w.run(0).filter((each) => /type 136/.test(each))).toEqual([]);
    w.run(1 * S);
    expect(w.states()).toEqual(['2001:db8::2 preferred']);
    expect(w.events).toEqual(['assigned 2001:db8::2']);
    expect(w.stack.posix.bind(fd, socketAddress('2001:db8::2', 7))).toBe(0);
    w.close();
  });

  test('hostile or not: another’s advertisement or probe ends it, our own probe coming back does not', () => {
    for (const [how, duplicate] of [
      ['advertisement', true],
      ['probe', true],
      ['own nonce', false],
      ['from beyond the link', false],
    ] as const) {
      const w = make();
      w.run(0.9 * S);
      const nonce = (w.stack as unknown as { addressing: { claims: { all: { nonce: Uint8Array }[] } } })
        .addressing.claims.all[0].nonce;
      if (how === 'advertisement') {
        w.icmp6(A6, ALL_NODES, (b, o) => nd.writeNeighbor(b, o, true, nd.ND_OVERRIDE, A6, 0, OTHER));
      } else if (how === 'from beyond the link') {
        w.icmp6(A6, ALL_NODES, (b, o) => nd.writeNeighbor(b, o, true, nd.ND_OVERRIDE, A6, 0, OTHER), 64);
      } else {
        w.icmp6(new Uint8Array(16), solicited(A6), solicitation(A6, how === 'own nonce' ? nonce : undefined));
      }
      w.run(3 * S);
      expect([how, w.states()]).toEqual([how, [`2001:db8::2 ${duplicate ? 'duplicate' : 'preferred'}`]]);
      w.stack.removeAddress('2001:db8::2');
      expect(w.states()).toEqual([]);
      w.close();
    }
  });

  test('not where it is switched off, nor for one address that shall not be asked for', () => {
    const off = new World({
      addresses: [{ address: '2001:db8::2', prefix: 64 }],
      sysctls: { 'net.ipv6.conf.all.accept_dad': '0' },
    });
    expect(off.states()).toEqual(['2001:db8::2 preferred']);
    off.close();
    const one = new World({ addresses: [{ address: '2001:db8::2', prefix: 64, detectDuplicates: false }] });
    expect(one.states()).toEqual(['2001:db8::2 preferred']);
    one.close();
  });
});

describe('IPv4 address conflicts (RFC 5227)', () => {
  const A4 = parseAddress('10.0.0.2');
  const probing = () =>
    new World({ addresses: [{ address: '10.0.0.2', prefix: 24, detectDuplicates: true }] });

  test('probes, then announces', () => {
    const w = probing();
    const seen = w.run(10 * S).filter((each) => /ARP/.test(each));
    expect(seen.map((each) => each.replace(/^.*ARP/, 'ARP'))).toEqual([
      ...new Array(3).fill('ARP who-has 10.0.0.2 tell 0.0.0.0'),
      ...new Array(2).fill('ARP who-has 10.0.0.2 tell 10.0.0.2'),
    ]);
    expect(w.states()).toEqual(['10.0.0.2 preferred']);
    w.close();
  });

  test('an answer, and another’s probe, end the claim', () => {
    for (const [sender, target] of [
      [A4, ANY4],
      [ANY4, A4],
    ]) {
      const w = probing();
      w.run(2 * S);
      w.arp(arp.ARP_REQUEST, sender, target);
      w.run(10 * S);
      expect(w.states()).toEqual(['10.0.0.2 duplicate']);
      expect(w.events).toEqual(['duplicate 10.0.0.2 02:00:00:00:00:09']);
      w.close();
    }
  });

  test('an address in use is defended once in ten seconds, and the owner is told each time', () => {
    const w = new World({ addresses: [{ address: '10.0.0.2', prefix: 24 }] });
    w.run(0);
    for (let i = 0; i < 3; i++) {
      w.arp(arp.ARP_REPLY, A4, parseAddress('10.0.0.3'));
      expect(w.run(1 * S).filter((each) => /ARP/.test(each))).toEqual(
        i === 0 ? ['ARP who-has 10.0.0.2 tell 10.0.0.2'] : [],
      );
    }
    // What comes back from our own hardware is no conflict.
    w.arp(arp.ARP_REPLY, A4, parseAddress('10.0.0.3'), OWN);
    w.run(0);
    expect(w.events).toEqual(new Array(3).fill('conflict 10.0.0.2 02:00:00:00:00:09'));
    w.close();
  });
});

describe('a next hop that does not answer', () => {
  for (const [family, own, there] of [
    [AF_INET, '10.0.0.2', '10.0.0.9'],
    [AF_INET6, '2001:db8::2', '2001:db8::9'],
  ] as const) {
    test(`EHOSTUNREACH after three questions, ${there}`, () => {
      const prefix = family === AF_INET ? 24 : 64;
      const w = new World({ addresses: [{ address: own, prefix, detectDuplicates: false }] });
      const fd = w.stack.posix.socket(family, SOCK_STREAM, 0);
      const call = w.stack.posix.connect(fd, socketAddress(there, 80));
      w.run(2.9 * S);
      expect(call.result).toBe(null);
      w.run(0.2 * S);
      expect(call.result).toBe(-113);
      w.close();
    });
  }
});

describe('IPv6 autoconfiguration', () => {
  const ROUTER = parseAddress('fe80::1');
  const PREFIX = parseAddress('2001:db8:5::');
  const advertise = (w: World, life: number, valid: number, preferred: number, mtu = 1400) =>
    w.icmp6(ROUTER, ALL_NODES, (b, o) => {
      const end = nd.writeMtuOption(b, nd.writeRouterAdvertisement(b, o, 33, life), mtu);
      return nd.writePrefixOption(b, end, PREFIX, 64, 0xc0, valid, preferred);
    });
  const make = () => new World({ autoconfigure: [{ ipv6: true }], stableSecret: new Uint8Array(16) });

  test('link-local address, solicitation, address, routes, MTU and hop limit of an advertisement; all of it ends', () => {
    const w = make();
    const seen = w.run(3 * S);
    expect(w.stack.addresses().map(({ state, prefix }) => [state, prefix])).toEqual([['preferred', 64]]);
    const linkLocal = w.stack.addresses()[0].address;
    expect(linkLocal).toMatch(/^fe80::/);
    // Asked from the link-local address, with our hardware address.
    expect(seen.some((each) => each.includes(linkLocal) && /type 133/.test(each))).toBe(true);
    advertise(w, 600, 3600, 1800);
    w.run(3 * S);
    const global = w.stack.addresses()[1];
    expect(global.address).toMatch(/^2001:db8:5:0:/);
    expect([global.state, global.validUntil - w.now]).toEqual(['preferred', 3600 * S - 3 * S]);
    const { network } = w.stack;
    const far = network.path(parseAddress('2001:db8:ffff::1'), 0);
    expect(formatAddress(far!.nextHop)).toBe('fe80::1');
    expect(network.mtu(far!, parseAddress('2001:db8:ffff::1'), 0, w.now)).toBe(1400);
    expect(w.stack.getSysctl('net.ipv6.conf.all.hop_limit')).toBe('33');
    const near = network.path(parseAddress('2001:db8:5::77'), 0);
    expect(formatAddress(near!.nextHop)).toBe('2001:db8:5::77');
    w.run(1800 * S);
    expect(w.stack.addresses()[1].state).toBe('deprecated');
    expect(network.path(parseAddress('2001:db8:ffff::1'), 0)).toBe(null);
    w.run(1800 * S);
    expect(w.states()).toEqual([`${linkLocal} preferred`]);
    expect(network.path(parseAddress('2001:db8:5::77'), 0)).toBe(null);
    expect(w.events.map((each) => each.split(' ')[0])).toEqual([
      'assigned',
      'assigned',
      'deprecated',
      'removed',
    ]);
    w.close();
  });

  test('the same secret gives the same addresses, a duplicate the next one', () => {
    const [a, b] = [make(), make()];
    for (const w of [a, b]) w.run(0.1 * S);
    const first = parseAddress(a.stack.addresses()[0].address);
    expect(b.states()).toEqual(a.states());
    b.icmp6(first, ALL_NODES, (bytes, o) =>
      nd.writeNeighbor(bytes, o, true, nd.ND_OVERRIDE, first, 0, OTHER),
    );
    b.run(4 * S);
    const [next] = b.stack.addresses().filter(({ state }) => state === 'preferred');
    expect(next.address).toMatch(/^fe80::/);
    expect(next.address).not.toBe(formatAddress(first));
    a.close();
    b.close();
  });

  test('hostile advertisements: from beyond the link, damaged, or on a link that does not configure itself, do nothing', () => {
    const w = make();
    w.run(3 * S);
    const before = w.states();
    w.icmp6(ROUTER, ALL_NODES, (b, o) => nd.writeRouterAdvertisement(b, o, 33, 600), 254);
    w.icmp6(parseAddress('2001:db8::1'), ALL_NODES, (b, o) => nd.writeRouterAdvertisement(b, o, 33, 600));
    w.icmp6(ROUTER, ALL_NODES, (b, o) => {
      const end = nd.writeRouterAdvertisement(b, o, 33, 600);
      b.set([3, 0, 64, 0xc0], end);
      return end + 8;
    });
    w.run(3 * S);
    expect(w.states()).toEqual(before);
    expect(w.stack.getSysctl('net.ipv6.conf.all.hop_limit')).toBe('64');
    w.close();
    const still = new World({ addresses: [{ address: '2001:db8::2', prefix: 64, detectDuplicates: false }] });
    advertise(still, 600, 3600, 1800);
    still.run(3 * S);
    expect(still.states()).toEqual(['2001:db8::2 preferred']);
    still.close();
  });

  test('only Ethernet links configure themselves', () => {
    const [device] = memoryPair({ common: { framing: 'ip' } });
    expect(() => createStack({ links: [device], autoconfigure: [{ ipv6: true }] })).toThrow(
      /no Ethernet link/,
    );
  });
});
