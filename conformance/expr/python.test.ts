// The evaluator against Python itself, where there is one: generated expressions must print the same.

import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SnippetError } from './errors.js';
import { SnippetSession } from './session.js';

const python = spawnSync('python3', ['-I', '-c', 'print(6 * 7)'], { encoding: 'utf8' });
const available = python.stdout === '42\n';

const { expression } = fc.letrec<{ expression: string }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.bigInt(-(2n ** 40n), 2n ** 40n).map((n) => (n < 0n ? `(${n})` : `${n}`)),
    fc.integer({ min: 0, max: 9 }).map(String),
    fc.constantFrom('True', 'False', '0x1f', '1.5', "'ab'", "''", 'None'),
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom(
          '+',
          '-',
          '*',
          '//',
          '%',
          '&',
          '|',
          '^',
          '==',
          '!=',
          '<',
          '<=',
          '>',
          '>=',
          ' and ',
          ' or ',
        ),
        tie('expression'),
      )
      .map(([a, operator, b]) => `${a} ${operator} ${b}`),
    tie('expression').map((inner) => `(${inner})`),
    fc
      .tuple(fc.constantFrom('-', '~', '+', 'not '), tie('expression'))
      .map(([sign, inner]) => `(${sign}(${inner}))`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `('%d %x' % ((${a}), (${b})))`),
    fc
      .tuple(tie('expression'), tie('expression'), tie('expression'))
      .map(([a, b, c]) => `(${a} if ${b} else ${c})`),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => `min(${a}, ${b})`),
  ),
}));

/** What each line prints, or `error` when it fails. */
const PROGRAM = `
import sys, warnings
warnings.simplefilter('ignore')
for line in sys.stdin.read().split('\\n'):
    try:
        print(repr(str(eval(line, {'__builtins__': {'min': min}}))))
    except Exception:
        print('error')
`;

function ours(text: string): string {
  try {
    return new SnippetSession().run(`print(${text})`, { file: 'x', line: 1, column: 1 })[0]!;
  } catch (error) {
    if (error instanceof SnippetError) return 'error';
    throw error;
  }
}

test.skipIf(!available)(
  available ? 'expressions mean what they mean in Python' : 'against Python (skipped: no python3 here)',
  () => {
    const samples = fc
      .sample(expression, { numRuns: 3000, seed: 20260514 })
      .filter((text) => text.length < 500);
    const result = spawnSync('python3', ['-I', '-c', PROGRAM], {
      input: samples.join('\n'),
      encoding: 'utf8',
    });
    const theirs = result.stdout.trimEnd().split('\n');
    expect(theirs).toHaveLength(samples.length);
    let compared = 0;
    for (const [i, text] of samples.entries()) {
      const answer = theirs[i]!;
      if (answer !== 'error') compared++;
      const mine = ours(text);
      expect(mine === 'error' ? mine : `'${mine}'`, text).toBe(answer.replace(/^"(.*)"$/, "'$1'"));
    }
    expect(compared).toBeGreaterThan(500);
  },
);
