import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileHeader, record } from '../../stack/link/pcap-format.js';
import type { PacketBody } from '../language/ast.js';
import { parseScript } from '../language/index.js';
import { canonicalAddress, formatAddress, parseAddress } from './addresses.js';
import { type BuildOptions, buildPacket } from './build.js';
import { decodePacket } from './decode.js';
import { packetText } from './print-packet.js';

const V4 = ['192.0.2.1', '192.168.0.1'] as const;
const V6 = ['2001:db8::1', 'fd3d::1'] as const;

function bytes(
  text: string,
  [source, destination]: readonly [string, string] = V4,
  md5Secret: string | null = null,
): Uint8Array {
  const body = parseScript(`0 ${text}`, { dialect: /md5 valid|gen-|exp-/.test(text) ? 'nplab' : 'google' })
    .events[0]!.body as PacketBody;
  const same = (v: number): number => v >>> 0;
  const options: BuildOptions = {
    md5Secret,
    mapping: {
      source: { address: source, port: 5000 },
      destination: { address: destination, port: 80 },
      remoteSequence: same,
      localSequence: (v) => (v + 7000) >>> 0,
      sackEdge: same,
      echoReply: same,
    },
  };
  return buildPacket(body, options);
}

const decoded = (text: string, ends: readonly [string, string] = V4) => decodePacket(bytes(text, ends), 0);

describe('inbound packets', () => {
  it.each([V4, V6])('have right checksums from %s to %s', (...ends) => {
    for (const text of ['< P. 1:101(100) ack 1 win 5', '< udp (33)', '< icmp echo_request id 9 [raw(20)]']) {
      expect(decoded(text, ends as never).checksumOk).toBe(true);
    }
    expect(decoded('< P. 1:101(100) ack 1 win 5 checksum bad', ends as never).checksumOk).toBe(false);
    expect(decoded('< udp (33) checksum 0x1234', ends as never).checksumOk).toBe(false);
  });

  it('print as they were written', () => {
    for (const text of [
      'S 5:5(0) win 10 <mss 1000,sackOK,TS val 5 ecr 6,nop,wscale 7>',
      'FRP.UEWA 1:3(2) ack 7001 win 10 urg 1',
      '. 1:1(0) ack 7001 win 10 <nop,nop,sack 5:6 9:10>',
      'S 1:1(0) win 10 <FO 0011223344556677,nop,nop>',
      'S 1:1(0) win 10 <FOEXP,nop,nop,nop,eol>',
      '. 1:1(0) ack 7001 win 10 <ECN e0b 5 ceb 6 e1b 7,nop>',
    ]) {
      const written = text.replace('7001', '1');
      expect(packetText(decoded(`< ${written}`))).toBe(
        text.replace('<FOEXP,eol>', '<FOEXP,nop,nop,nop,eol>'),
      );
    }
  });

  it('carry what is said of the IP header', () => {
    expect(decoded('< [ce] . 1:1(0) ack 1 win 5').ip?.tos).toBe(3);
    expect(decoded('< [tos 0x48, ttl 9] . 1:1(0) ack 1 win 5').ip).toMatchObject({ tos: 0x48, ttl: 9 });
    expect(decoded('< [flowlabel 0x12345] . 1:1(0) ack 1 win 5', V6).ip).toMatchObject({
      flowLabel: 0x12345,
      ttl: 255,
    });
    expect(decoded('< [checksum bad] . 1:1(0) ack 1 win 5').ip?.headerChecksumOk).toBe(false);
  });

  it('may be any bytes', () => {
    expect([...bytes('< raw 4500aa')]).toEqual([0x45, 0, 0xaa]);
    const odd = decoded('< . 1:1(0) ack 1 win 5 <raw 05ff0000>').transport;
    expect(odd).toMatchObject({ optionsOk: false });
  });

  it('quote the connection in ICMP', () => {
    const v4 = bytes('< icmp unreachable frag_needed mtu 800 [100:1100(1000)]');
    expect([v4[20], v4[21], (v4[26]! << 8) | v4[27]!]).toEqual([3, 4, 800]);
    const quoted = decodePacket(v4.subarray(28), 0);
    expect(quoted.ip).toMatchObject({ source: V4[1], destination: V4[0], totalLength: 1040 });
    expect([...v4.subarray(48)]).toEqual([0, 80, 0x13, 0x88, 0, 0, 0x1b, 0xbc]);
    const v6 = bytes('< icmp packet_too_big mtu 1280 [1:11(10)]', V6);
    expect([v6[40], new DataView(v6.buffer).getUint32(44)]).toEqual([2, 1280]);
    expect(() => bytes('< icmp packet_too_big mtu 1280 [1:11(10)]')).toThrow(
      'ICMPv4 has no type packet_too_big',
    );
    expect(() => bytes('< icmp unreachable port_unreachable mtu 5 [1:1(0)]')).toThrow(
      'mtu in unreachable frag_needed only',
    );
  });

  it('are refused when a value is missing or does not fit', () => {
    expect(() => bytes('< . 1:1(0) ack 1 win 5 <nop>')).toThrow('not a multiple of 4');
    expect(() => bytes('< . 1:1(0) ack 1 win 5 <md5 valid,nop,nop>')).toThrow('--tcp_md5_secret');
    expect(() => bytes('< encap psp spi 5 . 1:1(0) ack 1 win 5')).toThrow('PSP');
  });

  it('have RFC 2385 digests that depend on key and data', () => {
    const digest = (key: string, length: number): string =>
      Buffer.from(
        bytes(`< P. 1:${1 + length}(${length}) ack 1 win 5 <md5 valid,nop,nop>`, V4, key).subarray(42, 58),
      ).toString('hex');
    expect(digest('secret', 10)).toHaveLength(32);
    expect(new Set([digest('secret', 10), digest('secret', 11), digest('other', 10)]).size).toBe(3);
  });
});

