import { describe, expect, test } from 'vitest';
import type { PacketBody, TcpSegment } from './ast.js';
import { parseScript } from './parser.js';

function packet(text: string): PacketBody {
  const { events } = parseScript(`+0 ${text}`);
  expect(events).toHaveLength(1);
  const { body } = events[0]!;
  if (body.kind !== 'packet') throw new Error(`${text} is no packet`);
  return body;
}

function tcp(text: string): TcpSegment {
  const { transport } = packet(text);
  if (transport.kind !== 'tcp') throw new Error(`${text} is no TCP segment`);
  return transport;
}

const options = (list: string) => tcp(`> . 1:1(0) ack 1 <${list}>`).options;

describe('TCP', () => {
  test('all fields', () => {
    expect(tcp('> FPU. 1:1001(1000) ack 7 win 0 urg 3')).toMatchObject({
      endpoints: null,
      flags: {
        syn: false,
        fin: true,
        rst: false,
        psh: true,
        urg: true,
        ack: true,
        ece: false,
        cwr: false,
        ae: false,
      },
      sequence: { mode: 'relative', start: 1, end: 1001, length: 1000 },
      ack: 7,
      window: 0,
      urgent: 3,
      options: [],
    });
    expect(tcp('< S 0:0(0)')).toMatchObject({ ack: null, window: null, urgent: null });
  });

  test.each([
    ['SEWA', { syn: true, ece: true, cwr: true, ae: true, ack: false, ace: null }],
    ['EAP.', { psh: true, ece: true, ae: true, ack: true }],
    ['SW.', { syn: true, cwr: true, ack: true }],
    ['P.5', { psh: true, ack: true, ace: 5, ece: false }],
    ['.5', { ack: true, ace: 5 }],
    ['F7', { fin: true, ack: false, ace: 7 }],
    ['.', { ack: true, ace: null }],
    ['-', { ack: false, syn: false, ace: null }],
    ['P.W', { psh: true, ack: true, cwr: true }],
  ])('flags %s', (text, expected) => {
    expect(tcp(`> ${text} 1:1(0)`).flags).toMatchObject(expected);
  });

  test('sequence numbers of the wire, and any', () => {
    expect(tcp('< R 4294967295:99(100)!').sequence).toMatchObject({
      mode: 'absolute',
      start: 4294967295,
      end: 99,
    });
    expect(tcp('> R ...(5)').sequence).toMatchObject({ mode: 'any', start: 0, end: 0, length: 5 });
  });

  test('ports and addresses', () => {
    expect(tcp('> 5000 > 80 . 1:1(0)').endpoints).toMatchObject({
      source: { address: null, port: 5000 },
      destination: { address: null, port: 80 },
    });
    expect(tcp('< 192.0.2.2:5000 > 192.168.0.1 . 1:1(0)').endpoints).toMatchObject({
      source: { address: '192.0.2.2', port: 5000 },
      destination: { address: '192.168.0.1', port: null },
    });
    expect(tcp('< [2001:db8::2]:5000 > 2001:db8::3 . 1:1(0)').endpoints).toMatchObject({
      source: { address: '2001:db8::2', port: 5000 },
      destination: { address: '2001:db8::3', port: null },
    });
    expect(packet('< [ect0] [2001:db8::2]:1 > 2 . 1:1(0)').ip).toMatchObject({ ecn: 'ect0' });
  });

  test('any value where a value is asked for', () => {
    expect(tcp('> S. 0:0(0) ack * win * <mss *,nop,wscale *>')).toMatchObject({
      ack: '*',
      window: '*',
      options: [{ value: '*' }, {}, { value: '*' }],
    });
    expect(options('TS val * ecr *,sack *')).toMatchObject([
      { val: '*', ecr: '*' },
      { kind: 'sack', blocks: '*' },
    ]);
    expect(options('FO *')).toMatchObject([{ cookie: '*' }]);
    expect(options('md5 *,nop,nop')).toMatchObject([{ digest: '*' }, {}, {}]);
    expect(options('ECN e0b * ceb 1')).toMatchObject([{ counters: ['*', 1] }]);
    expect(options('gen-9 *')).toMatchObject([{ optionKind: 9, data: '*' }]);
    expect(tcp('> . 1:1(0) ack 1 <...>').options).toBe('any');
  });

  test('checksums, TCP over UDP', () => {
    expect(tcp('< . 1:1(0) ack 1 win 5 <nop,nop,nop,nop> checksum bad').checksum).toBe('bad');
    expect(tcp('< . 1:1(0) checksum 0x1234 /udp(9899 > 9898)')).toMatchObject({
      checksum: 0x1234,
      udpEncapsulation: { source: 9899, destination: 9898 },
    });
  });
});

