// The stack as its owner sees it: time, devices, addresses, routes, sysctls, counters, and what IP answers by itself.
import { describe, expect, test } from 'vitest';
import { Fragmenter } from './ip/fragmentation.js';
import { memoryPair } from './link/memory.js';
import { emptyAddress, socketAddress } from './socket/address.js';
import { AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM } from './socket/constants.js';
import { EMSGSIZE, ENETUNREACH } from './socket/errno.js';
import { IP_MTU, IP_MTU_DISCOVER, IP_PMTUDISC_DO, SOL_IP } from './socket/options.js';
import { testSecrets, twoStacks } from './socket/two-stacks.test.helper.js';
import { createStack, StackError } from './stack.js';
import { parseAddress } from './wire/address.js';
import { checksumOf } from './wire/checksum.js';
import { writeIcmp } from './wire/icmp.js';
import { finishIcmpv6, ICMPV6_ECHO, writeIcmpv6 } from './wire/icmpv6.js';
import { writeIpv4 } from './wire/ipv4.js';
import { writeIpv6 } from './wire/ipv6.js';

/** A stack at 10.0.0.2 and fd00::2 on a raw-IP link, and the far side of that link. */
function single() {
  const [link, peer] = memoryPair({ common: { framing: 'ip' }, a: { name: 'eth0' } });
  const stack = createStack({
    links: [link],
    addresses: [
      { address: '10.0.0.2', prefix: 24 },
      { address: 'fd00::2', prefix: 64 },
    ],
    routes: [{ destination: 'default', gateway: '10.0.0.1' }],
    secrets: testSecrets(1),
    debugBuffers: true,
    smallBuffers: 256,
    largeBuffers: 4,
  });
  let now = 0;
  const send = (packet: Uint8Array) => {
    peer.sendFrame(now, packet);
    stack.run(now);
    const frames: Uint8Array[] = [];
    for (let frame = peer.takeFrame(now); frame; frame = peer.takeFrame(now)) frames.push(frame.bytes);
    now += 10_000;
    return frames;
  };
  return { stack, send };
}

function ipv4(protocol: number, body: Uint8Array, to = '10.0.0.2', from = '10.0.0.9'): Uint8Array {
  const packet = new Uint8Array(20 + body.length);
  writeIpv4(packet, 0, 0, packet.length, 1, 0, 64, protocol, parseAddress(from), 0, parseAddress(to), 0);
  packet.set(body, 20);
  return packet;
}

