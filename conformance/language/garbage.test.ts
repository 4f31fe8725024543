// Whatever the text, the parser answers with a tree or with a ScriptError, soon.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ScriptError } from './errors.js';
import { parseScript } from './parser.js';
import { printScript } from './printer.js';
import { withoutPositions } from './same-tree.js';
import { script } from './script-arbitrary.test.support.js';
import { DefinitionError } from './tokens.js';

/** Parses; what parses must print and parse again. Any error but the expected ones fails the test. */
function survive(text: string): void {
  for (const dialect of ['google', 'nplab'] as const) {
    try {
      const tree = parseScript(text, { dialect });
      const again = parseScript(printScript(tree), { dialect });
      expect(withoutPositions(again)).toEqual(withoutPositions(tree));
    } catch (error) {
      if (!(error instanceof ScriptError) && !(error instanceof DefinitionError)) throw error;
      if (error instanceof ScriptError) expect(error.span.line).toBeGreaterThan(0);
    }
  }
}

const piece = fc.constantFrom(
  ...[
    '0 ',
    '+.1 ',
    '* ',
    '< ',
    '> ',
    'S. ',
    '1:1(0) ',
    'ack 1 ',
    'win ',
    '<',
    '>',
    'mss ',
    'TS val ',
    ',',
    '...',
  ],
  ...[
    '[',
    ']',
    '(',
    ')',
    '{',
    '}',
    '|',
    '=',
    'f(',
    '"a"',
    '`b`',
    '%{',
    '}%',
    '/*',
    '*/',
    '//',
    '#',
    '\n',
    '--mss',
  ],
  ...[
    '#ifdef X\n',
    '#endif\n',
    '::1',
    '1.2.3.4',
    ':',
    '-',
    '!',
    '0x',
    '1e5',
    'udp',
    'icmp ',
    'ipv4 ',
    'gre ',
    '\\',
  ],
  ...[
    'events=',
    'fd=',
    'msg_name(',
    'flags ',
    'EAGAIN ',
    '/udp(',
    'exp-',
    'gen-5',
    '\u00e9',
    '\0',
    '--define=S=T ',
  ],
);

test('words of the language in any order', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => survive(pieces.join(''))),
    { numRuns: 3000 },
  );
});

test('scripts with a few characters changed', () => {
  const change = fc.record({
    at: fc.nat(),
    remove: fc.nat(3),
    insert: fc.oneof(piece, fc.string({ maxLength: 3 })),
  });
  fc.assert(
    fc.property(script, fc.array(change, { minLength: 1, maxLength: 3 }), (tree, changes) => {
      let text = printScript(tree);
      for (const { at, remove, insert } of changes) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + insert + text.slice(place + remove);
      }
      survive(text);
    }),
    { numRuns: 1000 },
  );
});

test('texts made to be slow or deep', () => {
  const n = 50_000;
  for (const text of [
    `0 f(${'['.repeat(n)}`,
    `0 f(${'{'.repeat(n)}`,
    `0 f(${'A='.repeat(n)}1) = 0`,
    `0 f(${'1|'.repeat(n)}1) = 0`,
    `0 f(${'"a" '.repeat(n)}) = 0`,
    `0 > ${'ipv4 1.2.3.4 > 1.2.3.4: '.repeat(n / 10)}. 1:1(0)`,
    `0 > ${'a:'.repeat(n)}:`,
    `0 ${'1'.repeat(n)}`,
    `0 f("${'\\'.repeat(n)}`,
    `/*${'*'.repeat(n)}`,
    `0 f() = 0 ${'('.repeat(n)}`,
    `${'#ifdef X\n'.repeat(n / 10)}`,
    `${'0 f() = 0\n'.repeat(n / 10)}`,
  ]) {
    const start = process.cpuUsage();
    survive(text);
    // Work done, not time gone by, which a busy machine makes long.
    expect(process.cpuUsage(start).user / 1000, text.slice(0, 20)).toBeLessThan(5000);
  }
});
