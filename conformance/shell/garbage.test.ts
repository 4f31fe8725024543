// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a shell
// Whatever the text, the shell ends soon, and with nothing but a status or a ShellError.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShellError } from './errors.js';
import { fakeHost } from './fake-host.test.support.js';
import { Shell } from './shell.js';

function survive(text: string): void {
  try {
    new Shell(fakeHost({ 'net.a': '1' })).run(text, { file: 'x.pkt', line: 1 });
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
  }
}

const piece = fc.constantFrom(
  ...[
    'echo ',
    'a',
    ' ',
    '"',
    "'",
    '\\',
    '$',
    '$X',
    '${X}',
    '$((',
    '))',
    '$(',
    ')',
    '(',
    '|',
    '||',
    '&&',
    '&',
    ';',
  ],
  ...[
    '\n',
    '>',
    '>>',
    '2>&1',
    '&>',
    '<',
    '/tmp/x',
    '/proc/sys/net/a',
    '#',
    'if ',
    'then ',
    'fi',
    'for i in ',
    'do ',
  ],
  ...[
    'done',
    '{ ',
    '}',
    '! ',
    'sysctl ',
    'net.a=2',
    'grep ',
    '-q',
    'test ',
    '[ ',
    ' ]',
    '1',
    '=',
    'X=',
    '*',
    'cat ',
  ],
  ...[
    'ip ',
    'route ',
    'tc ',
    'qdisc ',
    'dd ',
    'if=/dev/zero',
    'bs=9G',
    'nstat',
    'sleep ',
    'exit ',
    'set -e',
    '"$@"',
  ],
);

test('words of the shell in any order', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => survive(pieces.join(''))),
    { numRuns: 5000 },
  );
});

test('texts made to be slow or deep', () => {
  const n = 20_000;
  for (const text of [
    '$('.repeat(n),
    `echo ${'$('.repeat(40)}echo a${')'.repeat(40)}`,
    `echo $((${'('.repeat(n)}`,
    `echo $((${'-'.repeat(n)}1))`,
    '{ '.repeat(n),
    'if true; then '.repeat(n),
    'echo a | '.repeat(n),
    'true && '.repeat(n),
    `echo ${'a'.repeat(n)}"`,
    `X=aaaaaaaaaa; for i in ${'1 '.repeat(60)}; do X=$X$X; done`,
  ]) {
    const start = process.cpuUsage();
    survive(text);
    // Work done, not time gone by, which a busy machine makes long.
    expect(process.cpuUsage(start).user / 1000, text.slice(0, 20)).toBeLessThan(5000);
  }
});
