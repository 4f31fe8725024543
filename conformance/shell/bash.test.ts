// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a shell
// The restricted shell against bash, where there is one: generated texts of harmless commands (nothing that writes
// a file or starts a program but grep and cat) must print the same and end with the same status.

import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShellError } from './errors.js';
import { fakeHost } from './fake-host.test.support.js';
import type { RunOutcome } from './interpreter.js';
import { Shell } from './shell.js';

// -f: we have no file names to expand.
const options = ['--noprofile', '--norc', '-f', '-c'];
const environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
const available = spawnSync('bash', [...options, 'echo $((6 * 7))'], { encoding: 'utf8' }).stdout === '42\n';

const text = fc.constantFrom(
  'a',
  'b c',
  '',
  '1',
  '-n',
  'x=y',
  '#no',
  "it's",
  '$X',
  'a;b',
  '*',
  '  d  ',
  '\\',
  'tab\tx',
);
const quotedWord = fc.oneof(
  text.filter((t) => !t.includes("'")).map((t) => `'${t}'`),
  text.map((t) => `"${t.replace(/[\\"]/g, '\\$&')}"`),
);
const arithmetic = fc.letrec<{ e: string }>((tie) => ({
  e: fc.oneof(
    { depthSize: 'small' },
    fc.integer({ min: 0, max: 99 }).map(String),
    fc.constantFrom('X', 'N', '0x1f', '017'),
    fc
      .tuple(
        tie('e'),
        fc.constantFrom('+', '-', '*', '<', '>=', '==', '&&', '||', '&', '|', '^', '<<', '%', '/'),
        tie('e'),
      )
      .map(([a, operator, b]) => `(${a} ${operator} ${b})`),
    tie('e').map((e) => `-${e.startsWith('-') ? ` ${e}` : e}`),
    tie('e').map((e) => `!${e}`),
    tie('e').map((e) => `~(${e})`),
  ),
})).e;

const { list } = fc.letrec<{ list: string; pipeline: string; command: string; word: string }>((tie) => ({
  word: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('a', 'bb', '7', 'x.y'),
    quotedWord,
    fc.constantFrom(
      '$X',
      '"$X"',
      '${Y:-none}',
      '$?',
      '"${N}k"',
      '$#',
      'pre"$X"post',
      '$X$N',
      'a\\ b',
      '"$Y"',
    ),
    arithmetic.map((e) => `$((${e}))`),
    tie('command').map((c) => `"$(${c})"`),
    tie('command').map((c) => `$(${c})`),
  ),
  command: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.array(tie('word'), { maxLength: 4 }).map((words) => ['echo', ...words].join(' ')),
    fc
      .array(tie('word'), { minLength: 1, maxLength: 3 })
      .map((words) => `printf '[%s]\\n' ${words.join(' ')}`),
    fc.constantFrom('true', 'false', ':', 'N=5', "X='p  q'", 'unset X', 'export X=r', 'Y=$X$N'),
    fc
      .tuple(tie('word'), tie('word'))
      .map(([a, b]) => `test "${'x'}"${a.startsWith('"') ? a : 'a'} = x${b.startsWith('"') ? b : 'b'}`),
    fc
      .tuple(fc.nat(3), fc.constantFrom('-eq', '-ne', '-lt', '-ge'), fc.nat(3))
      .map(([a, o, b]) => `[ ${a} ${o} ${b} ]`),
    fc.tuple(tie('list'), tie('list'), tie('list')).map(([a, b, c]) => `if ${a}; then ${b}; else ${c}; fi`),
    fc
      .tuple(fc.array(tie('word'), { minLength: 1, maxLength: 3 }), tie('list'))
      .map(([words, body]) => `for X in ${words.join(' ')}; do ${body}; done`),
    tie('list').map((inner) => `{ ${inner}; } 2>&1`),
  ),
  pipeline: fc.oneof(
    tie('command'),
    tie('command').map((c) => `! ${c}`),
    // The left side of a pipe is a subshell in bash: what it assigns is lost, so it assigns nothing here.
    fc
      .tuple(
        fc.array(tie('word'), { maxLength: 2 }),
        fc.constantFrom('cat', 'grep a', 'grep -c x', 'grep -qv b', 'grep -io "A."'),
      )
      .map(([words, filter]) => `echo ${words.join(' ')} | ${filter}`),
  ),
  list: fc
    .array(fc.tuple(tie('pipeline'), fc.constantFrom('; ', '\n', ' && ', ' || ')), {
      minLength: 1,
      maxLength: 3,
    })
    .map((parts) => parts.map(([p, separator], i) => p + (i === parts.length - 1 ? '' : separator)).join('')),
}));

test.skipIf(!available)(
  available ? 'texts do what they do in bash' : 'against bash (skipped: none here)',
  () => {
    const samples = fc
      .sample(list, { numRuns: 250, seed: 20260514 })
      .filter((sample) => sample.length < 2000 && !/\/|%/.test(sample.replace(/printf '\[%s\]/g, '')));
    expect(samples.length).toBeGreaterThan(100);
    let compared = 0;
    for (const sample of samples) {
      const theirs = spawnSync('bash', [...options, sample, 'bash'], {
        encoding: 'utf8',
        env: environment,
        timeout: 5000,
      });
      let ours: RunOutcome;
      try {
        ours = new Shell(fakeHost()).run(sample, { file: 'x.pkt', line: 1 });
      } catch (error) {
        if (!(error instanceof ShellError)) throw error;
        // A variable that holds a word: bash goes on to take that for a name, we refuse.
        if (error.problem.includes('which is no number')) continue;
        // What else we refuse, bash complains of.
        expect(theirs.stderr + theirs.stdout, `${sample}\n${error.message}`).toMatch(/error|division/);
        continue;
      }
      compared++;
      expect({ stdout: ours.stdout, status: ours.status }, sample).toEqual({
        stdout: theirs.stdout,
        status: theirs.status,
      });
    }
    expect(compared).toBeGreaterThan(100);
  },
);
