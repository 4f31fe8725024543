// From words to arguments: parameters, arithmetic, command substitution, splitting at blanks. No globs.

import { ArithmeticError, evaluateArithmetic } from './arithmetic.js';
import { ShellError } from './errors.js';
import type { CommandList, Word } from './syntax.js';

/** What expansion needs of the shell. */
export interface Expander {
  readonly file: string;
  /** `$1`, `$2`, ... */
  readonly parameters: readonly string[];
  variable(name: string): string;
  /** Runs a list and gives back what it printed. */
  substitute(list: CommandList): string;
}

/** Longer words are refused: a variable can be doubled again and again. */
const MAX_WORD = 1024 * 1024;

/** A word as one string, not split. */
export function expandWhole(shell: Expander, word: Word): string {
  let text = '';
  for (const part of word.parts) text = joined(shell, word, text, expandPart(shell, part, word));
  return text;
}

/** Words with expansions outside quotes split at blanks; `"$@"` keeps each parameter whole. */
export function expandWords(shell: Expander, words: readonly Word[]): string[] {
  return words.flatMap((word) => expandFields(shell, word));
}

function joined(shell: Expander, word: Word, a: string, b: string): string {
  if (a.length + b.length > MAX_WORD) {
    const place = { file: shell.file, line: word.line };
    throw new ShellError('LIMIT', `a word is longer than ${MAX_WORD} bytes`, place);
  }
  return a + b;
}

function expandPart(shell: Expander, part: Word['parts'][number], word: Word): string {
  switch (part.kind) {
    case 'literal':
      return part.text;
    case 'parameter': {
      const value = shell.variable(part.name);
      return value === '' && part.fallback !== null ? part.fallback : value;
    }
    case 'arithmetic':
      try {
        return evaluateArithmetic(part.text, (name) => shell.variable(name)).toString();
      } catch (error) {
        if (!(error instanceof ArithmeticError)) throw error;
        throw new ShellError('SYNTAX', error.message, { file: shell.file, line: word.line });
      }
    case 'substitution':
      return shell.substitute(part.list).replace(/\n+$/, '');
  }
}

function expandFields(shell: Expander, word: Word): string[] {
  const fields: string[] = [];
  let current: string | null = null;
  for (const part of word.parts) {
    if (part.kind === 'parameter' && part.name === '@' && part.quoted) {
      const [first, ...rest] = shell.parameters;
      if (first !== undefined) current = joined(shell, word, current ?? '', first);
      for (const parameter of rest) {
        fields.push(current!);
        current = parameter;
      }
      continue;
    }
    const text = expandPart(shell, part, word);
    if (part.kind === 'literal' || part.quoted) {
      current = joined(shell, word, current ?? '', text);
      continue;
    }
    for (const [index, piece] of text.split(/[ \t\n]+/).entries()) {
      if (index > 0 && current !== null) {
        fields.push(current);
        current = null;
      }
      if (piece !== '') current = joined(shell, word, current ?? '', piece);
    }
  }
  if (current !== null) fields.push(current);
  return fields;
}
