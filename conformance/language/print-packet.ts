// Prints packets and their TCP options. The inverse of parse-packet.ts and what it calls.

import type {
  AccEcnOption,
  Dialect,
  EncapsulationLayer,
  Endpoint,
  EndpointPair,
  IcmpMessage,
  IpInfo,
  PacketBody,
  PortPair,
  SequenceRange,
  TcpFlags,
  TcpOption,
  TcpSegment,
  Transport,
  UndefinedName,
  Value,
} from './ast.js';
import { printGreHeader, printHex, printMplsLabels } from './print-expression.js';

/** A packet as a script writes it, direction first: `> P. 1:1001(1000) ack 1 <nop,nop,TS val 1 ecr 2>`. */
export function printPacket(packet: PacketBody, dialect: Dialect = 'google'): string {
  const parts = [packet.direction === 'in' ? '<' : '>'];
  for (const layer of packet.layers) parts.push(printLayer(layer));
  if (packet.ip !== null) parts.push(printIpInfo(packet.ip));
  if (packet.psp !== null) {
    parts.push(`encap psp spi ${packet.psp.spiBase === 'hex' ? printHex(packet.psp.spi) : packet.psp.spi}`);
  }
  parts.push(printTransport(packet.transport, dialect));
  return parts.join(' ');
}

function printLayer(layer: EncapsulationLayer): string {
  switch (layer.kind) {
    case 'ipv4':
    case 'ipv6': {
      const ip = layer.ip === null ? '' : `${printIpInfo(layer.ip)} `;
      return `${layer.kind} ${ip}${layer.source} > ${layer.destination}:`;
    }
    case 'gre':
      return layer.header === null ? 'gre:' : `gre ${printGreHeader(layer.header)}:`;
    case 'mpls':
      return layer.labels.length === 0 ? 'mpls:' : `mpls ${printMplsLabels(layer.labels)}:`;
  }
}

function printIpInfo(ip: IpInfo): string {
  const items: string[] = [];
  if (ip.dscp !== null) items.push(`dscp ${printHex(ip.dscp)}`);
  if (ip.ecn !== null) items.push(ip.ecn);
  if (ip.tos !== null) items.push(`tos ${printHex(ip.tos, 2)}`);
  if (ip.flowLabel !== null) items.push(`flowlabel ${printHex(ip.flowLabel, 5)}`);
  if (ip.ttl !== null) items.push(`ttl ${ip.ttl}`);
  if (ip.checksum !== null) items.push(`checksum ${printChecksumValue(ip.checksum)}`);
  return ip.brackets[0] + items.join(',') + ip.brackets[1];
}

function printChecksumValue(checksum: number | 'bad'): string {
  return checksum === 'bad' ? 'bad' : printHex(checksum, 4);
}

function printChecksum(checksum: number | 'bad' | null): string[] {
  return checksum === null ? [] : [`checksum ${printChecksumValue(checksum)}`];
}

function printTransport(transport: Transport, dialect: Dialect): string {
  switch (transport.kind) {
    case 'tcp':
      return printTcp(transport, dialect);
    case 'udp':
      return [
        'udp',
        ...printEndpoints(transport.endpoints),
        `(${transport.length})`,
        ...printChecksum(transport.checksum),
      ].join(' ');
    case 'icmp':
      return printIcmp(transport);
    case 'raw':
      return `raw "${transport.bytes}"`;
  }
}

function printEndpoints(pair: EndpointPair | null): string[] {
  return pair === null ? [] : [`${printEndpoint(pair.source)} > ${printEndpoint(pair.destination)}`];
}

