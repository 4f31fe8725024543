#!/usr/bin/env node
// Breaks the stack on purpose, one committed patch at a time (test/breaks/*.patch), and asks the own scripts to notice.
// A patch begins with `What: …` (the break in words) and `Points: REGEX` (what a failing script's report has to say for
// the failure to point at the break). A patch that no longer applies, does not build, or goes unnoticed is a failure.
//   node scripts/breaks.mjs [NAME…]     only the patches whose file name contains NAME
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { readArguments } from './arguments.mjs';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'test/breaks');
const wanted = readArguments({}, true).positionals;
const patches = readdirSync(folder)
  .filter(
    (name) => name.endsWith('.patch') && (wanted.length === 0 || wanted.some((part) => name.includes(part))),
  )
  .sort();

const copy = mkdtempSync(join(tmpdir(), 'netchannel-breaks-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

const git = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
for (const file of git('ls-files', '-co', '--exclude-standard').stdout.split('\n').filter(Boolean)) {
  mkdirSync(join(copy, dirname(file)), { recursive: true });
  cpSync(join(root, file), join(copy, file), { force: true });
}
cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true, preserveTimestamps: true });
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));

const inCopy = (command, args) =>
  spawnSync(command, args, { cwd: copy, encoding: 'utf8', maxBuffer: 1 << 28 });
const build = () => inCopy(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.']);
const apply = (patch, ...args) => inCopy('git', ['apply', '--unidiff-zero', ...args, patch]);

/** The runs of the own scripts that fail on the tree as it is. */
function failures() {
  const args = ['dist/cli/main.js', 'conform', 'conformance/scripts', '--strict-end', '--reporter', 'json'];
  const rows = inCopy(process.execPath, args)
    .stdout.split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
  return rows.filter((row) => row.verdict === 'failed');
}

const runName = (row) => `${row.script} ${row.ipVersion}`;
// A run that fails on the whole stack says nothing about a break.
const knownFailures = new Set(failures().map(runName));

/** The verdict on one patch: null when the scripts noticed, otherwise what went wrong. */
function tryBreak(name) {
  const patch = join(folder, name);
  const text = readFileSync(patch, 'utf8');
  const points = /^Points: (.+)$/m.exec(text)?.[1];
  if (points === undefined || !/^What: .+$/m.test(text)) return { error: 'has no What: and Points: line' };
  const applied = apply(patch);
  if (applied.status !== 0) return { error: `no longer applies: ${applied.stderr.trim()}` };
  try {
    const built = build();
    if (built.status !== 0) return { error: `does not build: ${built.stdout.trim()}` };
    const failing = failures().filter((row) => !knownFailures.has(runName(row)));
    const pointing = failing.filter((row) => new RegExp(points).test(`${row.script}\n${row.reason}`));
    if (failing.length === 0) return { error: 'no script noticed' };
    if (pointing.length === 0) return { error: `${failing.length} runs fail, none points at it (${points})` };
    return { failing: failing.length, example: pointing[0] };
  } finally {
    apply(patch, '--reverse');
  }
}

let passed = 0;
let failed = 0;
for (const name of patches) {
  const result = tryBreak(name);
  if (result.error === undefined) {
    passed++;
    const { script, ipVersion, reason } = result.example;
    console.log(
      `noticed   ${name}: ${result.failing} runs fail, e.g. ${script} (${ipVersion}): ${reason.split('\n')[0]}`,
    );
  } else {
    failed++;
    console.log(`UNNOTICED ${name}: ${result.error}`);
  }
}
if (patches.length === 0) failed++;
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed > 0 ? 1 : 0;
