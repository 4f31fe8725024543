// Building, limiting and reading ICMP, and the verdicts on what comes in.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StackConfig } from '../config/config.js';
import { IpCounters } from '../host/ip-counters.js';
import { formatAddress, parseAddress } from '../wire/address.js';
import { expectSelfContained, u8 } from '../wire/arbitraries.test.helper.js';
import * as icmp from '../wire/icmp.js';
import * as icmpv6 from '../wire/icmpv6.js';
import * as ipv4 from '../wire/ipv4.js';
import * as ipv6 from '../wire/ipv6.js';
import * as tcp from '../wire/tcp.js';
import { AddressTable } from './addresses.js';
import { ICMP_ERROR_MAX, mayAnswerWithError, writeIcmpError } from './icmp-build.js';
import { ICMP_MALFORMED, ICMP_NOT_ERROR, IcmpError, parseIcmpError } from './icmp-error.js';
import { IcmpLimiter } from './icmp-limit.js';
import * as input from './input.js';
import { A4, A6, B4, B6, counting, packetOf, parsed, testRandom, udpPacket } from './ip.test.helper.js';
import { IpIds } from './output.js';
import { IpPacket, parseIp } from './packet.js';

const MAX_SECOND = 1e6;

/** A stack's input for B4/B6 on link 1. */
function host(config: Partial<StackConfig> = {}) {
  const c = Object.assign(new StackConfig(), config);
  const addresses = new AddressTable();
  addresses.add(B4, 120, 1);
  addresses.add(B6, 64, 1);
  const limiter = new IcmpLimiter(c, 1, new IpCounters());
  return { in: new input.IpInput(c, addresses, limiter, new IpIds(testRandom())), limiter };
}

function tcpPacket(v6: boolean, length = 40): Uint8Array {
  const segment = new Uint8Array(length);
  tcp.writeTcp(segment, 0, 1111, 2222, 0xfedcba98, 7, 20, tcp.TCP_ACK, 500, 0);
  // Ours: from B to A.
  return packetOf(6, segment, { v6, source: v6 ? B6 : B4, destination: v6 ? A6 : A4 });
}

function errorAbout(q: Uint8Array, v6: boolean, type: number, code: number, rest: number): Uint8Array {
  const b = new Uint8Array(ICMP_ERROR_MAX);
  const reporter = parseAddress(v6 ? '2001:db8::f' : '192.0.2.15');
  const n = writeIcmpError(b, 0, reporter, v6 ? B6 : B4, type, code, rest, q, 0, q.length, 64, 9);
  return b.slice(0, n);
}

