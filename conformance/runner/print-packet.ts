// A decoded packet in the script's own words, for messages, tables and reports.

import {
  ACK,
  AE,
  CWR,
  type DecodedLayer,
  type DecodedPacket,
  type DecodedTcp,
  ECE,
  FIN,
  PSH,
  RST,
  SYN,
  URG,
} from './decode.js';
import { optionsText } from './tcp-options.js';

export interface PrintOptions {
  /** Show AE, CWR and ECE as one number, `.5`, because the script's packet does. */
  readonly ace?: boolean;
  /** Show addresses and ports. */
  readonly endpoints?: boolean;
}

/** Flags in tcpdump's order, as a script writes them; `-` for none. */
export function flagsText(flags: number, ace = false): string {
  let text = '';
  if (flags & FIN) text += 'F';
  if (flags & SYN) text += 'S';
  if (flags & RST) text += 'R';
  if (flags & PSH) text += 'P';
  if (flags & ACK) text += '.';
  if (flags & URG) text += 'U';
  if (ace) {
    text += String((flags & AE ? 4 : 0) | (flags & CWR ? 2 : 0) | (flags & ECE ? 1 : 0));
  } else {
    if (flags & ECE) text += 'E';
    if (flags & CWR) text += 'W';
    if (flags & AE) text += 'A';
  }
  return text || '-';
}

export function tcpText(tcp: DecodedTcp, payloadLength: number, options: PrintOptions = {}): string {
  const end = (tcp.sequence + payloadLength) >>> 0;
  let text = `${flagsText(tcp.flags, options.ace)} ${tcp.sequence}:${end}(${payloadLength})`;
  if (tcp.flags & ACK) text += ` ack ${tcp.ack}`;
  text += ` win ${tcp.window}`;
  if (tcp.urgent !== 0) text += ` urg ${tcp.urgent}`;
  if (tcp.options.length > 0) text += ` <${optionsText(tcp.options)}>`;
  return text;
}

function layerText(layer: DecodedLayer): string {
  if (layer.kind === 'gre') return `gre flags 0x${layer.flags.toString(16)}: `;
  if (layer.kind === 'mpls') {
    const label = (l: (typeof layer.labels)[number]): string =>
      `(label ${l.label}, tc ${l.trafficClass},${l.bottom ? ' [S],' : ''} ttl ${l.ttl})`;
    return `mpls ${layer.labels.map(label).join(', ')}: `;
  }
  return `${layer.kind} ${layer.source} > ${layer.destination}: `;
}

const ECN_WORDS = ['noecn', 'ect1', 'ect0', 'ce'] as const;

/** The whole packet without direction and time. */
export function packetText(packet: DecodedPacket, options: PrintOptions = {}): string {
  let text = packet.outer.map(layerText).join('');
  const { ip, transport } = packet;
  if (!ip) return `${text}[${packet.bytes.length} bytes without an IP header]`;
  const ecn = ip.tos & 3;
  if (ecn !== 0) text += `[${ECN_WORDS[ecn]}] `;
  if (options.endpoints) {
    text +=
      transport.kind === 'tcp' || transport.kind === 'udp'
        ? `${ip.source}:${transport.sourcePort} > ${ip.destination}:${transport.destinationPort} `
        : `${ip.source} > ${ip.destination} `;
  }
  switch (transport.kind) {
    case 'tcp':
      return text + tcpText(transport, packet.payloadLength, options);
    case 'udp':
      return `${text}udp (${packet.payloadLength})`;
    case 'icmp':
      return `${text}icmp type_${transport.type} code_${transport.code}`;
    case 'other':
      return `${text}[IP protocol ${ip.protocol}, ${packet.payloadLength} bytes]`;
  }
}

/** Script time with six digits, as the original prints it. */
export function timeText(microseconds: number): string {
  return (microseconds / 1e6).toFixed(6);
}
