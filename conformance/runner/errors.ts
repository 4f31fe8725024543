// What can go wrong in a run: the script is not met (RunFailure), the script itself cannot be run (ScriptProblem), or
// the target lacks a feature that it needs (UnsupportedFeature). It knows nothing of how a report looks.

import type { Span } from '../language/ast.js';

export type FailureKind =
  | 'packet' // an outbound packet differs, is missing or was not asked for
  | 'time' // something happened at another time than written
  | 'call' // a system call returned something else
  | 'command' // a backtick command failed
  | 'code' // a `%{ }%` snippet failed
  | 'target'; // the target itself broke

export interface FailureDetails {
  /** The first field that differs, e.g. `window`, `option 2 (wscale)`, `return value`. */
  readonly field?: string;
  readonly expected?: string;
  readonly actual?: string;
  /** The script's packet and the target's, in the script's language. */
  readonly scriptPacket?: string;
  readonly actualPackets?: readonly string[];
}

/** The target did something else than the script says. */
export class RunFailure extends Error {
  override readonly name = 'RunFailure';
  readonly kind: FailureKind;
  readonly details: FailureDetails;
  /** Null until the event that it belongs to is known. */
  span: Span | null;

  constructor(kind: FailureKind, message: string, span: Span | null, details: FailureDetails = {}) {
    super(message);
    this.kind = kind;
    this.span = span;
    this.details = details;
  }
}

/** The script asks for something that makes no sense, whatever the target does. Exit status 2 at the command line. */
export class ScriptProblem extends Error {
  override readonly name = 'ScriptProblem';
  span: Span | null;

  constructor(message: string, span: Span | null = null) {
    super(message);
    this.span = span;
  }
}

/** The target has no such feature: the script is skipped with this as the reason. */
export class UnsupportedFeature extends Error {
  override readonly name = 'UnsupportedFeature';
  readonly feature: string;
  span: Span | null;

  constructor(feature: string, span: Span | null = null) {
    super(`needs ${feature}, which the target does not offer`);
    this.feature = feature;
    this.span = span;
  }
}
