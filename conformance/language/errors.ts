// What is wrong with a script's text: one error type with a place, an excerpt with a caret, what was expected and
// the nearest known word. It knows nothing of the grammar.

import type { Span } from './ast.js';
import type { Source } from './source.js';

/** Stable identifiers of what can be wrong. */
export type ScriptErrorCode =
  | 'SYNTAX' // a token that cannot stand here
  | 'UNTERMINATED' // a string, command, code block or comment without its end
  | 'RANGE' // a number that its field cannot hold, or numbers that contradict each other
  | 'NOT_ALLOWED' // well formed, but not in this place (direction, time kind)
  | 'UNKNOWN_OPTION' // a `--name` that nobody knows
  | 'UNKNOWN_NAME' // a flag, TCP option, ICMP type, call or symbol that nobody knows
  | 'UNSUPPORTED' // read and understood, but left out on purpose (SCTP, UDP-Lite)
  | 'DIALECT' // a construct of the other dialect
  | 'DIRECTIVE'; // unbalanced #ifdef / #endif

export interface ScriptErrorDetails {
  readonly expected?: readonly string[];
  readonly suggestion?: string | null;
  readonly note?: string;
}

export class ScriptError extends Error {
  override readonly name = 'ScriptError';
  readonly code: ScriptErrorCode;
  readonly span: Span;
  /** The bare sentence, without place and excerpt. */
  readonly problem: string;
  readonly expected: readonly string[];
  readonly suggestion: string | null;

  constructor(
    code: ScriptErrorCode,
    problem: string,
    span: Span,
    lineText: string,
    details: ScriptErrorDetails = {},
  ) {
    super(format(problem, span, lineText, details));
    this.code = code;
    this.span = span;
    this.problem = problem;
    this.expected = details.expected ?? [];
    this.suggestion = details.suggestion ?? null;
    // Test runners read the place of a failure from here and show the script instead of the parser.
    this.stack = `${this.name}: ${this.message}\n    at ${span.file}:${span.line}:${span.column}`;
  }
}

/** Builds the error for a range of offsets in `source`. */
export function scriptError(
  source: Source,
  code: ScriptErrorCode,
  problem: string,
  start: number,
  end: number,
  details: ScriptErrorDetails = {},
): ScriptError {
  const span = source.span(start, Math.max(end, start));
  return new ScriptError(code, problem, span, source.lineText(span.line), details);
}

/** `a`, `a or b`, `a, b or c`. */
export function joinWords(words: readonly string[]): string {
  if (words.length <= 1) return words[0] ?? '';
  return `${words.slice(0, -1).join(', ')} or ${words[words.length - 1]}`;
}

/** The source line and below it a caret with the extent underlined; tabs are kept so that the caret lines up. */
export function excerpt(span: Span, lineText: string): string {
  const lead = lineText.slice(0, span.column - 1).replace(/[^\t]/g, ' ');
  const end = span.endLine === span.line ? span.endColumn : lineText.length + 1;
  const width = Math.max(1, end - span.column);
  return `  ${lineText}\n  ${lead}^${'~'.repeat(width - 1)}`;
}

function format(problem: string, span: Span, lineText: string, details: ScriptErrorDetails): string {
  const lines = [`${span.file}:${span.line}:${span.column}: ${problem}`, excerpt(span, lineText)];
  if (details.expected && details.expected.length > 0) lines.push(`expected ${joinWords(details.expected)}`);
  if (details.suggestion) lines.push(`did you mean '${details.suggestion}'?`);
  if (details.note) lines.push(details.note);
  return lines.join('\n');
}
