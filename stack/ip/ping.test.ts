// The parts of this folder put together as an endpoint does it: two hosts that resolve each other by ARP and neighbour
// discovery, ping each other with packets that must be cut, and report closed ports, over a bad Ethernet in virtual time.

import { describe, expect, it } from 'vitest';
import { StackConfig } from '../config/config.js';
import { IpCounters } from '../host/ip-counters.js';
import { ImpairedLink } from '../link/impaired.js';
import type { Impairment } from '../link/impairment.js';
import type { Link } from '../link/link.js';
import { testParty } from '../link/link.test.helper.js';
import { memoryPair } from '../link/memory.js';
import { formatAddress, isIpv4, parseAddress } from '../wire/address.js';
import { ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, etherType, writeEthernet } from '../wire/ethernet.js';
import * as icmp from '../wire/icmp.js';
import * as icmpv6 from '../wire/icmpv6.js';
import { AddressTable } from './addresses.js';
import { Fragmenter } from './fragmentation.js';
import { IcmpLimiter } from './icmp-limit.js';
import {
  INPUT_ECHO,
  INPUT_FRAGMENT,
  INPUT_ICMP,
  INPUT_ICMP_ERROR,
  INPUT_ND,
  INPUT_TRANSPORT,
  IpInput,
} from './input.js';
import { packetOf, testRandom, udpPacket } from './ip.test.helper.js';
import { NeighbourCache } from './neighbour-cache.js';
import { IpIds } from './output.js';
import { FRAGMENT_COMPLETE, Reassembler } from './reassembly.js';
import { Resolution, ResolutionReply } from './resolution.js';

class Host {
  readonly events: string[] = [];
  readonly addresses = new AddressTable();
  readonly link: Link;
  readonly party = testParty();
  readonly cache: NeighbourCache;
  readonly reassembler = new Reassembler();
  readonly input: IpInput;
  readonly #resolution: Resolution;
  readonly #ids = new IpIds(testRandom());
  readonly #own: Uint8Array;
  readonly #waiting = new Map<number, Uint8Array>();
  readonly #reply = new ResolutionReply();
  #next = 0;

