// A TCP segment, or an ICMP error about one, as it stands in a capture. Plain data; knows no conversation.

import type { Frame } from '../frame.js';

/** What both kinds have in common: where the packet stood and what its IP header said. */
interface Captured {
  readonly frame: Frame;
  readonly ipv6: boolean;
  /** 16 bytes each, IPv4 in its mapped form. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** TOS or traffic class. */
  readonly tos: number;
}

export interface Segment extends Captured {
  readonly kind: 'tcp';
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  /** AE … FIN, as stack/wire/tcp.ts has them. */
  readonly flags: number;
  /** As carried, unscaled. */
  readonly window: number;
  readonly urgent: number;
  /** Header and payload as captured. */
  readonly bytes: Uint8Array;
  /** The option bytes, as far as they were captured. */
  readonly options: Uint8Array;
  /** Payload as far as it was captured: shorter than `length` in a snapped packet. */
  readonly payload: Uint8Array;
  /** Payload bytes on the wire. */
  readonly length: number;
  /** The capture was snapped inside the header or an IP fragment: there is no telling how much data it had. */
  readonly headerSnapped: boolean;
  /** The header claims a length that it cannot have: there is no telling what is payload. */
  readonly malformed: boolean;
  /** Payload bytes of each IP fragment that it came in, in order; empty when it came whole. */
  readonly fragments: readonly number[];
}

/** An ICMP error whose quotation is a TCP segment's beginning. */
export interface IcmpAboutTcp extends Captured {
  readonly kind: 'icmp';
  readonly type: number;
  readonly code: number;
  /** The 32 bits behind the checksum: MTU or pointer. */
  readonly rest: number;
  /** Of the quoted packet, which somebody at `quotedSource` had sent. */
  readonly quotedSource: Uint8Array;
  readonly quotedDestination: Uint8Array;
  readonly quotedSourcePort: number;
  readonly quotedDestinationPort: number;
  readonly quotedSeq: number;
  /** Enough of it is quoted to tell a conversation by, as Wireshark does: up to the window. */
  readonly telling: boolean;
}

export type Decoded = Segment | IcmpAboutTcp;
