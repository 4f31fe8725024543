// Everything that can be said of a script without running it: does it parse, does printing keep it, are its names
// known. What `conform --parse-only` reports.

import { isDeepStrictEqual } from 'node:util';
import type { Script } from './ast.js';
import { checkNames, type NameCheckOptions } from './check-names.js';
import type { ScriptError } from './errors.js';
import { type ParseOptions, parseScript } from './parser.js';
import { printScript } from './printer.js';
import { withoutPositions } from './same-tree.js';

export interface Verification {
  readonly script: Script;
  /** Names without a meaning. They do not keep a script from being read; most keep it from being run. */
  readonly findings: readonly ScriptError[];
}

/** Printing a tree and parsing it again gave another tree: a fault of ours, not of the script. */
export class RoundTripError extends Error {
  override readonly name = 'RoundTripError';
  readonly code = 'ROUND_TRIP';
}

/**
 * Parses a script, prints it, parses that again and compares; then looks at its names.
 * @throws ScriptError when the text is no script, RoundTripError when printing changed it
 */
export function verifyScript(text: string, options: ParseOptions & NameCheckOptions = {}): Verification {
  const script = parseScript(text, options);
  const printed = printScript(script);
  const again = parseScript(printed, { ...options, file: `${script.file} (printed)` });
  if (!isDeepStrictEqual(withoutPositions(again), withoutPositions(script))) {
    throw new RoundTripError(`${script.file}: printing and parsing again gives another tree`);
  }
  return { script, findings: checkNames(script, text, options) };
}
