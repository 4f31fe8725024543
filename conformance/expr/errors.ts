// What can go wrong in a `%{ }%` snippet: one error with a stable code and a place in the script.

import type { Span } from '../language/ast.js';
import { excerpt } from '../language/errors.js';

export type SnippetErrorCode =
  | 'SYNTAX' // not in the language
  | 'UNSUPPORTED' // Python, but beyond the subset that snippets may use
  | 'NAME' // a name without a value
  | 'TYPE' // an operation that its operands do not have
  | 'VALUE' // a division by zero, a bad format, a number too large
  | 'ASSERTION'; // an assert that does not hold

/** A failed assertion's parts, for reports. */
export interface FailedAssertion {
  /** The condition as written. */
  readonly condition: string;
  /** Every comparison's sides and other names in the condition with their values, as text. */
  readonly values: readonly (readonly [text: string, value: string])[];
  /** What stands behind the comma, evaluated; null when nothing does. */
  readonly message: string | null;
}

export class SnippetError extends Error {
  override readonly name = 'SnippetError';
  readonly code: SnippetErrorCode;
  readonly span: Span;
  /** The bare sentence, without place and excerpt. */
  readonly problem: string;
  readonly assertion: FailedAssertion | null;

  constructor(
    code: SnippetErrorCode,
    problem: string,
    span: Span,
    lineText: string,
    assertion: FailedAssertion | null = null,
  ) {
    const lines = [`${span.file}:${span.line}:${span.column}: ${problem}`, excerpt(span, lineText)];
    for (const [text, value] of assertion?.values ?? []) lines.push(`  ${text} is ${value}`);
    if (assertion?.message != null) lines.push(`  message: ${assertion.message}`);
    super(lines.join('\n'));
    this.code = code;
    this.span = span;
    this.problem = problem;
    this.assertion = assertion;
    this.stack = `${this.name}: ${this.message}\n    at ${span.file}:${span.line}:${span.column}`;
  }
}
