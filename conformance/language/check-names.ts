// Finds names in a parsed script that nothing gives a meaning: calls, symbols, errnos, `-D` names left undefined.
// The grammar cannot tell, and a target may know more calls than we do; so these are findings, not syntax errors.

import type { Expression, Script, Span, UndefinedName, Value } from './ast.js';
import { ScriptError, type ScriptErrorDetails } from './errors.js';
import { Source } from './source.js';
import { nearest } from './suggest.js';
import { ERRNOS } from './symbols/errno.js';
import { errnoNumber, nearestSymbol, symbolValue } from './symbols.js';
import { SYSTEM_CALLS } from './vocabulary.js';
import { systemCallsOf, walkExpression } from './walk.js';

export interface NameCheckOptions {
  /** Calls that the target knows beside the language's own. */
  readonly calls?: readonly string[];
}

/**
 * @param text the script's text, for excerpts
 * @returns one finding a name and place, in the order of the script; an empty list when every name is known
 */
export function checkNames(script: Script, text: string, options: NameCheckOptions = {}): ScriptError[] {
  const source = new Source(script.file, text);
  const findings: ScriptError[] = [];
  const report = (problem: string, span: Span, details: ScriptErrorDetails) =>
    findings.push(new ScriptError('UNKNOWN_NAME', problem, span, source.lineText(span.line), details));
  const calls = [...SYSTEM_CALLS, ...(options.calls ?? [])];

  const symbol = (name: string, span: Span) => {
    if (symbolValue(name) !== undefined) return;
    const suggestion = nearestSymbol(name);
    report(`unknown symbol '${name}'`, span, { suggestion, note: `-D ${name}=VALUE would define it` });
  };
  const expression = (e: Expression) =>
    walkExpression(e, (part) => {
      if (part.kind === 'word') symbol(part.name, part.span);
    });

  for (const call of systemCallsOf(script)) {
    if (!calls.includes(call.name)) {
      report(`unknown system call '${call.name}'`, call.span, { suggestion: nearest(call.name, calls) });
    }
    for (const arg of call.args) expression(arg);
    expression(call.result);
    if (call.errno !== null && errnoNumber(call.errno.name) === undefined) {
      const suggestion = nearest(
        call.errno.name,
        ERRNOS.map(([name]) => name),
      );
      report(`unknown errno '${call.errno.name}'`, call.errno.span, { suggestion });
    }
  }
  for (const missing of undefinedNames(script)) {
    report(`'${missing.name}' is not defined`, missing.span, {
      note: `define it with -D ${missing.name}=VALUE`,
    });
  }
  return findings.sort((a, b) => a.span.line - b.span.line || a.span.column - b.span.column);
}

/** The `-D` names that stand in packets and were not given. A script with any cannot run. */
export function undefinedNames(script: Script): UndefinedName[] {
  const found: UndefinedName[] = [];
  const note = (value: Value | string | null | undefined) => {
    if (typeof value === 'object' && value !== null) found.push(value);
  };
  for (const { body } of script.events) {
    if (body.kind !== 'packet') continue;
    const { transport } = body;
    if (transport.kind === 'icmp') {
      note(transport.type);
      note(transport.code);
    }
    if (transport.kind !== 'tcp') continue;
    note(transport.ack);
    note(transport.window);
    note(transport.urgent);
    for (const option of transport.options === 'any' ? [] : transport.options) {
      if (option.kind === 'mss' || option.kind === 'wscale') note(option.value);
      else if (option.kind === 'TS') {
        note(option.val);
        note(option.ecr);
      } else if (option.kind === 'FO') note(option.cookie);
      else if (option.kind === 'accecn') option.counters.forEach(note);
    }
  }
  return found;
}
