// The part of the syntax tree that describes packets. See ast.ts for the conventions.

import type { IntegerBase } from './ast-expression.js';
import type { Node } from './ast-node.js';

// ---------------------------------------------------------------- values

/** A name that no `-D` defines, where a number is needed (`mss MSS`). */
export interface UndefinedName extends Node {
  readonly kind: 'undefined-name';
  readonly name: string;
}

/** A number, `'*'` for any value (outbound packets only), or a name still to be defined. */
export type Value = number | '*' | UndefinedName;

// ---------------------------------------------------------------- packets

export interface PacketBody extends Node {
  readonly kind: 'packet';
  readonly direction: 'in' | 'out';
  /** Outermost first: headers written before the packet proper. */
  readonly layers: readonly EncapsulationLayer[];
  readonly ip: IpInfo | null;
  /** PSP encapsulation of the packet proper: `encap psp spi N`. */
  readonly psp: PspInfo | null;
  readonly transport: Transport;
}

export type Transport = TcpSegment | UdpDatagram | IcmpMessage | RawPacket;

export type EcnWord = 'noecn' | 'ect0' | 'ect1' | 'ce' | 'ect01';

/** What `[...]` or `(...)` says of the IP header. Null members were not written and are not checked. */
export interface IpInfo extends Node {
  readonly brackets: '[]' | '()';
  readonly ecn: EcnWord | null;
  /** The whole type-of-service or traffic-class octet. */
  readonly tos: number | null;
  readonly dscp: number | null;
  readonly flowLabel: number | null;
  /** Time to live or hop limit. */
  readonly ttl: number | null;
  /** IPv4 header checksum of an inbound packet: a value, or `bad` for one that is wrong. */
  readonly checksum: number | 'bad' | null;
}

export interface PspInfo extends Node {
  readonly spi: number;
  readonly spiBase: IntegerBase;
}

export type EncapsulationLayer = Ipv4Layer | Ipv6Layer | GreLayer | MplsLayer;

export interface Ipv4Layer extends Node {
  readonly kind: 'ipv4';
  readonly ip: IpInfo | null;
  readonly source: string;
  readonly destination: string;
}

export interface Ipv6Layer extends Node {
  readonly kind: 'ipv6';
  readonly ip: IpInfo | null;
  readonly source: string;
  readonly destination: string;
}

export interface GreLayer extends Node {
  readonly kind: 'gre';
  /** Null for a bare `gre:`, a header of four octets. */
  readonly header: GreHeader | null;
}

export interface GreHeader extends Node {
  /** The first 16 bits: 0x8000 checksum, 0x2000 key, 0x1000 sequence number present. */
  readonly flags: number;
  readonly checksum: number;
  readonly offset: number;
  readonly key: number;
  readonly sequence: number;
}

export interface MplsLayer extends Node {
  readonly kind: 'mpls';
  readonly labels: readonly MplsLabel[];
}

export interface MplsLabel extends Node {
  readonly label: number;
  readonly trafficClass: number;
  readonly bottom: boolean;
  readonly ttl: number;
}

/**
 * Where a packet comes from and goes to, when the script says so: `a > b`. Each side gives a port, an address,
 * or both (`192.0.2.2:5000`); what is null is the script's default for that side.
 */
