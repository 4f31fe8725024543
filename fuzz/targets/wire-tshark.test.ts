// The readers of stack/wire and stack/ip against tshark, field by field, on packets of every kind: many in one capture, so that
// a single run of tshark judges them all. What we take for a good packet must read as Wireshark reads it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasTshark } from '../../captures/streams/tshark.test.helper.js';
import { IpPacket, parseIp, transportVerifies } from '../../stack/ip/packet.js';
import * as icmp from '../../stack/wire/icmp.js';
import * as icmpv6 from '../../stack/wire/icmpv6.js';
import * as tcp from '../../stack/wire/tcp.js';
import * as udp from '../../stack/wire/udp.js';
import { captureOf } from '../exchange.js';
import { damagedPacket, rightPacket } from './packets-arbitrary.js';

const RUNS = 2500;
const IP4 = ['ip.ttl', 'ip.dsfield', 'ip.proto', 'ip.len', 'ip.flags.mf', 'ip.frag_offset', 'ip.id'];
const IP6 = ['ipv6.hlim', 'ipv6.tclass', 'ipv6.flow', 'ipv6.plen'];
const FRAGMENT6 = ['ipv6.fraghdr.offset', 'ipv6.fraghdr.more', 'ipv6.fraghdr.ident'];
const TCP = [
  'srcport',
  'dstport',
  'seq_raw',
  'ack_raw',
  'flags',
  'window_size_value',
  'urgent_pointer',
  'hdr_len',
].map((f) => `tcp.${f}`);
const UDP = ['udp.srcport', 'udp.dstport', 'udp.length', 'udp.checksum.status'];
const ICMP = ['icmp.type', 'icmp.code'];
const ICMP6 = ['icmpv6.type', 'icmpv6.code'];
const FIELDS = [...IP4, ...IP6, ...FRAGMENT6, ...TCP, 'tcp.checksum.status', ...UDP, ...ICMP, ...ICMP6];
/** tshark's word for a right checksum. */
const GOOD = 1;

type Reading = Record<string, number | undefined>;

function named(names: readonly string[], values: readonly (number | boolean)[]): Reading {
  return Object.fromEntries(names.map((name, i) => [name, Number(values[i])]));
}

/** What we read of a packet, by tshark's names; undefined when we do not take it. */
function ours(b: Uint8Array): Reading | undefined {
  const p = new IpPacket();
  if (parseIp(b, 0, b.length, p) !== 0) return undefined;
  const at = p.payload;
  const units = p.fragmentOffset / 8;
  const head: Reading = p.ipv6
    ? named(IP6, [p.ttl, p.tos, p.flowLabel, p.end - 40])
    : named(IP4, [p.ttl, p.tos, p.protocol, p.end, p.moreFragments, units, (b[4] << 8) | b[5]]);
  if (p.fragment)
    return p.ipv6 ? { ...head, ...named(FRAGMENT6, [units, p.moreFragments, p.fragmentId]) } : head;
  const n = p.payloadLength;
  if (p.protocol === 6 && tcp.checkTcp(b, at, n) === 0) return { ...head, ...ourTcp(b, p) };
  if (p.protocol === 17 && udp.checkUdp(b, at, n) === 0) {
    const length = udp.length(b, at);
    const ports = named(UDP.slice(0, 3), [udp.srcPort(b, at), udp.dstPort(b, at), length]);
    return udp.checksum(b, at) === 0
      ? { ...head, ...ports }
      : { ...head, ...ports, 'udp.checksum.status': Number(transportVerifies(b, p, length, 0)) };
  }
  if (p.protocol !== (p.ipv6 ? 58 : 1)) return head;
  const bad = p.ipv6 ? icmpv6.checkIcmpv6(b, 0, at, n) : icmp.checkIcmp(b, at, n);
  return bad !== 0
    ? head
    : { ...head, ...named(p.ipv6 ? ICMP6 : ICMP, [icmp.type(b, at), icmp.code(b, at)]) };
}

