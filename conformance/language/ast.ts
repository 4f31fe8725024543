// The syntax tree of a packetdrill script: what the parser makes, the printer writes and the runner walks.
// Pure data. It knows no value of a symbol (see symbols.ts), no packet bytes and nothing of how a script is run.
//
// Conventions
// - Every node has `span`, the place it was written at. Two trees are equal when they agree in all but spans.
// - Times are whole microseconds. Sequence numbers are as written (relative unless `mode` says otherwise).
// - `-D` symbols are already replaced. A name that stands where a number is needed and that nobody defined
//   stays in the tree as an `UndefinedName`, so that a script parses without its `-D`; running it is an error.

import type { Expression } from './ast-expression.js';
import type { Node, Span } from './ast-node.js';
import type { PacketBody } from './ast-packet.js';

export type * from './ast-expression.js';
export type * from './ast-node.js';
export type * from './ast-packet.js';

export type Dialect = 'google' | 'nplab';

// ---------------------------------------------------------------- script

export interface Script {
  readonly kind: 'script';
  readonly file: string;
  readonly dialect: Dialect;
  readonly options: readonly OptionLine[];
  /** The backtick block before the first event, if any. */
  readonly init: CommandBody | null;
  readonly events: readonly ScriptEvent[];
  /** The backtick block without a time after the last event, if any. */
  readonly cleanup: CommandBody | null;
  readonly span: Span;
}

/** `--name` or `--name=value` at the top of a script. */
export interface OptionLine extends Node {
  readonly kind: 'option';
  /** Without the leading dashes, as written: `ip_version`, `tolerance_usecs`, `define`. */
  readonly name: string;
  /** Null for a bare `--name`; for `--define=A="b"` the text is `A="b"`. Quotes of a whole value are removed. */
  readonly value: string | null;
  /** True when the whole value was written in double quotes. */
  readonly quoted: boolean;
}

export interface ScriptEvent extends Node {
  readonly kind: 'event';
  readonly time: EventTime;
  readonly body: EventBody;
}

/**
 * absolute `1.5`, relative `+0.1`, any `*`, absolute-range `1~2`, relative-range `+1~+2`.
 * `at` and `until` are microseconds (0 for `any`); `until` is null outside ranges.
 * The end of a blocking call is in `SyscallBody.end`, on the same base as the event's time.
 */
export interface EventTime extends Node {
  readonly kind: 'absolute' | 'relative' | 'any' | 'absolute-range' | 'relative-range';
  readonly at: number;
  readonly until: number | null;
}

export type EventBody = PacketBody | SyscallBody | CommandBody | CodeBody;

/** A backtick command. `text` is what stood between the backticks, unchanged; `textSpan` is where it stood. */
export interface CommandBody extends Node {
  readonly kind: 'command';
  readonly text: string;
  readonly textSpan: Span;
}

/** `%{ text }%`: blanks and tabs at both ends removed, newlines kept. `textSpan` is the place of `text`. */
export interface CodeBody extends Node {
  readonly kind: 'code';
  readonly text: string;
  readonly textSpan: Span;
}

export interface SyscallBody extends Node {
  readonly kind: 'syscall';
  /** `...T`: when a blocking call returns, microseconds on the base of the event's time; null: it does not block. */
  readonly end: number | null;
  readonly name: string;
  readonly args: readonly Expression[];
  readonly result: Expression;
  readonly errno: Errno | null;
  /** `(flags O_RDWR)`: the words in the parentheses, single-spaced. Never checked. */
  readonly note: string | null;
}

export interface Errno extends Node {
  readonly name: string;
  readonly text: string;
}