describe('TCP options', () => {
  test.each([
    ['nop,eol,nop,nop', [{ kind: 'nop' }, { kind: 'eol' }, {}, {}]],
    ['mss 1460', [{ kind: 'mss', value: 1460 }]],
    ['sackOK,nop,nop', [{ kind: 'sackOK' }, {}, {}]],
    ['nop,wscale 7', [{}, { kind: 'wscale', value: 7 }]],
    ['nop,nop,TS val 1 ecr 2', [{}, {}, { kind: 'TS', val: 1, ecr: 2, ecrAbsolute: false }]],
    ['nop,nop,TS val ... ecr 5!', [{}, {}, { kind: 'TS', val: '*', ecr: 5, ecrAbsolute: true }]],
    [
      'nop,nop,sack 1:2 3:4',
      [
        {},
        {},
        {
          blocks: [
            { left: 1, right: 2 },
            { left: 3, right: 4 },
          ],
        },
      ],
    ],
    ['FO,nop,nop', [{ kind: 'FO', experimental: false, cookie: '' }, {}, {}]],
    ['FO 12345678,nop,nop', [{ cookie: '12345678' }, {}, {}]],
    ['FOEXP,', null],
    ['FOEXP AbCd,nop,nop', [{ kind: 'FO', experimental: true, cookie: 'abcd' }, {}, {}]],
    ['exp-FO', [{ kind: 'FO', experimental: true, cookie: '' }]],
    [
      'md5 00112233445566778899aabbccddeeff,nop,nop',
      [{ digest: '00112233445566778899aabbccddeeff' }, {}, {}],
    ],
    ['md5 valid,nop,nop', [{ digest: 'valid' }, {}, {}]],
    ['ECN e0b 1,nop,nop,nop', [{ kind: 'accecn', order: 0, counters: [1] }, {}, {}, {}]],
    ['ECN e0b 1 ceb 2', [{ order: 0, counters: [1, 2] }]],
    ['ECN e0b 1 ceb 2 e1b 3,nop', [{ order: 0, counters: [1, 2, 3] }, {}]],
    ['ECN e1b 1,nop,nop,nop', [{ order: 1, counters: [1] }, {}, {}, {}]],
    ['ECN e1b 1 ceb 2', [{ order: 1, counters: [1, 2] }]],
    ['ECN e1b 1 ceb 2 e0b 3,nop', [{ order: 1, counters: [1, 2, 3] }, {}]],
    ['AccECN0 ee0b 1 eceb 2', [{ order: 0, experimental: false, counters: [1, 2] }]],
    ['AccECN1,nop,nop', [{ order: 1, counters: [] }, {}, {}]],
    ['exp-AccECN1 ee1b 1,nop', [{ order: 1, experimental: true, counters: [1] }, {}]],
    ['gen-200 0102', [{ kind: 'generic', optionKind: 200, experimentId: null, data: '0102' }]],
    ['exp-F989 0102,nop,nop', [{ optionKind: 254, experimentId: 0xf989, data: '0102' }, {}, {}]],
    ['exp-tarr 5,nop,nop,nop', [{ experimentId: 0xac, data: '0a' }, {}, {}, {}]],
    ['raw 0204ffFF', [{ kind: 'raw', bytes: '0204ffff' }]],
    ['020405b4', [{ kind: 'raw', bytes: '020405b4' }]],
  ])('<%s>', (text, expected) => {
    if (expected === null) expect(() => options(text)).toThrow();
    else expect(options(text)).toMatchObject(expected);
  });
});

