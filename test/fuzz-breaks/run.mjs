#!/usr/bin/env node
// Breaks the stack on purpose, one committed patch at a time (*.patch beside this file), and lets the fuzzers look for it.
// A patch begins with `What: …` (the break in words) and `Expect: …` (the targets that ought to see it, with | between).
// A patch that no longer applies is a failure, and so is one that nobody finds.
//   node test/fuzz-breaks/run.mjs [NAME…] [--seconds N] [--jobs N] [--all-targets] [--write docs/fuzz-breaks.md]
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { transformSync } from 'esbuild';
import { readArguments, wholeNumber } from '../../scripts/arguments.mjs';

const folder = import.meta.dirname;
const root = resolve(folder, '../..');
const { values, positionals } = readArguments(
  {
    seconds: { type: 'string', default: '120' },
    jobs: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    'all-targets': { type: 'boolean', default: false },
    write: { type: 'string' },
    results: { type: 'string' },
  },
  true,
);
const patches = readdirSync(folder)
  .filter(
    (name) =>
      name.endsWith('.patch') &&
      (positionals.length === 0 || positionals.some((part) => name.includes(part))),
  )
  .sort();

const work = mkdtempSync(join(tmpdir(), 'netchannel-fuzz-breaks-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

/** A broken build: the compiled tree with the one file of the patch in it anew. Types play no part in what runs. */
function broken(name, text) {
  const copy = join(work, name);
  const file = /^\+\+\+ b\/(.+)$/m.exec(text)[1];
  mkdirSync(join(copy, dirname(file)), { recursive: true });
  cpSync(join(root, file), join(copy, file));
  const applied = spawnSync('git', ['apply', '--unidiff-zero', join(folder, name)], {
    cwd: copy,
    encoding: 'utf8',
  });
  if (applied.status !== 0) return { error: `no longer applies: ${applied.stderr.trim()}` };
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
  cpSync(join(root, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const { code } = transformSync(readFileSync(join(copy, file), 'utf8'), {
    loader: 'ts',
    format: 'esm',
    target: 'es2023',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  });
  writeFileSync(join(copy, 'dist', file.replace(/\.ts$/, '.js')), code);
  return { copy };
}

function run(copy, targets) {
  return new Promise((done) => {
    const args = ['dist/cli/main.js', 'fuzz', ...targets, '--time', values.seconds, '--seed', values.seed];
    const child = spawn(process.execPath, [...args, '--stop-on-find', '--no-file', '--json'], { cwd: copy });
    let out = '';
    let err = '';
    child.stdout.on('data', (data) => (out += data));
    child.stderr.on('data', (data) => (err += data));
    child.on('close', (status) => done({ out, err, status }));
  });
}

async function tryBreak(name) {
  const text = readFileSync(join(folder, name), 'utf8');
  const what = /^What: (.+)$/m.exec(text)?.[1];
  const expect = /^Expect: (.+)$/m.exec(text)?.[1];
  if (what === undefined || expect === undefined)
    return { name, what: '', error: 'has no What: and Expect: line' };
  const { copy, error } = broken(name, text);
  if (error !== undefined) return { name, what, error };
  const { out, err, status } = await run(copy, values['all-targets'] ? [] : expect.split('|'));
  rmSync(copy, { recursive: true, force: true });
  const lines = out
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  const find = lines.find((line) => line.event === 'find');
  if (find !== undefined) return { name, what, find };
  return {
    name,
    what,
    error:
      status === 0 ? `not found in ${values.seconds} s` : `status ${status}: ${err.trim().split('\n').pop()}`,
  };
}

const results = [];
const queue = [...patches];
await Promise.all(
  Array.from({ length: wholeNumber('--jobs', values.jobs) }, async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const result = await tryBreak(name);
      results.push(result);
      const { find, error } = result;
      const text = find
        ? `${find.target}, ${find.runs} runs, ${find.seconds.toFixed(1)} s: ${find.message.slice(0, 120)}`
        : error;
      console.log(`${find ? 'found' : 'MISSED'} ${name}: ${text}`);
      if (values.results) writeFileSync(values.results, JSON.stringify(results, null, 1));
    }
  }),
);
results.sort((a, b) => (a.name < b.name ? -1 : 1));
const found = results.filter(({ find }) => find !== undefined).length;
if (values.write !== undefined) writeFileSync(resolve(root, values.write), table());
console.log(`${found} passed, ${results.length - found} failed, 0 skipped`);
process.exitCode = found < results.length || results.length === 0 ? 1 : 0;

function table() {
  const rows = results.map(({ name, what, find, error }) => {
    const cells = find
      ? [find.target, String(find.runs), find.seconds.toFixed(1), find.id.replaceAll('|', '/')]
      : ['—', '', '', error.replaceAll('|', '/').replaceAll('\n', ' ')];
    return `| \`${name.replace('.patch', '')}\` | ${what} | ${cells.join(' | ')} |`;
  });
  const who = values['all-targets'] ? 'all targets' : 'the targets that its patch expects to see it';
  return `# Breaks that the fuzzers find

Generated by \`node test/fuzz-breaks/run.mjs\`. Each patch of \`test/fuzz-breaks/\` breaks the stack in one way; it was written
before a fuzzer ran on it. The stack so broken was fuzzed with ${who} in one thread, seed ${values.seed}, for at most
${values.seconds} s of wall-clock time; runs are those of the target that found it, seconds include everything up to the
shrunk failure.

${found} of ${results.length} were found.

| break | what is broken | found by | runs | seconds | as |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