describe('encapsulation', () => {
  it('is decoded as it was built', () => {
    const packet = decoded('< ipv4 10.0.0.1 > 10.0.0.2: ipv6 ::1 > ::2: . 1:1(0) ack 1 win 5');
    expect(packet.outer.map((l) => l.kind)).toEqual(['ipv4', 'ipv6']);
    expect(packet.checksumOk).toBe(true);
    expect(packet.outer[0]).toMatchObject({
      headerChecksumOk: true,
      protocol: 41,
      totalLength: 20 + 40 + 40,
    });
    const mpls = decoded(
      '< ipv4 10.0.0.1 > 10.0.0.2: gre: mpls (label 5, tc 1, ttl 9) (label 6, tc 0, [S], ttl 8): . 1:1(0) ack 1 win 5',
    );
    expect(mpls.outer.map((l) => l.kind)).toEqual(['ipv4', 'gre', 'mpls']);
    expect(mpls.outer[2]).toMatchObject({
      labels: [
        { label: 5, ttl: 9 },
        { label: 6, bottom: true },
      ],
    });
  });

  it('is what tshark thinks it is', () => {
    const folder = mkdtempSync(join(tmpdir(), 'netchannel-build-'));
    try {
      const packets = [
        bytes('< ipv4 10.0.0.1 > 10.0.0.2: ipv6 ::1 > ::2: P. 1:11(10) ack 1 win 5'),
        bytes('< ipv4 10.0.0.1 > 10.0.0.2: gre: P. 1:11(10) ack 1 win 5'),
        bytes('< icmp unreachable frag_needed mtu 800 [100:1100(1000)]'),
        bytes('< S 5:5(0) win 10 <mss 1000,sackOK,TS val 5 ecr 6,nop,wscale 7>', V6),
      ];
      const file = join(folder, 'x.pcap');
      writeFileSync(
        file,
        Buffer.concat([fileHeader(101), ...packets.map((p) => record({ seconds: 0, nanoseconds: 0 }, p))]),
      );
      const fields = ['frame.protocols', '_ws.malformed', 'tcp.checksum.status', 'ip.checksum.status'];
      const ran = spawnSync(
        'tshark',
        [
          '-r',
          file,
          '-o',
          'tcp.check_checksum:TRUE',
          '-o',
          'ip.check_checksum:TRUE',
          '-T',
          'fields',
          ...fields.flatMap((f) => ['-e', f]),
        ],
        { encoding: 'utf8' },
      );
      if (ran.error) {
        expect(process.env.NETCHANNEL_REQUIRE_TSHARK).toBeUndefined();
        return;
      }
      const rows = ran.stdout
        .trimEnd()
        .split('\n')
        .map((l) => l.split('\t'));
      expect(rows.map((r) => r[0])).toEqual([
        expect.stringMatching(/ip:ipv6:ip:tcp/),
        expect.stringMatching(/ip:gre:ip:tcp/),
        expect.stringMatching(/ip:icmp:ip:tcp/),
        expect.stringMatching(/ipv6:tcp/),
      ]);
      expect(rows.map((r) => r[1])).toEqual(['', '', '', '']);
      expect([rows[0]![2], rows[1]![2], rows[3]![2]]).toEqual(['1', '1', '1']);
      expect(rows[1]![3]).toBe('1,1');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('addresses', () => {
  it.each([
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::', '::'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['::ffff:1.2.3.4', '::ffff:1.2.3.4'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
    ['10.1.2.3', '10.1.2.3'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical);
    const parsed = parseAddress(text)!;
    expect(formatAddress(parsed, 0, parsed.length)).toBe(canonical);
  });

  it.each(['1.2.3', '1.2.3.256', '1::2::3', '12345::', 'a', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '::1.2.3'])(
    '%s is none',
    (text) => {
      expect(parseAddress(text)).toBeNull();
    },
  );
});