describe('IP', () => {
  test.each([
    ['[ect0]', { brackets: '[]', ecn: 'ect0', tos: null }],
    ['(ce)', { brackets: '()', ecn: 'ce' }],
    ['[tos 0xba]', { tos: 0xba, ecn: null }],
    ['[flowlabel 0x1234]', { flowLabel: 0x1234 }],
    ['[ect1, flowlabel 0x1]', { ecn: 'ect1', flowLabel: 1 }],
    ['[ttl 3]', { ttl: 3 }],
    ['(hlim 9, class 0x2)', { ttl: 9, tos: 2 }],
    ['(ttl 5, ecn ect0, dscp af41)', { ttl: 5, ecn: 'ect0', dscp: 34 }],
    ['[ttl 1, checksum bad]', { ttl: 1, checksum: 'bad' }],
  ])('%s', (text, expected) => {
    expect(packet(`< ${text} . 1:1(0)`).ip).toMatchObject(expected);
  });

  test('encapsulation', () => {
    const body = packet(
      '> ipv4 [ttl 9] 1.2.3.4 > 5.6.7.8: ipv6 ::1 > 2001:db8::2: gre: gre flags [key present, sequence# present], ' +
        'sum 0, off 0, key=0x5, seq 7: mpls (label 1, tc 2, ttl 3) (label 4, tc 0, [S], ttl 5): encap psp spi 0x10 . 1:1(0)',
    );
    expect(body.layers).toMatchObject([
      { kind: 'ipv4', source: '1.2.3.4', destination: '5.6.7.8', ip: { ttl: 9 } },
      { kind: 'ipv6', source: '::1', destination: '2001:db8::2', ip: null },
      { kind: 'gre', header: null },
      { kind: 'gre', header: { flags: 0x3000, checksum: 0, offset: 0, key: 5, sequence: 7 } },
      {
        kind: 'mpls',
        labels: [
          { label: 1, trafficClass: 2, bottom: false, ttl: 3 },
          { label: 4, trafficClass: 0, bottom: true, ttl: 5 },
        ],
      },
    ]);
    expect(body.psp).toMatchObject({ spi: 16, spiBase: 'hex' });
  });
});

describe('other protocols', () => {
  test('UDP', () => {
    expect(packet('< udp (1000)').transport).toMatchObject({ kind: 'udp', length: 1000, endpoints: null });
    expect(packet('> udp 53 > 1024 (0)').transport).toMatchObject({
      length: 0,
      endpoints: { source: { port: 53 }, destination: { port: 1024 } },
    });
  });

  test('ICMP', () => {
    expect(packet('< icmp unreachable frag_needed mtu 1400 [1:1461(1460)]').transport).toMatchObject({
      kind: 'icmp',
      type: 'unreachable',
      code: 'frag_needed',
      mtu: 1400,
      id: null,
      echoed: { kind: 'tcp', sequence: { start: 1, length: 1460 } },
    });
    expect(packet('> icmp echo_reply id 9 [raw(56)]').transport).toMatchObject({
      type: 'echo_reply',
      code: null,
      id: 9,
      echoed: { kind: 'raw', length: 56 },
    });
    expect(packet('< icmp type_11 code_1 [udp(8)]').transport).toMatchObject({
      type: 'type_11',
      code: 'code_1',
      echoed: { kind: 'udp', length: 8 },
    });
    expect(packet('< icmp unreachable CODE').transport).toMatchObject({
      code: { name: 'CODE' },
      echoed: null,
    });
  });

  test('raw bytes', () => {
    expect(packet('< raw 45000014').transport).toMatchObject({ kind: 'raw', bytes: '45000014' });
    expect(packet('< raw "4500 0014\n AB"').transport).toMatchObject({ bytes: '45000014ab' });
  });
});