function printEndpoint(endpoint: Endpoint): string {
  const { address, port } = endpoint;
  if (address === null) return String(port);
  if (port === null) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

// ---------------------------------------------------------------- TCP

function printTcp(tcp: TcpSegment, dialect: Dialect): string {
  const parts = [...printEndpoints(tcp.endpoints), printFlags(tcp.flags), printSequence(tcp.sequence)];
  if (tcp.ack !== null) parts.push(`ack ${printValue(tcp.ack)}`);
  if (tcp.window !== null) parts.push(`win ${printValue(tcp.window)}`);
  if (tcp.urgent !== null) parts.push(`urg ${printValue(tcp.urgent)}`);
  if (tcp.options === 'any') parts.push('<...>');
  else if (tcp.options.length > 0) parts.push(`<${printTcpOptions(tcp.options, dialect)}>`);
  parts.push(...printChecksum(tcp.checksum));
  return parts.join(' ') + printUdpEncapsulation(tcp.udpEncapsulation);
}

export function printFlags(flags: TcpFlags): string {
  let text = '';
  if (flags.syn) text += 'S';
  if (flags.fin) text += 'F';
  if (flags.rst) text += 'R';
  if (flags.psh) text += 'P';
  if (flags.urg) text += 'U';
  if (flags.ece) text += 'E';
  if (flags.cwr) text += 'W';
  if (flags.ae) text += 'A';
  if (flags.ack) text += '.';
  if (flags.ace !== null) text += flags.ace;
  return text === '' ? '-' : text;
}

export function printSequence(sequence: SequenceRange): string {
  if (sequence.mode === 'any') return `...(${sequence.length})`;
  const mark = sequence.mode === 'absolute' ? '!' : '';
  return `${sequence.start}:${sequence.end}(${sequence.length})${mark}`;
}

function printValue(value: Value): string {
  return typeof value === 'object' ? value.name : String(value);
}

function printName(name: string | UndefinedName): string {
  return typeof name === 'string' ? name : name.name;
}

function printUdpEncapsulation(ports: PortPair | null): string {
  return ports === null ? '' : ` /udp(${ports.source} > ${ports.destination})`;
}

function printTcpOptions(options: readonly TcpOption[], dialect: Dialect): string {
  const [first] = options;
  // The nplab dialect gives a whole option area as bare digits.
  if (dialect === 'nplab' && options.length === 1 && first!.kind === 'raw') return first!.bytes;
  return options.map((option) => printTcpOption(option, dialect)).join(',');
}

/** One option, in the spelling of the dialect where the two differ. */
export function printTcpOption(option: TcpOption, dialect: Dialect = 'google'): string {
  const nplab = dialect === 'nplab';
  switch (option.kind) {
    case 'nop':
    case 'eol':
    case 'sackOK':
      return option.kind;
    case 'mss':
    case 'wscale':
      return `${option.kind} ${printValue(option.value)}`;
    case 'sack':
      return option.blocks === '*'
        ? 'sack *'
        : `sack ${option.blocks.map((block) => `${block.left}:${block.right}`).join(' ')}`;
    case 'TS':
      return `TS val ${nplab && option.val === '*' ? '...' : printValue(option.val)} ecr ${printValue(option.ecr)}${option.ecrAbsolute ? '!' : ''}`;
    case 'FO':
      return `${option.experimental ? (nplab ? 'exp-FO' : 'FOEXP') : 'FO'} ${printName(option.cookie)}`.trimEnd();
    case 'md5':
      return `md5 ${option.digest}`;
    case 'accecn':
      return printAccEcn(option, nplab);
    case 'generic': {
      const name =
        option.experimentId === null
          ? `gen-${option.optionKind}`
          : `exp-${option.experimentId.toString(16).padStart(4, '0')}`;
      return `${name} ${option.data}`.trimEnd();
    }
    case 'raw':
      return `raw ${option.bytes}`;
  }
}

/** Google's words where they reach; without counters or with kind 254 only nplab's do. */
function printAccEcn({ order, experimental, counters }: AccEcnOption, nplab: boolean): string {
  const plain = !nplab && !experimental && counters.length > 0;
  const names = plain ? ['e0b', 'ceb', 'e1b'] : ['ee0b', 'eceb', 'ee1b'];
  if (order === 1) names.reverse();
  const words = counters.map((counter, i) => `${names[i]} ${printValue(counter)}`);
  const head = plain ? 'ECN' : `${experimental ? 'exp-' : ''}AccECN${order}`;
  return [head, ...words].join(' ');
}

// ---------------------------------------------------------------- ICMP

function printIcmp(icmp: IcmpMessage): string {
  const parts = ['icmp', printName(icmp.type)];
  if (icmp.code !== null) parts.push(printName(icmp.code));
  if (icmp.mtu !== null) parts.push(`mtu ${icmp.mtu}`);
  if (icmp.id !== null) parts.push(`id ${icmp.id}`);
  const { echoed } = icmp;
  if (echoed !== null) {
    const inner =
      echoed.kind === 'tcp'
        ? printSequence(echoed.sequence) + printUdpEncapsulation(echoed.udpEncapsulation)
        : `${echoed.kind}(${echoed.length})`;
    parts.push(`[${inner}]`);
  }
  parts.push(...printChecksum(icmp.checksum));
  return parts.join(' ');
}
