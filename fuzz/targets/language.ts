// Target `language`: the script parser and the command shell on arbitrary text. Whatever the text, they answer with a
// tree or a typed error, soon; what parses prints, and the print parses to the same tree.

import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import {
  DefinitionError,
  parseScript,
  printScript,
  ScriptError,
  withoutPositions,
} from '../../conformance/language/index.js';
import { script } from '../../conformance/language/script-arbitrary.test.support.js';
import { fakeHost } from '../../conformance/shell/fake-host.test.support.js';
import { Shell, ShellError } from '../../conformance/shell/index.js';
import { invariant, jsonCodec, type Target } from '../target.js';
import { SCRIPT_WORDS, SHELL_WORDS } from './language-words.js';

export interface LanguageInput {
  readonly kind: 'script' | 'shell';
  readonly text: string;
}

/** ms of work for one text of some kilobytes: far above what any needs, far below what a person waits. */
const SOON = 2000;

function judgeScript(text: string): void {
  for (const dialect of ['google', 'nplab'] as const) {
    try {
      const tree = parseScript(text, { dialect });
      const printed = printScript(tree);
      let again: ReturnType<typeof parseScript>;
      try {
        again = parseScript(printed, { dialect });
      } catch (error) {
        invariant(!(error instanceof ScriptError), 'what is printed does not parse', () => printed);
        throw error;
      }
      invariant(
        isDeepStrictEqual(withoutPositions(again), withoutPositions(tree)),
        'what is printed parses to another tree',
        () => printed,
      );
    } catch (error) {
      if (error instanceof DefinitionError) continue;
      if (!(error instanceof ScriptError)) throw error;
      const { line } = error.span;
      const lines = text.split('\n').length;
      invariant(
        line > 0 && line <= lines,
        'an error points outside the text',
        () => `line ${line} of ${lines}`,
      );
    }
  }
}

function judgeShell(text: string): void {
  try {
    new Shell(fakeHost({ 'net.a': '1' })).run(text, { file: 'x.pkt', line: 1 });
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
  }
}

const scriptWord = fc.constantFrom(...SCRIPT_WORDS);
const shellWord = fc.constantFrom(...SHELL_WORDS);
const change = fc.record({
  at: fc.nat(),
  remove: fc.nat(3),
  insert: fc.oneof(scriptWord, fc.string({ maxLength: 3, unit: 'binary' })),
});

export const languageTarget: Target<LanguageInput> = {
  name: 'language',
  about: 'the script parser, its printer and the command shell on arbitrary text',
  sliceRuns: 400,
  inputs: () => {
    const words = fc.array(scriptWord, { maxLength: 40 }).map((parts) => parts.join(''));
    const changed = fc
      .tuple(script, fc.array(change, { maxLength: 4 }))
      .map(([tree, changes]) => changes.reduce(applyChange, printScript(tree)));
    const shell = fc
      .array(
        fc.oneof({ weight: 6, arbitrary: shellWord }, { weight: 1, arbitrary: fc.string({ maxLength: 4 }) }),
        {
          maxLength: 30,
        },
      )
      .map((parts) => parts.join(''));
    const anything = fc.string({ maxLength: 200, unit: 'binary' });
    const scriptText = fc.oneof(words, changed, anything).map((text) => ({ kind: 'script' as const, text }));
    const shellText = fc.oneof(shell, shell, anything).map((text) => ({ kind: 'shell' as const, text }));
    return fc.oneof({ weight: 3, arbitrary: scriptText }, { weight: 1, arbitrary: shellText });
  },
  run(input, witness) {
    witness?.step(`${input.kind} ${JSON.stringify(input.text)}`);
    const began = process.cpuUsage();
    if (input.kind === 'shell') judgeShell(input.text);
    else judgeScript(input.text);
    // Of the whole process, other threads included; but time gone by would blame the text for a busy machine.
    const took = process.cpuUsage(began).user / 1000;
    invariant(
      took < SOON,
      'a short text takes seconds',
      () => `${took.toFixed(0)} ms, ${input.text.length} characters`,
    );
  },
  ...jsonCodec<LanguageInput>(),
};

function applyChange(
  text: string,
  { at, remove, insert }: { at: number; remove: number; insert: string },
): string {
  const place = at % (text.length + 1);
  return text.slice(0, place) + insert + text.slice(place + remove);
}