  constructor(link: Link, v4: string, v6: string) {
    this.link = link;
    this.#own = link.hardwareAddress!;
    this.addresses.add(parseAddress(v4), 120, 0);
    this.addresses.add(parseAddress(v6), 64, 0);
    const config = new StackConfig();
    this.cache = new NeighbourCache(
      {
        solicit: (now, n, unicast) => {
          const b = new Uint8Array(80);
          const source = this.addresses.selectSource(n.address, 0, 0, n.address, 0)!;
          const to = unicast ? n.hardware : null;
          if (isIpv4(n.address))
            this.#resolution.arpRequest(this.#own, source, n.address, to, b, 0, this.#reply);
          else this.#resolution.neighborSolicitation(this.#own, source, n.address, to, b, 0, this.#reply);
          this.#frame(now, this.#reply.hardware, b.subarray(0, this.#reply.length), isIpv4(n.address));
        },
        release: (now, n, packet) => this.#frame(now, n.hardware, this.#waiting.get(packet)!, false),
        drop: (now, _n, _packet, unreachable) =>
          this.events.push(`${now} dropped${unreachable ? ' unreachable' : ''}`),
      },
      testRandom(),
    );
    this.#resolution = new Resolution(this.cache, this.addresses);
    this.input = new IpInput(config, this.addresses, new IcmpLimiter(config, 1, new IpCounters()), this.#ids);
  }

  /** Sends an IP packet, cut when it is longer than the MTU. */
  send(now: number, packet: Uint8Array, to: Uint8Array): void {
    if (packet.length <= this.link.mtu) {
      this.#output(now, packet, to);
      return;
    }
    const f = new Fragmenter();
    f.start(packet, 0, packet.length, this.link.mtu, this.#ids.next(to, to, 1));
    const piece = new Uint8Array(this.link.mtu);
    for (let n = f.next(piece, 0); n > 0; n = f.next(piece, 0)) this.#output(now, piece.slice(0, n), to);
  }

  run(now: number): void {
    this.cache.onTimer(now);
    const out = new Uint32Array(16);
    for (
      let n = this.link.receive(now, this.party, out, 16);
      n > 0;
      n = this.link.receive(now, this.party, out, 16)
    ) {
      for (let i = 0; i < n; i++) {
        const start = this.party.start(out[i]);
        this.#frameIn(now, this.party.bytes, start, this.party.length(out[i]));
        this.party.release(out[i]);
      }
    }
  }

  #output(now: number, packet: Uint8Array, to: Uint8Array): void {
    const number = this.#next++;
    this.#waiting.set(number, packet);
    const n = this.cache.output(now, to, 0, 0, number);
    if (n !== null) this.#frame(now, n.hardware, packet, false);
  }

  #frame(now: number, hardware: Uint8Array, packet: Uint8Array, isArp: boolean): void {
    const index = this.party.alloc(packet.length + 14);
    const start = this.party.start(index);
    const type = isArp ? ETHERTYPE_ARP : packet[0] >>> 4 === 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
    writeEthernet(this.party.bytes, start, hardware, 0, this.#own, 0, type);
    this.party.bytes.set(packet, start + 14);
    this.party.setLength(index, packet.length + 14);
    this.link.transmit(now, this.party, Uint32Array.of(index), 1);
    this.party.release(index);
  }

  #frameIn(now: number, b: Uint8Array, start: number, length: number): void {
    const out = new Uint8Array(80);
    if (etherType(b, start) === ETHERTYPE_ARP) {
      this.#resolution.arpInput(now, b, start + 14, length - 14, 0, this.#own, out, 0, this.#reply);
      if (this.#reply.length > 0)
        this.#frame(now, this.#reply.hardware, out.subarray(0, this.#reply.length), true);
    } else this.#packetIn(now, b, start + 14, length - 14);
  }

  #packetIn(now: number, b: Uint8Array, o: number, length: number): void {
    const verdict = this.input.receive(b, o, length, 0, false);
    const packet = this.input.packet;
    const out = new Uint8Array(10_000);
    if (verdict === INPUT_ECHO) {
      const n = this.input.echoReply(out, 0, null);
      this.send(now, out.slice(0, n), packet.source.slice());
    } else if (verdict === INPUT_ND) {
      this.#resolution.ndInput(now, b, packet, 0, this.#own, out, 0, this.#reply);
      if (this.#reply.length > 0)
        this.#frame(now, this.#reply.hardware, out.subarray(0, this.#reply.length), false);
    } else if (verdict === INPUT_FRAGMENT) {
      if (this.reassembler.add(now, b, packet, 0) !== FRAGMENT_COMPLETE) return;
      const n = this.reassembler.copyTo(out, 0);
      this.#packetIn(now, out, 0, n);
    } else if (verdict === INPUT_TRANSPORT) {
      const n = this.input.portUnreachable(now, out, 0);
      if (n > 0) this.send(now, out.slice(0, n), packet.source.slice());
    } else if (verdict === INPUT_ICMP) {
      this.events.push(`${packet.payloadLength} from ${formatAddress(packet.source)}`);
    } else if (verdict === INPUT_ICMP_ERROR) {
      const e = this.input.error;
      this.events.push(`error ${e.type}/${e.code} port ${e.remotePort} from ${formatAddress(e.reporter)}`);
    }
  }
}

function world(impairment: Impairment, seed = 1) {
  const [la, lb] = memoryPair({ delay: 100 });
  const a = new Host(new ImpairedLink(la, { both: impairment, seed }), '192.0.2.1', '2001:db8::1');
  const b = new Host(lb, '192.0.2.2', '2001:db8::2');
  const run = (until: number) => {
    for (;;) {
      const now = Math.min(
        a.link.nextEvent(),
        b.link.nextEvent(),
        a.cache.nextTimeout(),
        b.cache.nextTimeout(),
      );
      if (now > until) return;
      a.run(now);
      b.run(now);
    }
  };
  return { a, b, run };
}

function ping(v6: boolean, length: number): { packet: Uint8Array; to: Uint8Array } {
  const source = parseAddress(v6 ? '2001:db8::1' : '192.0.2.1');
  const to = parseAddress(v6 ? '2001:db8::2' : '192.0.2.2');
  const message = new Uint8Array(length);
  message[0] = v6 ? 128 : 8;
  const packet = packetOf(v6 ? 58 : 1, message, { v6, source, destination: to });
  if (v6) icmpv6.finishIcmpv6(packet, 40, length, source, 0, to, 0);
  else icmp.finishIcmp(packet, 20, length);
  return { packet, to };
}

describe('two hosts on an Ethernet', () => {
  it('resolve each other and answer pings, whole and cut, over both versions', () => {
    const { a, b, run } = world({});
    for (const v6 of [false, true]) {
      for (const length of [8, 1400, 5000]) {
        const { packet, to } = ping(v6, length);
        a.send(v6 ? 2e6 : 0, packet, to);
      }
      run(v6 ? 4e6 : 1e6);
    }
    expect(a.events).toEqual([
      ...[8, 1400, 5000].map((n) => `${n} from 192.0.2.2`),
      ...[8, 1400, 5000].map((n) => `${n} from 2001:db8::2`),
    ]);
    expect([b.reassembler.counters.reassembled, a.reassembler.counters.reassembled]).toEqual([2, 2]);
    expect([a.party.available, b.party.available]).toEqual([a.party.size, b.party.size]);
    expect([a.cache.size, b.cache.size]).toEqual([2, 2]);
  });

  it('report a closed port to each other', () => {
    const { a, run } = world({});
    a.send(0, udpPacket(new Uint8Array(5)), parseAddress('192.0.2.2'));
    a.send(0, udpPacket(new Uint8Array(5), { v6: true }), parseAddress('2001:db8::2'));
    run(1e6);
    expect(a.events).toEqual(['error 3/3 port 8192 from 192.0.2.2', 'error 1/4 port 8192 from 2001:db8::2']);
  });

  it('say unreachable when nobody answers', () => {
    const { a, run } = world({ loss: 1 });
    const { packet, to } = ping(true, 8);
    a.send(0, packet, to);
    run(10e6);
    expect(a.events).toEqual(['3000000 dropped unreachable']);
  });

  it('get nothing damaged, twice or from nowhere over a bad network', () => {
    const { a, b, run } = world(
      { loss: 0.1, corrupt: 0.1, duplicate: 0.1, reorder: 0.2, reorderDelay: 700 },
      5,
    );
    for (let i = 0; i < 300; i++) {
      const { packet, to } = ping(i % 2 === 1, 3000);
      a.send(i * 10_000, packet, to);
      run(i * 10_000 + 9_999);
    }
    run(300 * 10_000);
    // Four or so of ten survive three fragments each way; damage is caught by a checksum, not delivered.
    expect(a.events.filter((e) => e.startsWith('3000')).length).toBeGreaterThan(40);
    // "dropped": waited in vain while questions or answers were lost.
    for (const e of a.events)
      expect(e).toMatch(/^(3000 from (192\.0\.2\.2|2001:db8::2)|\d+ dropped( unreachable)?)$/);
    expect(a.events.filter((e) => e.startsWith('3000')).length).toBeLessThan(300);
    expect(a.reassembler.memory + b.reassembler.memory).toBeGreaterThan(0);
    a.reassembler.onTimer(1e9);
    b.reassembler.onTimer(1e9);
    expect([a.reassembler.memory, b.reassembler.memory]).toEqual([0, 0]);
    expect([a.party.available, b.party.available]).toEqual([a.party.size, b.party.size]);
  });
});
