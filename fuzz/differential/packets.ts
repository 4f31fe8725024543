// A step's packet as packetdrill's syntax tree has it, from which the runner builds bytes and the printer text.

import type { PacketBody, TcpOption, TcpSegment } from '../../conformance/language/ast.js';
import type { Span } from '../../conformance/language/index.js';
import type { Icmp, Segment } from './program.js';

const span: Span = { file: 'generated.pkt', line: 1, column: 1, endLine: 1, endColumn: 1 } as Span;
const ECN = ['noecn', 'ect1', 'ect0', 'ce'] as const;

/** @param echo the TSval of the n-th outbound packet that had one, as the caller counts timestamps */
export function packetOf(
  action: Segment | Icmp,
  echo: (outbound: number) => number,
  family: 'ipv4' | 'ipv6',
): PacketBody {
  const frame = { kind: 'packet', direction: 'in', layers: [], psp: null, span } as const;
  if (action.do === 'icmp') return { ...frame, ip: null, transport: icmpOf(action, family) };
  const transport: TcpSegment = {
    kind: 'tcp',
    endpoints: null,
    flags: flagsOf(action.flags),
    sequence: range(action.sequence, action.length),
    ack: action.flags.includes('.') ? action.ack : null,
    window: action.window,
    urgent: action.urgent === 0 ? null : action.urgent,
    options: optionsOf(action, echo),
    checksum: null,
    udpEncapsulation: null,
    span,
  };
  const plain = {
    brackets: '[]',
    tos: null,
    dscp: null,
    flowLabel: null,
    ttl: null,
    checksum: null,
    span,
  } as const;
  const ip = action.ecn === 0 ? null : { ...plain, ecn: ECN[action.ecn] };
  return { ...frame, ip, transport };
}

const range = (start: number, length: number): TcpSegment['sequence'] => ({
  ...{ mode: 'relative', start, end: start + length, length, span },
});

function flagsOf(letters: string): TcpSegment['flags'] {
  const has = (letter: string): boolean => letters.includes(letter);
  return {
    ...{ syn: has('S'), fin: has('F'), rst: has('R'), psh: has('P'), urg: has('U'), ack: has('.') },
    ...{ ece: has('E'), cwr: has('W'), ae: false, ace: null, span },
  };
}

function optionsOf(s: Segment, echo: (outbound: number) => number): TcpOption[] {
  const options: TcpOption[] = [];
  const nop: TcpOption = { kind: 'nop', span };
  if (s.mss !== null) options.push({ kind: 'mss', value: s.mss, span });
  if (s.sackOk) options.push({ kind: 'sackOK', span }, ...(s.timestamp ? [] : [nop, nop]));
  if (s.timestamp) {
    const e = s.timestamp.echo;
    const ecr = e === null ? 0 : (echo(e.outbound) + e.delta) >>> 0;
    if (!s.sackOk) options.push(nop, nop);
    options.push({ kind: 'TS', val: s.timestamp.value, ecr, ecrAbsolute: false, span });
  }
  if (s.wscale !== null) options.push(nop, { kind: 'wscale', value: s.wscale, span });
  if (s.sack.length > 0) {
    const blocks = s.sack.slice(0, s.timestamp ? 3 : 4).map(([left, right]) => ({ left, right }));
    options.push(nop, nop, { kind: 'sack', blocks, span });
  }
  return options;
}

const IPV4 = {
  net_unreachable: ['unreachable', 'net_unreachable'],
  host_unreachable: ['unreachable', 'host_unreachable'],
  port_unreachable: ['unreachable', 'port_unreachable'],
  frag_needed: ['unreachable', 'frag_needed'],
  source_quench: ['source_quench', null],
  time_exceeded: ['time_exceeded', null],
} as const;
const IPV6 = {
  net_unreachable: ['unreachable', 'no_route'],
  host_unreachable: ['unreachable', 'address_unreachable'],
  port_unreachable: ['unreachable', 'port_unreachable'],
  frag_needed: ['packet_too_big', null],
  source_quench: ['time_exceeded', null],
  time_exceeded: ['time_exceeded', null],
} as const;

function icmpOf(action: Icmp, family: 'ipv4' | 'ipv6'): PacketBody['transport'] {
  const [type, code] = (family === 'ipv4' ? IPV4 : IPV6)[action.type];
  return {
    kind: 'icmp',
    type,
    code,
    mtu: action.type === 'frag_needed' ? action.mtu : null,
    id: null,
    echoed: { kind: 'tcp', sequence: range(action.sequence, 0), udpEncapsulation: null },
    checksum: null,
    span,
  };
}