export interface EndpointPair extends Node {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

export interface Endpoint {
  readonly address: string | null;
  readonly port: number | null;
}

export interface TcpSegment extends Node {
  readonly kind: 'tcp';
  readonly endpoints: EndpointPair | null;
  readonly flags: TcpFlags;
  readonly sequence: SequenceRange;
  /** Null when not written: 0 inbound; outbound the field must then be 0 too, as the original has it. */
  readonly ack: Value | null;
  /** Null when not written: not checked outbound, 0 inbound. */
  readonly window: Value | null;
  readonly urgent: Value | null;
  /** `'any'` for `<...>`; an empty list when none are written (and then none may be there). */
  readonly options: readonly TcpOption[] | 'any';
  /** Wrong (`bad`) or given TCP checksum of an inbound packet: `checksum bad`, `checksum 0x1234`. */
  readonly checksum: number | 'bad' | null;
  /** `/udp(a > b)`: TCP carried in UDP. */
  readonly udpEncapsulation: PortPair | null;
}

export interface PortPair {
  readonly source: number;
  readonly destination: number;
}

export interface TcpFlags extends Node {
  readonly syn: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly psh: boolean;
  readonly urg: boolean;
  readonly ack: boolean;
  readonly ece: boolean;
  readonly cwr: boolean;
  /** Accurate ECN's AE bit (the former NS). */
  readonly ae: boolean;
  /** `.N`: the three bits AE, CWR, ECE as one number 0 to 7; null when they were given as letters. */
  readonly ace: number | null;
}

/**
 * `start:end(length)`. `mode` is relative to the flow's initial sequence number, `absolute` for the wire's own
 * numbers (`1:1(0)!`), or `any` for `...(length)`, where start and end are 0 and only the length counts.
 */
export interface SequenceRange extends Node {
  readonly mode: 'relative' | 'absolute' | 'any';
  readonly start: number;
  readonly end: number;
  readonly length: number;
}

export interface SackBlock {
  readonly left: number;
  readonly right: number;
}

export type TcpOption =
  | NopOption
  | EolOption
  | MssOption
  | WindowScaleOption
  | SackPermittedOption
  | SackOption
  | TimestampOption
  | FastOpenOption
  | Md5Option
  | AccEcnOption
  | GenericOption
  | RawOption;

export interface NopOption extends Node {
  readonly kind: 'nop';
}
export interface EolOption extends Node {
  readonly kind: 'eol';
}
export interface MssOption extends Node {
  readonly kind: 'mss';
  readonly value: Value;
}
export interface WindowScaleOption extends Node {
  readonly kind: 'wscale';
  readonly value: Value;
}
export interface SackPermittedOption extends Node {
  readonly kind: 'sackOK';
}
/** `'*'` for `sack *`: any blocks, at least one. */
export interface SackOption extends Node {
  readonly kind: 'sack';
  readonly blocks: readonly SackBlock[] | '*';
}
/** `TS val V ecr E`. `ecrAbsolute` is the `!` of `ecr 5!`: not mapped, the wire's own number. */
export interface TimestampOption extends Node {
  readonly kind: 'TS';
  readonly val: Value;
  readonly ecr: Value;
  readonly ecrAbsolute: boolean;
}
/** Kind 34, or with `experimental` kind 254 and magic 0xF989. `cookie` is lower-case hex, empty for a request. */
export interface FastOpenOption extends Node {
  readonly kind: 'FO';
  readonly experimental: boolean;
  readonly cookie: string | '*' | UndefinedName;
}
/** `digest` is lower-case hex; `valid` asks for a right digest; `'*'` is any. */
export interface Md5Option extends Node {
  readonly kind: 'md5';
  readonly digest: string | 'valid' | '*';
}
/**
 * Accurate ECN. `order` 0 is kind 172 (EE0B, ECEB, EE1B), 1 is kind 174 (EE1B, ECEB, EE0B); `experimental` uses
 * kind 254 with magic 0xACC0 or 0xACC1. `counters` are in the order of the wire, 0 to 3 of them.
 */
export interface AccEcnOption extends Node {
  readonly kind: 'accecn';
  readonly order: 0 | 1;
  readonly experimental: boolean;
  readonly counters: readonly Value[];
}
/** `gen-N hex`, or with `experimentId` `exp-XXXX hex` (kind 254). `data` is lower-case hex or `'*'`. */
export interface GenericOption extends Node {
  readonly kind: 'generic';
  readonly optionKind: number;
  readonly experimentId: number | null;
  readonly data: string;
}
/** `raw hex`: bytes that stand in the option area as they are, well formed or not. Lower-case hex. */
export interface RawOption extends Node {
  readonly kind: 'raw';
  readonly bytes: string;
}

export interface UdpDatagram extends Node {
  readonly kind: 'udp';
  readonly endpoints: EndpointPair | null;
  readonly length: number;
  readonly checksum: number | 'bad' | null;
}

export interface IcmpMessage extends Node {
  readonly kind: 'icmp';
  /** As written: `unreachable`, `echo_request`, `type_11`. */
  readonly type: string | UndefinedName;
  /** As written: `frag_needed`, `code_3`; null for code 0. */
  readonly code: string | UndefinedName | null;
  readonly mtu: number | null;
  readonly id: number | null;
  /** The packet quoted in the message, or for `raw` the number of payload bytes; null for an empty TCP segment. */
  readonly echoed: IcmpEchoed | null;
  readonly checksum: number | 'bad' | null;
}

export type IcmpEchoed =
  | { readonly kind: 'tcp'; readonly sequence: SequenceRange; readonly udpEncapsulation: PortPair | null }
  | { readonly kind: 'udp'; readonly length: number }
  | { readonly kind: 'raw'; readonly length: number };

/** `raw hex`: a whole IP packet, byte by byte. Lower-case hex. */
export interface RawPacket extends Node {
  readonly kind: 'raw';
  readonly bytes: string;
}
