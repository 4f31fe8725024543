// Names what a script asks for beyond plain TCP over IP, so that a runner can say which of it a target lacks.
// Feature names are stable and appear in reports.

import type { PacketBody, Script } from './ast.js';

export type Feature =
  | 'encapsulation:ipv4'
  | 'encapsulation:ipv6'
  | 'encapsulation:gre'
  | 'encapsulation:mpls'
  | 'psp'
  | 'udp'
  | 'icmp'
  | 'raw-packets'
  | 'tcp-over-udp'
  | 'tcp-md5'
  | 'accecn'
  | 'fast-open'
  | 'absolute-sequence-numbers'
  | 'given-checksums'
  | 'explicit-addresses'
  | 'commands'
  | 'code';

/** The features a script uses, each with the line of its first use. */
export function featuresOf(script: Script): Map<Feature, number> {
  const found = new Map<Feature, number>();
  const use = (feature: Feature, line: number) => {
    if (!found.has(feature)) found.set(feature, line);
  };
  if (script.init !== null) use('commands', script.init.span.line);
  for (const { body, span } of script.events) {
    if (body.kind === 'command') use('commands', span.line);
    else if (body.kind === 'code') use('code', span.line);
    else if (body.kind === 'packet') for (const feature of packetFeatures(body)) use(feature, span.line);
    else if (body.name.startsWith('psp_')) use('psp', span.line);
  }
  return found;
}

function packetFeatures(packet: PacketBody): Feature[] {
  const features: Feature[] = packet.layers.map((layer) => `encapsulation:${layer.kind}` as const);
  const { transport } = packet;
  if (packet.psp !== null) features.push('psp');
  if (transport.kind === 'raw') return [...features, 'raw-packets'];
  if (transport.checksum !== null || (packet.ip !== null && packet.ip.checksum !== null)) {
    features.push('given-checksums');
  }
  if (transport.kind === 'icmp') return [...features, 'icmp'];
  const { endpoints } = transport;
  if (endpoints !== null && (endpoints.source.address !== null || endpoints.destination.address !== null)) {
    features.push('explicit-addresses');
  }
  if (transport.kind === 'udp') return [...features, 'udp'];
  if (transport.udpEncapsulation !== null) features.push('tcp-over-udp');
  if (transport.sequence.mode === 'absolute') features.push('absolute-sequence-numbers');
  if (transport.flags.ace !== null || transport.flags.ae) features.push('accecn');
  for (const option of transport.options === 'any' ? [] : transport.options) {
    if (option.kind === 'md5') features.push('tcp-md5');
    else if (option.kind === 'accecn') features.push('accecn');
    else if (option.kind === 'FO') features.push('fast-open');
  }
  return features;
}
