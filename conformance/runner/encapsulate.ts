// Headers around a packet: IP in IP, GRE (RFC 2784, 2890), MPLS (RFC 3032, 4023). Innermost first, each learns what it
// carries from the one inside.

import type { EncapsulationLayer, GreHeader, MplsLabel } from '../language/ast.js';
import { parseAddress } from './addresses.js';
import { ipv4Header, ipv6Header, join, tosOf } from './build.js';
import {
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_MPLS,
  PROTOCOL_GRE,
  PROTOCOL_IPIP,
  PROTOCOL_IPV6,
  PROTOCOL_MPLS,
} from './decode.js';
import { ScriptProblem } from './errors.js';

type Kind = 'ipv4' | 'ipv6' | 'gre' | 'mpls';

const IP_PROTOCOL: Record<Kind, number> = {
  ipv4: PROTOCOL_IPIP,
  ipv6: PROTOCOL_IPV6,
  gre: PROTOCOL_GRE,
  mpls: PROTOCOL_MPLS,
};
const ETHERTYPE: Partial<Record<Kind, number>> = {
  ipv4: ETHERTYPE_IPV4,
  ipv6: ETHERTYPE_IPV6,
  mpls: ETHERTYPE_MPLS,
};

/** Puts `layers` (outermost first) around a whole IP packet. */
export function addLayers(inner: Uint8Array, layers: readonly EncapsulationLayer[]): Uint8Array {
  let bytes = inner;
  let inside: Kind = inner[0]! >>> 4 === 6 ? 'ipv6' : 'ipv4';
  for (let i = layers.length - 1; i >= 0; i--) {
    const layer = layers[i]!;
    bytes = join(layerHeader(layer, bytes, inside), bytes);
    inside = layer.kind;
  }
  return bytes;
}

function layerHeader(layer: EncapsulationLayer, payload: Uint8Array, inside: Kind): Uint8Array {
  switch (layer.kind) {
    case 'gre': {
      const type = ETHERTYPE[inside];
      if (type === undefined) throw new ScriptProblem(`gre cannot carry ${inside}`, layer.span);
      return greHeader(layer.header, type);
    }
    case 'mpls':
      return mplsHeader(layer.labels);
    case 'ipv4':
    case 'ipv6': {
      const source = parseAddress(layer.source);
      const destination = parseAddress(layer.destination);
      const length = layer.kind === 'ipv4' ? 4 : 16;
      if (source?.length !== length || destination?.length !== length) {
        throw new ScriptProblem(`${layer.kind} needs two ${layer.kind} addresses`, layer.span);
      }
      const ttl = layer.ip?.ttl ?? 255;
      const tos = tosOf(layer.ip);
      const protocol = IP_PROTOCOL[inside];
      return layer.kind === 'ipv4'
        ? ipv4Header(payload.length, protocol, tos, ttl, source, destination)
        : ipv6Header(payload.length, protocol, tos, ttl, layer.ip?.flowLabel ?? 0, source, destination);
    }
  }
}

function greHeader(header: GreHeader | null, protocol: number): Uint8Array {
  const flags = header?.flags ?? 0;
  const bytes: number[] = [];
  const put16 = (v: number): void => void bytes.push((v >>> 8) & 255, v & 255);
  const put32 = (v: number): void => {
    put16(v >>> 16);
    put16(v & 0xffff);
  };
  put16(flags);
  put16(protocol);
  if (flags & 0xc000) {
    put16(header!.checksum);
    put16(header!.offset);
  }
  if (flags & 0x2000) put32(header!.key);
  if (flags & 0x1000) put32(header!.sequence);
  return Uint8Array.from(bytes);
}

/** The label stack as it lies in a packet, or in a socket option. */
export function mplsHeader(labels: readonly MplsLabel[]): Uint8Array {
  const bytes = new Uint8Array(4 * labels.length);
  const view = new DataView(bytes.buffer);
  labels.forEach((l, i) => {
    view.setUint32(4 * i, ((l.label << 12) | (l.trafficClass << 9) | (l.bottom ? 0x100 : 0) | l.ttl) >>> 0);
  });
  return bytes;
}