describe('time', () => {
  test('never goes back, is finite, and ends with the stack', () => {
    const stack = createStack({ secrets: testSecrets(1) });
    stack.run(100);
    expect(stack.now()).toBe(100);
    expect(() => stack.run(99)).toThrow(StackError);
    expect(() => stack.run(Number.POSITIVE_INFINITY)).toThrow(/time/);
    expect(() => stack.run(Number.NaN)).toThrow(/time/);
    expect(stack.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
    stack.close();
    expect(stack.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
    expect(() => stack.run(200)).toThrow(/closed/);
  });

  test('a clock can be injected', () => {
    let time = 5;
    const stack = createStack({ clock: () => time, secrets: testSecrets(1) });
    stack.run();
    time = 77;
    expect(stack.now()).toBe(77);
    stack.run();
  });
});

describe('ICMP', () => {
  test('echo is answered, over IPv4 and IPv6, unless a sysctl forbids', () => {
    const { stack, send } = single();
    const body = Uint8Array.from({ length: 40 }, (_, i) => i);
    writeIcmp(body, 0, 8, 0, 0x1234_0001);
    body.set([0, 0], 2);
    const sum = checksumOf(body, 0, body.length);
    body.set([sum >>> 8, sum & 255], 2);
    const [reply] = send(ipv4(1, body));
    expect([...reply.subarray(12, 20)]).toEqual([10, 0, 0, 2, 10, 0, 0, 9]);
    expect([reply[20], reply[21]]).toEqual([0, 0]);
    expect(reply.subarray(24)).toEqual(body.subarray(4));
    expect(checksumOf(reply, 20, reply.length)).toBe(0);
    stack.setSysctl('net.ipv4.icmp_echo_ignore_all', '1');
    expect(send(ipv4(1, body))).toEqual([]);
    const six = new Uint8Array(40 + 16);
    const from = parseAddress('fd00::9');
    const to = parseAddress('fd00::2');
    writeIpv6(six, 0, 0, 0, 16, 58, 64, from, 0, to, 0);
    writeIcmpv6(six, 40, ICMPV6_ECHO, 0, 7);
    finishIcmpv6(six, 40, 16, from, 0, to, 0);
    stack.setSysctl('net.ipv4.icmp_echo_ignore_all', '0');
    const [answer] = send(six);
    expect(answer[40]).toBe(129);
    expect(stack.counters.get('IcmpInEchos')).toBe(2);
    expect(stack.counters.get('Icmp6InEchos')).toBe(1);
    expect([stack.counters.get('IcmpOutEchoReps'), stack.counters.get('Icmp6OutEchoReplies')]).toEqual([
      1, 1,
    ]);
  });

  test('an echo reply longer than the path takes leaves in fragments, as the request came', () => {
    const { send } = single();
    const cutter = new Fragmenter();
    const from = parseAddress('fd00::9');
    const to = parseAddress('fd00::2');
    const four = new Uint8Array(3008);
    writeIcmp(four, 0, 8, 0, 0x1234_0001);
    for (let i = 8; i < four.length; i++) four[i] = (i * 7) & 255;
    four.set([0, 0], 2);
    const sum = checksumOf(four, 0, four.length);
    four.set([sum >>> 8, sum & 255], 2);
    const six = new Uint8Array(40 + 3008);
    six.set(four.subarray(8), 48);
    writeIpv6(six, 0, 0, 0, 3008, 58, 64, from, 0, to, 0);
    writeIcmpv6(six, 40, ICMPV6_ECHO, 0, 7);
    finishIcmpv6(six, 40, 3008, from, 0, to, 0);
    for (const [request, head, type, lengths] of [
      [ipv4(1, four), 20, 0, [1500, 1500, 68]],
      [six, 48, 129, [1496, 1496, 160]],
    ] as const) {
      const replies: Uint8Array[] = [];
      const piece = new Uint8Array(1500);
      cutter.start(request, 0, request.length, 1500, 77);
      for (let n = cutter.next(piece, 0); n > 0; n = cutter.next(piece, 0))
        replies.push(...send(piece.slice(0, n)));
      expect(replies.map((reply) => reply.length)).toEqual(lengths);
      const body = Buffer.concat(replies.map((reply) => reply.subarray(head)));
      expect(body[0]).toBe(type);
      expect(body.subarray(8).equals(four.subarray(8))).toBe(true);
    }
  });

  test('unknown protocols are refused, strangers and nonsense are not answered', () => {
    const { stack, send } = single();
    const [refusal] = send(ipv4(250, new Uint8Array(20)));
    expect([refusal[9], refusal[20], refusal[21]]).toEqual([1, 3, 2]);
    expect(send(ipv4(17, new Uint8Array(20), '10.0.0.77'))).toEqual([]);
    const damaged = ipv4(250, new Uint8Array(20));
    damaged[10] ^= 1;
    expect(send(damaged)).toEqual([]);
    expect(send(Uint8Array.of(0x45, 0, 0))).toEqual([]);
    expect(stack.counters.get('IpInUnknownProtos')).toBe(1);
    expect(stack.counters.get('IpInAddrErrors')).toBe(1);
    expect(stack.counters.get('IpInHdrErrors')).toBe(2);
    expect(stack.counters.get('IpInReceives')).toBe(4);
  });

  // RFC 9293 MUST-3
  test('a bad TCP checksum is counted and nothing else; a segment for nobody is reset', () => {
    const { stack, send } = single();
    const segment = new Uint8Array(20);
    segment.set([0x30, 0x39, 0x1f, 0x90, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0x12, 0x34]);
    expect(send(ipv4(6, segment))).toEqual([]);
    expect(stack.counters.get('TcpInCsumErrors')).toBe(1);
    const pseudo = Uint8Array.of(10, 0, 0, 9, 10, 0, 0, 2, 0, 6, 0, 20);
    segment.set([0, 0], 16);
    const sum = checksumOf(Uint8Array.of(...pseudo, ...segment), 0, 32);
    segment.set([sum >>> 8, sum & 255], 16);
    const [reset] = send(ipv4(6, segment));
    expect([reset[20], reset[21], reset[22], reset[23]]).toEqual([0x1f, 0x90, 0x30, 0x39]);
    expect(reset[33] & 0x14).toBe(0x14);
    segment[12] = 0x40;
    expect(send(ipv4(6, segment))).toEqual([]);
    expect(stack.counters.get('TcpInErrs')).toBe(2);
    expect(stack.counters.get('TcpInSegs')).toBe(3);
    expect(stack.counters.get('TcpOutRsts')).toBe(1);
  });

  test('a smaller path MTU is learned from Fragmentation Needed', () => {
    const { stack, send } = single();
    const fd = stack.posix.socket(AF_INET, SOCK_DGRAM, 0);
    expect(stack.posix.connect(fd, socketAddress('192.0.2.1', 53)).result).toBe(0);
    expect(stack.posix.setInt(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)).toBe(0);
    expect(stack.posix.getInt(fd, SOL_IP, IP_MTU)).toBe(1500);
    expect(stack.posix.write(fd, new Uint8Array(1400)).result).toBe(1400);
    const [sent] = send(Uint8Array.of(0));
    expect(sent.length).toBe(1428);
    const body = new Uint8Array(8 + 28);
    writeIcmp(body, 0, 3, 4, 1000);
    body.set(sent.subarray(0, 28), 8);
    body.set([0, 0], 2);
    const sum = checksumOf(body, 0, body.length);
    body.set([sum >>> 8, sum & 255], 2);
    send(ipv4(1, body, '10.0.0.2', '10.0.0.1'));
    expect(stack.posix.getInt(fd, SOL_IP, IP_MTU)).toBe(1000);
    expect(stack.posix.write(fd, new Uint8Array(1400)).result).toBe(-EMSGSIZE);
  });
});

describe('devices, addresses and routes', () => {
  test('names, numbers and settings', () => {
    const { stack } = single();
    expect(stack.devices.map((device) => [device.name, device.index, device.mtu])).toEqual([
      ['lo', 1, 65_535],
      ['eth0', 2, 1500],
    ]);
    const device = stack.device('eth0')!;
    expect(stack.device('eth1')).toBe(undefined);
    device.mtu = 1280;
    expect(device.mtu).toBe(1280);
    expect(() => {
      device.mtu = 10;
    }).toThrow(RangeError);
    expect([device.gso, device.tso, device.up]).toEqual([true, true, true]);
    device.gso = false;
    device.tso = false;
    expect([device.gso, device.tso]).toEqual([false, false]);
    for (const kind of ['pfifo', 'bfifo', 'fq', 'noqueue', 'pfifo_fast'] as const) {
      device.setQdisc({ kind, limit: 100 });
    }
    device.setQdisc({ kind: 'fq', flowLimit: 10 });
    device.deleteQdisc();
    expect(() => device.setQdisc({ kind: 'red' as 'fq' })).toThrow(/no queue discipline/);
    expect(() => stack.device('lo')!.setQdisc({ kind: 'fq' })).toThrow(/loopback/);
  });

  test('a device that is down, or a route that is gone, is unreachable', () => {
    const { stack } = single();
    const { posix } = stack;
    const udp = posix.socket(AF_INET, SOCK_DGRAM, 0);
    const far = socketAddress('192.0.2.1', 53);
    expect(posix.sendto(udp, new Uint8Array(1), 0, far).result).toBe(1);
    stack.removeRoute('default');
    expect(() => stack.removeRoute('default')).toThrow(/ESRCH/);
    expect(posix.sendto(udp, new Uint8Array(1), 0, far).result).toBe(-ENETUNREACH);
    const tcp = posix.socket(AF_INET, SOCK_STREAM, 0);
    expect(posix.connect(tcp, far).result).toBe(-ENETUNREACH);
    const name = emptyAddress();
    posix.getsockname(tcp, name);
    expect(name.port).toBe(0);
    stack.addRoute({ destination: '192.0.2.0/24', gateway: '10.0.0.1', mtu: 900, mtuLocked: true });
    expect(() => stack.addRoute({ destination: '192.0.2.0/24', gateway: '10.0.0.1' })).toThrow(/EEXIST/);
    stack.addRoute({ destination: '192.0.2.0/24', gateway: '10.0.0.1', mtu: 800 }, true);
    posix.connect(udp, far);
    expect(posix.getInt(udp, SOL_IP, IP_MTU)).toBe(800);
    stack.device('eth0')!.up = false;
    expect(posix.write(udp, new Uint8Array(1)).result).toBe(-ENETUNREACH);
    const six = posix.socket(AF_INET6, SOCK_STREAM, 0);
    expect(posix.connect(six, socketAddress('2001:db8::1', 1)).result).toBe(-ENETUNREACH);
  });

  test('addresses come and go with their routes', () => {
    const { stack } = single();
    stack.addAddress({ address: '172.16.0.1', prefix: 24 });
    stack.addAddress({ address: '172.16.0.2', prefix: 24 });
    expect(stack.network.isLocal(parseAddress('172.16.0.1'))).toBe(true);
    expect(stack.network.hasRoute(parseAddress('172.16.0.5'), 0)).toBe(true);
    stack.removeRoute('default');
    stack.removeAddress('172.16.0.1');
    expect(stack.network.hasRoute(parseAddress('172.16.0.5'), 0)).toBe(true);
    stack.removeAddress('172.16.0.2');
    expect(stack.network.isLocal(parseAddress('172.16.0.1'))).toBe(false);
    expect(stack.network.hasRoute(parseAddress('172.16.0.5'), 0)).toBe(false);
    expect(stack.network.hasRoute(parseAddress('10.0.0.5'), 0)).toBe(true);
    expect(() => stack.addAddress({ address: '172.16.0.1', prefix: 16, link: 3 })).toThrow(/no link 3/);
    expect(() => stack.removeAddress('1.2.3.4')).toThrow(/EADDRNOTAVAIL/);
  });
});

describe('configuration and counters', () => {
  test('sysctls belong to one stack and are checked', () => {
    const one = createStack({ secrets: testSecrets(1), sysctls: { 'net.ipv4.tcp_sack': '0' } });
    const other = createStack({ secrets: testSecrets(1), config: { tcpTimestamps: 0 } });
    expect([one.getSysctl('net.ipv4.tcp_sack'), other.getSysctl('net.ipv4.tcp_sack')]).toEqual(['0', '1']);
    expect(other.getSysctl('net/ipv4/tcp_timestamps')).toBe('0');
    expect(() => one.setSysctl('net.ipv4.tcp_sack', 'x')).toThrow(/SYSCTL|not a number/);
    expect(() => createStack({ sysctls: { 'net.ipv4.nothing': '1' } })).toThrow(/no sysctl/);
  });

  test('counters print as nstat does', () => {
    const { stack, send } = single();
    send(ipv4(250, new Uint8Array(20)));
    const before = stack.counters.snapshot();
    send(ipv4(250, new Uint8Array(20)));
    const lines = stack.counters.format({ since: before }).split('\n');
    expect(lines[0]).toBe('#kernel');
    expect(lines).toContain('IpInReceives                    1                  0.0');
    expect(lines.some((line) => line.startsWith('TcpInSegs'))).toBe(false);
    expect(stack.counters.format({ zeros: true })).toContain('TcpExtTCPTimeouts');
    expect(stack.counters.get('NoSuchCounter')).toBe(undefined);
  });

  test('secrets make the difference between two stacks, and nothing else does', () => {
    const isn = (secret: number) => {
      const pair = twoStacks({ a: { secrets: testSecrets(secret) } });
      const fd = pair.a.posix.socket(AF_INET, SOCK_STREAM, 0);
      pair.a.posix.connect(fd, socketAddress('10.0.0.2', 80));
      const name = emptyAddress();
      pair.a.posix.getsockname(fd, name);
      const [handle] = pair.a.tcp.handles;
      return [handle.tcb.snd.iss, name.port];
    };
    expect(isn(5)).toEqual(isn(5));
    expect(isn(5)).not.toEqual(isn(6));
  });
});
