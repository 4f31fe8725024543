// What a run comes to: plain data that can cross a thread, for reporters, tests and captures.

import type { Span } from '../language/ast.js';
import type { FailureKind } from './errors.js';
import type { IpVersion } from './presets.js';

export type Verdict = 'passed' | 'failed' | 'skipped';

/** What became of a packet. */
export type PacketFate =
  | 'injected' // from the script to the target
  | 'matched' // the target's, as the script says
  | 'differs' // the target's, and not as the script says
  | 'ignored'; // the target's, of no event of the script

export interface PacketRecord {
  /** µs of script time. */
  readonly time: number;
  readonly direction: 'in' | 'out';
  /** As on the wire. */
  readonly bytes: Uint8Array;
  /** In the script's language and numbers, without direction. */
  readonly text: string;
  fate: PacketFate;
  /** Line of the event that it belongs to; null for none. */
  line: number | null;
  /** Index of the flow, -1 for none. */
  readonly flow: number;
  /** In the script's numbers; null when it is not TCP. */
  readonly tcp: {
    readonly flags: number;
    readonly sequence: number;
    readonly length: number;
    readonly ack: number;
    readonly window: number;
    readonly sack: readonly (readonly [left: number, right: number])[];
  } | null;
}

export interface EventRecord {
  readonly line: number;
  readonly endLine: number;
  readonly kind: 'packet' | 'syscall' | 'command' | 'code';
  /** Script time in µs at which it happened; null when it never did. */
  time: number | null;
  status: 'done' | 'failed' | 'pending';
}

export interface FailureReport {
  readonly kind: FailureKind | 'script' | 'internal';
  /** Everything, ready to be printed; begins with file:line:column. */
  readonly text: string;
  /** The sentence alone. */
  readonly summary: string;
  readonly span: Span | null;
  readonly field: string | null;
  readonly expected: string | null;
  readonly actual: string | null;
  readonly scriptPacket: string | null;
  readonly actualPackets: readonly string[];
  /** Packets since the last event that matched, oldest first. */
  readonly since: readonly string[];
}

export interface RunResult {
  /** The script's name as given. */
  readonly script: string;
  readonly ipVersion: IpVersion;
  readonly target: string;
  verdict: Verdict;
  /** Empty for a pass; the failure's text; why it was skipped. */
  reason: string;
  readonly failure: FailureReport | null;
  /** Real time spent. */
  readonly milliseconds: number;
  /** Script time at the end, µs. */
  readonly scriptMicroseconds: number;
  readonly packets: readonly PacketRecord[];
  readonly events: readonly EventRecord[];
  /** What snippets printed, and warnings. */
  readonly output: readonly string[];
}
