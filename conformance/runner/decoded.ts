// What a packet from a target is read into: headers outermost first, then the transport. Types, flag bits and protocol
// numbers; decode.ts does the reading.

export interface DecodedIp {
  readonly kind: 'ipv4' | 'ipv6';
  readonly offset: number;
  readonly headerLength: number;
  /** Of the whole packet, as its header says. */
  readonly totalLength: number;
  readonly source: string;
  readonly destination: string;
  readonly tos: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly flowLabel: number;
  readonly headerChecksumOk: boolean;
}

export interface DecodedGre {
  readonly kind: 'gre';
  readonly offset: number;
  readonly headerLength: number;
  readonly flags: number;
  readonly protocol: number;
  readonly checksum: number;
  readonly routingOffset: number;
  readonly key: number;
  readonly sequence: number;
}

export interface DecodedMpls {
  readonly kind: 'mpls';
  readonly offset: number;
  readonly headerLength: number;
  readonly labels: readonly {
    readonly label: number;
    readonly trafficClass: number;
    readonly bottom: boolean;
    readonly ttl: number;
  }[];
}

export type DecodedLayer = DecodedIp | DecodedGre | DecodedMpls;

export interface DecodedOption {
  readonly kind: number;
  readonly length: number;
  /** Behind kind and length. */
  readonly data: Uint8Array;
}

export interface DecodedTcp {
  readonly kind: 'tcp';
  readonly offset: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  sequence: number;
  ack: number;
  readonly headerLength: number;
  readonly reserved: number;
  /** AE, CWR, ECE, URG, ACK, PSH, RST, SYN, FIN: bits 8 to 0. */
  flags: number;
  readonly window: number;
  readonly urgent: number;
  options: readonly DecodedOption[];
  readonly optionsOk: boolean;
}

export interface DecodedUdp {
  readonly kind: 'udp';
  readonly offset: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly length: number;
  readonly headerLength: 8;
}

export interface DecodedIcmp {
  readonly kind: 'icmp';
  readonly offset: number;
  readonly version: 4 | 6;
  readonly type: number;
  readonly code: number;
  /** The 32 bits behind the checksum: MTU, identifier and sequence number, pointer. */
  readonly rest: number;
  readonly headerLength: 8;
}

export interface DecodedOther {
  readonly kind: 'other';
  readonly offset: number;
  readonly headerLength: 0;
}

export type DecodedTransport = DecodedTcp | DecodedUdp | DecodedIcmp | DecodedOther;

export interface DecodedPacket {
  readonly time: number;
  readonly bytes: Uint8Array;
  /** Encapsulating headers before `ip`, outermost first. */
  readonly outer: readonly DecodedLayer[];
  /** The innermost IP header; null for bytes that have none. */
  readonly ip: DecodedIp | null;
  readonly transport: DecodedTransport;
  readonly payloadOffset: number;
  payloadLength: number;
  /** Null when the transport has no checksum to check. */
  readonly checksumOk: boolean | null;
}

export const FIN = 0x001;
export const SYN = 0x002;
export const RST = 0x004;
export const PSH = 0x008;
export const ACK = 0x010;
export const URG = 0x020;
export const ECE = 0x040;
export const CWR = 0x080;
export const AE = 0x100;

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_IPIP = 4;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_IPV6 = 41;
export const PROTOCOL_GRE = 47;
export const PROTOCOL_ICMPV6 = 58;
export const PROTOCOL_MPLS = 137;

export const ETHERTYPE_IPV4 = 0x0800;
export const ETHERTYPE_IPV6 = 0x86dd;
export const ETHERTYPE_MPLS = 0x8847;