function ourTcp(b: Uint8Array, p: IpPacket): Reading {
  const at = p.payload;
  // tshark counts the reserved bits among them.
  const flags = tcp.flags(b, at) | (tcp.reserved(b, at) << 9);
  const ports = [tcp.srcPort(b, at), tcp.dstPort(b, at), tcp.seq(b, at), tcp.ack(b, at), flags];
  return {
    ...named(TCP, [...ports, tcp.window(b, at), tcp.urgent(b, at), tcp.headerLength(b, at)]),
    'tcp.checksum.status': Number(transportVerifies(b, p, p.payloadLength, 0)),
  };
}

describe.skipIf(!hasTshark)('packets of every kind read as tshark reads them', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'netchannel-wire-tshark-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test(`${RUNS} packets`, { timeout: 120_000 }, () => {
    const any = fc.oneof(fc.boolean().chain(rightPacket), damagedPacket);
    const packets = fc.sample(any, { numRuns: RUNS, seed: Number(process.env.NETCHANNEL_SEED ?? 1) });
    const taken = packets.flatMap((bytes) => {
      const reading = ours(bytes);
      return reading === undefined ? [] : [{ bytes, reading }];
    });
    const path = join(folder, 'all.pcap');
    writeFileSync(
      path,
      captureOf(
        taken.map(({ bytes }, time) => ({ time, direction: 'in', bytes: framed(bytes), ethernet: true })),
      ),
    );
    const theirs = tsharkFields(path);
    expect(theirs.length).toBe(taken.length);
    const seen = new Map<string, number>();
    for (const [i, { bytes, reading }] of taken.entries()) {
      for (const [name, value] of Object.entries(reading)) {
        seen.set(name, (seen.get(name) ?? 0) + 1);
        const told = theirs[i][name];
        // An option that it cannot make sense of ends its reading of a packet.
        if (told === undefined && optioned(bytes)) continue;
        expect(told, `${name} of ${Buffer.from(bytes).toString('hex')}`).toBe(value);
      }
    }
    // Each field was there to be compared.
    for (const name of ['ip.ttl', 'ipv6.flow', ...FRAGMENT6, ...TCP, ...UDP, ...ICMP, ...ICMP6]) {
      expect(seen.get(name) ?? 0, name).toBeGreaterThan(10);
    }
  });
});

/** Options or extension headers stand behind the IP header. */
function optioned(packet: Uint8Array): boolean {
  return packet[0] >>> 4 === 4 ? (packet[0] & 15) > 5 : [0, 43, 60].includes(packet[6]);
}

/** As a raw IP packet tshark would take one that begins with 45 ff 03 for PPP. */
function framed(packet: Uint8Array): Uint8Array {
  const type = packet[0] >>> 4 === 6 ? [0x86, 0xdd] : [8, 0];
  return Uint8Array.from([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...type, ...packet]);
}

function tsharkFields(path: string): Reading[] {
  const preferences = [
    'ip.defragment',
    'ipv6.defragment',
    'tcp.desegment_tcp_streams',
    'tcp.relative_sequence_numbers',
  ];
  const args = ['-r', path, '-T', 'fields', '-E', 'occurrence=f', '-E', 'separator=,'];
  for (const name of preferences) args.push('-o', `${name}:FALSE`);
  for (const name of ['tcp', 'udp']) args.push('-o', `${name}.check_checksum:TRUE`);
  for (const name of FIELDS) args.push('-e', name);
  const text = execFileSync('tshark', args, {
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 28,
  });
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => Object.fromEntries(line.split(',').map((cell, i) => [FIELDS[i], readCell(cell)])));
}

function readCell(cell: string): number | undefined {
  if (cell === '') return undefined;
  if (cell === 'True') return GOOD;
  return cell === 'False' ? 0 : Number(cell);
}
