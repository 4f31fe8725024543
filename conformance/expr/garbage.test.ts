// Whatever the text, a snippet ends soon, and with nothing but a result or a SnippetError.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SnippetError } from './errors.js';
import { environmentFrom, SnippetSession } from './session.js';

function survive(text: string): void {
  try {
    new SnippetSession().run(text, { file: 'x.pkt', line: 1, column: 1 }, environmentFrom({ t: 5 }));
  } catch (error) {
    if (!(error instanceof SnippetError)) throw error;
  }
}

const piece = fc.constantFrom(
  ...[
    'assert ',
    'print(',
    't',
    'x',
    ' = ',
    ' += ',
    '1',
    '0',
    '0x',
    '1.5',
    "'%d'",
    '"',
    "'",
    ' % ',
    '(',
    ')',
    ',',
    ';',
  ],
  ...[
    '\n',
    '  ',
    '\t',
    '#',
    '\\\n',
    ' and ',
    ' or ',
    'not ',
    ' == ',
    ' < ',
    ' & ',
    ' ** ',
    ' << ',
    '-',
    '~',
    'if ',
  ],
  ...[
    ':',
    'else',
    'elif ',
    'pass',
    ' in ',
    ' is ',
    'None',
    'True',
    'min(',
    'len(',
    '.',
    '[',
    '{',
    '\u00e9',
    '$',
  ],
);

test('words of the language in any order', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => survive(pieces.join(''))),
    { numRuns: 5000 },
  );
});

test('texts made to be slow, deep or large', () => {
  const n = 20_000;
  for (const text of [
    `x = ${'-'.repeat(n)}1`,
    `x = ${'('.repeat(n)}`,
    `x = ${'not '.repeat(990)}1`,
    `x = ${'1+'.repeat(990)}1`,
    `x = ${'2**'.repeat(990)}2`,
    `x = ${'1 if 1 else '.repeat(300)}1`,
    `x = ${'1<'.repeat(n)}1`,
    `${'if 1:'.repeat(900)}pass`,
    Array.from({ length: 100 }, (_, i) => `${' '.repeat(i)}if 1:`).join('\n'),
    `x = 2\n${'x = x * x\n'.repeat(100)}`,
    `x = "a"\n${'x = x + x\n'.repeat(100)}`,
    `x = "%0999999999d" % 1`,
    'x = "%.999999999f" % 1.5',
    `x = "${'a'.repeat(n)}" * 99999`,
  ]) {
    const start = process.cpuUsage();
    survive(text);
    // Work done, not time gone by, which a busy machine makes long.
    expect(process.cpuUsage(start).user / 1000, text.slice(0, 20)).toBeLessThan(5000);
  }
});