describe('ICMP errors', () => {
  it('are read back as they were built, for both versions', () => {
    const out = new IcmpError();
    const cases: [boolean, number, number, number, Partial<IcmpError>][] = [
      [false, 3, 1, 0, { mtu: 0 }],
      [false, 3, 4, 1400, { mtu: 1400 }],
      [false, 12, 0, 0x14000000, { pointer: 20 }],
      [true, 1, 4, 0, { mtu: 0 }],
      [true, 2, 0, 1280, { mtu: 1280 }],
      [true, 4, 1, 40, { pointer: 40 }],
    ];
    for (const [v6, type, code, rest, want] of cases) {
      const b = errorAbout(tcpPacket(v6), v6, type, code, rest);
      expect(parseIcmpError(b, parsed(b), out)).toBe(0);
      expect(out).toMatchObject({
        ipv6: v6,
        type,
        code,
        protocol: 6,
        localPort: 1111,
        remotePort: 2222,
        ...want,
      });
      expect(out.seq).toBe(0xfedcba98);
      expect(formatAddress(out.localAddress)).toBe(formatAddress(v6 ? B6 : B4));
      expect(formatAddress(out.remoteAddress)).toBe(formatAddress(v6 ? A6 : A4));
      expect(formatAddress(out.reporter)).toBe(v6 ? '2001:db8::f' : '192.0.2.15');
      expect(out.end - out.transport).toBe(40);
    }
  });

  it('quote as much as 576 and 1280 bytes hold, with the precedence of control traffic', () => {
    for (const v6 of [false, true]) {
      const b = errorAbout(tcpPacket(v6, 2000), v6, v6 ? 1 : 3, 0, 0);
      expect(b.length).toBe(v6 ? 1280 : 576);
      const out = new IcmpError();
      expect(parseIcmpError(b, parsed(b), out)).toBe(0);
      if (!v6) expect([ipv4.tos(b, 0), ipv4.dontFragment(b, 0), ipv4.id(b, 0)]).toEqual([0xc0, false, 9]);
    }
  });

  it('about later fragments, truncated or foreign packets are malformed', () => {
    const out = new IcmpError();
    const judge = (q: Uint8Array, v6 = false) => {
      const b = errorAbout(q, v6, v6 ? 1 : 3, 0, 0);
      return parseIcmpError(b, parsed(b), out);
    };
    expect(judge(tcpPacket(false).subarray(0, 28))).toBe(0);
    expect(judge(tcpPacket(false).subarray(0, 27))).toBe(ICMP_MALFORMED);
    expect(judge(tcpPacket(true).subarray(0, 48), true)).toBe(0);
    expect(judge(tcpPacket(true).subarray(0, 47), true)).toBe(ICMP_MALFORMED);
    expect(judge(tcpPacket(true).subarray(0, 39), true)).toBe(ICMP_MALFORMED);
    const later = tcpPacket(false);
    later[7] = 1;
    expect(judge(later)).toBe(ICMP_MALFORMED);
    expect(judge(tcpPacket(true), false)).toBe(ICMP_MALFORMED);
    expect(judge(tcpPacket(false), true)).toBe(ICMP_MALFORMED);
    const small = tcpPacket(false);
    small[0] = 0x44;
    expect(judge(small)).toBe(ICMP_MALFORMED);
    // Behind extension headers, the first fragment's among them.
    const ports = [0, 1, 0, 2, 0, 0, 0, 3];
    const chain = packetOf(60, Uint8Array.of(44, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 1, 0, 0, 0, 9, ...ports), {
      v6: true,
    });
    expect(judge(chain, true)).toBe(0);
    expect([out.protocol, out.localPort, out.remotePort, out.seq]).toEqual([6, 1, 2, 3]);
    chain[40 + 10] = 1;
    expect(judge(chain, true)).toBe(ICMP_MALFORMED);
  });

  it('damaged or no errors at all are told apart', () => {
    const out = new IcmpError();
    const b = errorAbout(tcpPacket(false), false, 3, 0, 0);
    b[b.length - 1] ^= 1;
    expect(parseIcmpError(b, parsed(b), out)).toBe(ICMP_MALFORMED);
    const echo = new Uint8Array(8);
    icmp.writeIcmp(echo, 0, 8, 0, 1);
    icmp.finishIcmp(echo, 0, 8);
    const query = packetOf(1, echo);
    expect(parseIcmpError(query, parsed(query), out)).toBe(ICMP_NOT_ERROR);
    const udp = udpPacket(counting(4));
    expect(parseIcmpError(udp, parsed(udp), out)).toBe(ICMP_NOT_ERROR);
  });

  it('with arbitrary quotes never lead out of the packet', () => {
    const out = new IcmpError();
    const packet = new IpPacket();
    const quote = fc.array(fc.oneof(fc.constantFrom(0, 0x45, 0x60, 43, 44, 60), u8), {
      maxLength: 90,
      size: 'max',
    });
    fc.assert(
      fc.property(quote, fc.boolean(), (list, v6) => {
        const q = Uint8Array.from(list);
        if (q.length > 0) q[0] = v6 ? 0x60 : 0x45;
        expectSelfContained(errorAbout(q, v6, v6 ? 1 : 3, 0, 0), (b, o) => {
          // The arrays around differ in length: the packet ends where it says.
          if (parseIp(b, o, b.length - o, packet) !== 0) return 'refused';
          const bad = parseIcmpError(b, packet, out);
          return bad === 0 ? [out.protocol, out.localPort, out.seq, out.transport - o] : bad;
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('answering with errors', () => {
  it('follows RFC 1122 section 3.2.2 and RFC 4443 section 2.4 (e)', () => {
    const ask = (b: Uint8Array, unicast = true, type = 3, code = 3) =>
      mayAnswerWithError(b, parsed(b), unicast, type, code);
    const udp = counting(8);
    expect(ask(packetOf(17, udp))).toBe(true);
    expect(ask(packetOf(17, udp), false)).toBe(false);
    const later = packetOf(17, udp);
    later[7] = 1;
    ipv4.finishHeader(later, 0);
    expect(ask(later)).toBe(false);
    expect(ask(packetOf(1, Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 0)))).toBe(true);
    expect(ask(packetOf(1, Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0)))).toBe(false);
    expect(ask(packetOf(1, new Uint8Array(0)))).toBe(false);
    const v6 = { v6: true };
    expect(ask(packetOf(58, Uint8Array.of(128, 0, 0, 0), v6))).toBe(true);
    expect(ask(packetOf(58, Uint8Array.of(1, 0, 0, 0), v6))).toBe(false);
    expect(ask(packetOf(17, udp, { v6: true, source: parseAddress('::') }))).toBe(false);
    // To a group: only Packet Too Big, and Parameter Problem about an option.
    expect(ask(packetOf(17, udp, v6), false, icmpv6.ICMPV6_PACKET_TOO_BIG, 0)).toBe(true);
    expect(ask(packetOf(17, udp, v6), false, icmpv6.ICMPV6_PARAMETER_PROBLEM, 2)).toBe(true);
    expect(ask(packetOf(17, udp, v6), false, icmpv6.ICMPV6_PARAMETER_PROBLEM, 1)).toBe(false);
  });

  it('is limited per destination and for all, as the configuration says at that moment', () => {
    const config = new StackConfig();
    const limiter = new IcmpLimiter(config, 1, new IpCounters());
    let sent = 0;
    for (let i = 0; i < 20; i++) if (limiter.allows(0, false, 3, 3, A4, 0)) sent++;
    expect(sent).toBe(6);
    expect(limiter.suppressed).toBe(14);
    expect(limiter.allows(MAX_SECOND - 1, false, 3, 3, A4, 0)).toBe(false);
    expect(limiter.allows(MAX_SECOND, false, 3, 3, A4, 0)).toBe(true);
    expect(limiter.allows(MAX_SECOND, false, 3, 3, A4, 0)).toBe(false);
    // Not limited: path-MTU discovery, answers, types outside the mask.
    for (let i = 0; i < 200; i++) {
      expect(limiter.allows(MAX_SECOND, false, 3, 4, A4, 0)).toBe(true);
      expect(limiter.allows(MAX_SECOND, false, 0, 0, A4, 0)).toBe(true);
      expect(limiter.allows(MAX_SECOND, true, 2, 0, A6, 0)).toBe(true);
      expect(limiter.allows(MAX_SECOND, true, 129, 0, A6, 0)).toBe(true);
    }
    config.icmpRatelimit = 0;
    const global = new IcmpLimiter(config, 1, new IpCounters());
    sent = 0;
    for (let i = 0; i < 100; i++) if (global.allows(0, false, 3, 3, parseAddress(`10.0.0.${i}`), 0)) sent++;
    expect(sent).toBe(config.icmpMsgsBurst);
    sent = 0;
    for (let i = 0; i < 100; i++) if (global.allows(20_000, false, 3, 3, A4, 0)) sent++;
    expect(sent).toBe(20);
    // A long silence fills the bucket, no more.
    sent = 0;
    for (let i = 0; i < 100; i++) if (global.allows(60e6, false, 3, 3, A4, 0)) sent++;
    expect(sent).toBe(config.icmpMsgsBurst);
    config.ipv6IcmpRatelimit = 500;
    const six = new IcmpLimiter(config, 1, new IpCounters());
    sent = 0;
    for (let i = 0; i < 10; i++) if (six.allows(0, true, 1, 4, A6, 0)) sent++;
    expect([sent, six.allows(499_999, true, 1, 4, A6, 0), six.allows(500_000, true, 1, 4, A6, 0)]).toEqual([
      6,
      false,
      true,
    ]);
  });
});

describe('input', () => {
  const out = new Uint8Array(2048);

  function echo(v6: boolean, destination?: Uint8Array, type = v6 ? 128 : 8): Uint8Array {
    const message = Uint8Array.of(type, 0, 0, 0, 1, 2, 3, 4, ...counting(33));
    const options = destination === undefined ? { v6, tos: 0x20 } : { v6, tos: 0x20, destination };
    const b = packetOf(v6 ? 58 : 1, message, options);
    if (v6) icmpv6.finishIcmpv6(b, 40, message.length, A6, 0, destination ?? B6, 0);
    else icmp.finishIcmp(b, 20, message.length);
    return b;
  }

  it('answers pings with their own data', () => {
    for (const v6 of [false, true]) {
      const h = host();
      const b = echo(v6);
      expect(h.in.receive(b, 0, b.length, 1, false)).toBe(input.INPUT_ECHO);
      const n = h.in.echoReply(out, 5, null);
      expect(n).toBe(b.length);
      const reply = parsed(out.subarray(0, 5 + n), 5);
      expect(reply).toMatchObject({ ttl: 64, tos: 0x20, protocol: v6 ? 58 : 1 });
      expect([formatAddress(reply.source), formatAddress(reply.destination)]).toEqual(
        (v6 ? [B6, A6] : [B4, A4]).map((x) => formatAddress(x)),
      );
      const at = reply.payload;
      const bad = v6 ? icmpv6.checkIcmpv6(out, 5, at, 41) : icmp.checkIcmp(out, at, 41);
      expect([bad, out[at]]).toEqual([0, v6 ? 129 : 0]);
      expect([...out.subarray(at + 4, at + 41)]).toEqual([1, 2, 3, 4, ...counting(33)]);
      expect(host({ icmpEchoIgnoreAll: 1 }).in.echoReply(out, 0, null)).toBe(0);
    }
  });

  it('answers pings to a group only for IPv6, from the address it is given', () => {
    const h = host();
    const b4 = echo(false, parseAddress('224.0.0.1'));
    expect(h.in.receive(b4, 0, b4.length, 1, false)).toBe(input.INPUT_ECHO);
    expect(h.in.echoReply(out, 0, B4)).toBe(0);
    const b6 = echo(true, parseAddress('ff02::1'));
    expect(h.in.receive(b6, 0, b6.length, 1, false)).toBe(input.INPUT_ECHO);
    expect(h.in.echoReply(out, 0, null)).toBe(0);
    expect(h.in.echoReply(out, 0, B6)).toBe(b6.length);
  });

  it('sorts packets by who takes them', () => {
    const h = host();
    const verdict = (b: Uint8Array) => h.in.receive(b, 0, b.length, 1, false);
    expect(verdict(udpPacket(counting(3)))).toBe(input.INPUT_TRANSPORT);
    expect(verdict(udpPacket(counting(3), { v6: true }))).toBe(input.INPUT_TRANSPORT);
    expect(verdict(udpPacket(counting(3), { destination: parseAddress('192.0.2.77') }))).toBe(
      input.INPUT_NOT_OURS,
    );
    expect(verdict(errorAbout(tcpPacket(false), false, 3, 0, 0))).toBe(input.INPUT_ICMP_ERROR);
    expect(h.in.error.localPort).toBe(1111);
    expect(verdict(errorAbout(tcpPacket(true), true, 2, 0, 1300))).toBe(input.INPUT_ICMP_ERROR);
    expect(h.in.error.mtu).toBe(1300);
    expect(verdict(echo(false, undefined, 0))).toBe(input.INPUT_ICMP);
    expect(verdict(echo(true, undefined, 135))).toBe(input.INPUT_ND);
    expect(verdict(packetOf(59, new Uint8Array(0), { v6: true }))).toBe(input.INPUT_DROP);
    const damaged = echo(false);
    damaged[30] ^= 1;
    expect([verdict(damaged), h.in.reason]).toEqual([input.INPUT_DROP, 0]);
    const fragment = packetOf(17, counting(16));
    fragment[6] = 0x20;
    ipv4.finishHeader(fragment, 0);
    expect(verdict(fragment)).toBe(input.INPUT_FRAGMENT);
    expect([verdict(fragment.subarray(0, 30)), h.in.reason]).toEqual([input.INPUT_DROP, 2]);
  });

  it('reports unknown protocols, closed ports and bad headers', () => {
    for (const v6 of [false, true]) {
      const h = host();
      const read = (n: number) => {
        const e = new IcmpError();
        const b = out.slice(0, n);
        const packet = parsed(b);
        expect(formatAddress(packet.destination)).toBe(formatAddress(v6 ? A6 : A4));
        expect(parseIcmpError(b, packet, e)).toBe(0);
        return e;
      };
      const unknown = packetOf(200, counting(12), { v6 });
      expect(h.in.receive(unknown, 0, unknown.length, 1, false)).toBe(input.INPUT_UNKNOWN);
      expect(read(h.in.protocolUnreachable(0, out, 0))).toMatchObject(
        v6 ? { type: 4, code: 1, pointer: 6 } : { type: 3, code: 2 },
      );
      const udp = udpPacket(counting(12), { v6 });
      h.in.receive(udp, 0, udp.length, 1, false);
      expect(read(h.in.portUnreachable(0, out, 0))).toMatchObject(
        v6 ? { type: 1, code: 4, protocol: 17 } : { type: 3, code: 3, protocol: 17 },
      );
      const bad = v6
        ? packetOf(60, Uint8Array.of(17, 0, 0x9e, 0, 0, 0, 0, 0, ...counting(8)), { v6 })
        : badOptions();
      expect(h.in.receive(bad, 0, bad.length, 1, false)).toBe(input.INPUT_PROBLEM);
      expect(read(h.in.parameterProblem(0, out, 0, null))).toMatchObject(
        v6 ? { type: 4, code: 2, pointer: 42 } : { type: 12, code: 0, pointer: 20 },
      );
      expect(h.limiter.suppressed).toBe(0);
    }
  });

  it('reports nothing to groups where it must not, and keeps to the limit', () => {
    const h = host();
    const group = packetOf(60, Uint8Array.of(17, 0, 0xde, 0, 0, 0, 0, 0, ...counting(8)), {
      v6: true,
      destination: parseAddress('ff02::1'),
    });
    expect(h.in.receive(group, 0, group.length, 1, false)).toBe(input.INPUT_PROBLEM);
    expect(h.in.parameterProblem(0, out, 0, B6)).toBe(0);
    group[42] = 0x9e;
    h.in.receive(group, 0, group.length, 1, false);
    expect(h.in.parameterProblem(0, out, 0, B6)).toBeGreaterThan(0);
    const udp = udpPacket(counting(2));
    let sent = 0;
    for (let i = 0; i < 20; i++) {
      h.in.receive(udp, 0, udp.length, 1, false);
      if (h.in.portUnreachable(0, out, 0) > 0) sent++;
    }
    expect(sent).toBe(6);
    // An incomplete header chain in a first fragment (RFC 7112), as the reassembler reports it.
    const fragment = packetOf(44, Uint8Array.of(6, 0, 0, 1, 0, 0, 0, 9, ...counting(16)), { v6: true });
    expect(h.in.receive(fragment, 0, fragment.length, 1, false)).toBe(input.INPUT_FRAGMENT);
    const n = h.in.parameterProblem(60e6, out, 0, null, 0, 3);
    expect(parseIcmpError(out.slice(0, n), parsed(out.slice(0, n)), h.in.error)).toBe(0);
    expect([h.in.error.type, h.in.error.code]).toEqual([4, 3]);
    const foreign = packetOf(60, Uint8Array.of(17, 0, 0x9e, 0, 0, 0, 0, 0), { v6: true, destination: A6 });
    expect(h.in.receive(foreign, 0, foreign.length, 1, false)).toBe(input.INPUT_NOT_OURS);
    expect(ipv6.hopLimit(foreign, 0)).toBe(64);
  });
});

function badOptions(): Uint8Array {
  const b = new Uint8Array(32);
  b.set(packetOf(17, new Uint8Array(12)));
  b[0] = 0x46;
  b.set([7, 99, 4, 0], 20);
  ipv4.finishHeader(b, 0);
  return b;
}
