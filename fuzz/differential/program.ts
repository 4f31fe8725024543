// What a differential run does to a connection: a list of calls and segments, first as references to what the connection
// has come to ("a block of the third segment in flight"), then, once the kernel has been through it, as numbers. Plain
// data: it crosses threads and is printed.

/** Sequence numbers of the remote end: from `base`, in the remote's numbers. */
export interface SequenceRef {
  /** `next`: behind everything sent in order; `zero`: the first byte; `edge`: the right edge of the advertised window. */
  readonly base: 'next' | 'zero' | 'edge';
  readonly delta: number;
}

/** Acknowledgements, from `base`, in the local end's numbers. */
export interface AckRef {
  /** `next`: everything sent; `una`: what the remote acknowledged last; `fin`: everything, a FIN too. */
  readonly base: 'next' | 'una';
  /** Segments of the sender's MSS. */
  readonly segments: number;
  readonly delta: number;
}

export interface SegmentRef {
  readonly do: 'segment';
  /** Letters of packetdrill: `S`, `F`, `R`, `P`, `.`, `U`, `E`, `W`. */
  readonly flags: string;
  readonly sequence: SequenceRef;
  readonly length: number;
  readonly ack: AckRef;
  /** As in the header. */
  readonly window: number;
  readonly urgent: number;
  /** `normal`: as negotiated; `none`; `old`: TSval a second back; `ahead`: a second ahead; `stale`: 25 days back. */
  readonly timestamp: 'normal' | 'none' | 'old' | 'ahead' | 'stale' | 'zero-echo' | 'future-echo';
  /** Blocks of what is in flight: segments counted from what is acknowledged. Negative: below it, a DSACK. */
  readonly sack: readonly (readonly [from: number, to: number])[];
  readonly ecn: 0 | 1 | 2 | 3;
}

/** The remote's SYN or SYN-ACK, or its answer to ours. */
export interface SynRef {
  readonly do: 'syn';
  readonly flags: string;
  readonly mss: number;
  readonly wscale: number;
  readonly sackOk: boolean;
  readonly timestamps: boolean;
  readonly window: number;
  readonly length: number;
  /** Added to the right acknowledgement number. */
  readonly ackDelta: number;
  readonly sequenceDelta: number;
}

export interface IcmpRef {
  readonly do: 'icmp';
  readonly type:
    | 'net_unreachable'
    | 'host_unreachable'
    | 'port_unreachable'
    | 'frag_needed'
    | 'source_quench'
    | 'time_exceeded';
  readonly mtu: number;
  /** Of the quoted segment, from what is acknowledged. */
  readonly delta: number;
}

export type CallName =
  | 'write'
  | 'read'
  | 'peek'
  | 'close'
  | 'shutdown'
  | 'accept'
  | 'connect'
  | 'error'
  | 'poll'
  | 'inq'
  | 'outq'
  | 'set'
  | 'get';

export interface CallRef {
  readonly do: 'call';
  readonly name: CallName;
  /** Bytes, `how` of shutdown, or an option's value. */
  readonly value: number;
  /** Of write: MSG_ flags. */
  readonly flags: number;
  /** Of set and get. */
  readonly option: string;
}

export type ActionRef = SegmentRef | SynRef | IcmpRef | CallRef;

export interface Step {
  /** Milliseconds since the step before. */
  readonly wait: number;
  readonly action: ActionRef;
}

export interface Program {
  readonly role: 'server' | 'client';
  readonly family: 'ipv4' | 'ipv6';
  readonly steps: readonly Step[];
}

// ---------------------------------------------------------------- in numbers

/** A TSecr: the TSval of the n-th outbound packet that had one, and what is added to it. */
export interface Echo {
  readonly outbound: number;
  readonly delta: number;
}

export interface Segment {
  readonly do: 'segment';
  readonly flags: string;
  /** From the remote's initial sequence number, which is 0 in a script. */
  readonly sequence: number;
  readonly length: number;
  /** From the local initial sequence number. */
  readonly ack: number;
  readonly window: number;
  readonly urgent: number;
  readonly ecn: 0 | 1 | 2 | 3;
  readonly mss: number | null;
  readonly wscale: number | null;
  readonly sackOk: boolean;
  readonly timestamp: { readonly value: number; readonly echo: Echo | null } | null;
  readonly sack: readonly (readonly [left: number, right: number])[];
}

export interface Icmp {
  readonly do: 'icmp';
  readonly type: IcmpRef['type'];
  readonly mtu: number;
  /** Of the quoted segment. */
  readonly sequence: number;
}

export type Action = Segment | Icmp | CallRef;

export interface NumberedStep {
  /** µs since the beginning, as it happened on the kernel. */
  readonly at: number;
  readonly action: Action;
}

// ---------------------------------------------------------------- what was seen

export type Observation =
  | { readonly kind: 'packet'; readonly at: number; readonly text: string; readonly tsVal: number | null }
  | { readonly kind: 'return'; readonly at: number; readonly step: number; readonly text: string }
  | {
      readonly kind: 'info';
      readonly at: number;
      readonly step: number;
      readonly info: Readonly<Record<string, number>>;
    };

export interface Trace {
  readonly target: string;
  readonly steps: readonly NumberedStep[];
  readonly seen: readonly Observation[];
}
