#!/usr/bin/env node
// What CI runs, verb by verb, and a person too; without arguments, all of it.
//   node scripts/ci.mjs [lint|types|build|conform|test|simulated|negative|breaks|fuzz|explore|versions]…
// Each step's verdicts are added up into the last line, `N passed, N failed, N skipped`; a step without verdicts of its
// own counts as one. Exit status 1 when anything failed.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readArguments } from './arguments.mjs';

const root = resolve(import.meta.dirname, '..');
const out = mkdtempSync(join(tmpdir(), 'netchannel-ci-'));
process.on('exit', () => rmSync(out, { recursive: true, force: true }));

/** Runs a command with its output shown; resolves to its exit status and its standard output. */
function run(command, args, { env = {}, quiet = false } = {}) {
  return new Promise((done) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      if (!quiet) process.stdout.write(chunk);
    });
    child.on('error', (error) => done({ status: 127, text: String(error) }));
    child.on('close', (status, signal) => done({ status: status ?? `signal ${signal}`, text }));
  });
}

const verdictLine = /(\d+) passed, (\d+) failed(?:, (\d+) skipped)?/g;

/** The last `N passed, N failed, N skipped` of an output, or one verdict made of the exit status. */
function verdict({ status, text }) {
  const last = [...text.matchAll(verdictLine)].at(-1);
  const sum = last
    ? { passed: +last[1], failed: +last[2], skipped: +(last[3] ?? 0) }
    : { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
  if (status !== 0 && sum.failed === 0) sum.failed = 1; // a crash is never a pass
  return sum;
}

const npm = (script, ...args) =>
  run('npm', ['run', '--silent', script, ...(args.length ? ['--', ...args] : [])]);

const cli = (...args) => run(process.execPath, ['dist/cli/main.js', ...args]);

/** vitest under c8: its JSON report has the counts, c8's own exit status the coverage floor. */
async function coverage() {
  const report = join(out, 'vitest.json');
  const ran = await npm('coverage', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`);
  if (!existsSync(report)) return verdict(ran);
  const json = JSON.parse(readFileSync(report, 'utf8'));
  const sum = { passed: json.numPassedTests, failed: json.numFailedTests, skipped: json.numPendingTests };
  sum.failed += json.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  if (sum.passed === 0) sum.failed++; // a run of no test is a failure
  if (ran.status !== 0 && sum.failed === 0) sum.failed = 1; // coverage below its floor
  return sum;
}

/** The short form of the version matrix: the main job and the tests of the parts that differ between engines. */
async function versions() {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const version of ['22', '24', '26']) {
    const job = 'node --version && node dist/cli/main.js conform conformance/scripts --reporter dot';
    const ran = verdict(await run('npx', ['-y', '-p', `node@${version}`, '-c', job]));
    const tests =
      'node node_modules/vitest/vitest.mjs run dist/stack/channel dist/stack/flows dist/stack/driver';
    const tested = await run('npx', ['-y', '-p', `node@${version}`, '-c', tests], { quiet: true });
    if (tested.status !== 0) process.stdout.write(tested.text);
    console.log(
      `node ${version}: ${ran.passed} scripts passed, tests ${tested.status === 0 ? 'passed' : 'FAILED'}`,
    );
    sum.passed += tested.status === 0 && ran.failed === 0 ? 1 : 0;
    sum.failed += tested.status === 0 && ran.failed === 0 ? 0 : 1;
  }
  return sum;
}

/** Virtual time: the goodput of each cell that competes, and flows that share a bottleneck. */
async function simulated() {
  const grid = verdict(await run(process.execPath, ['scripts/goodput.mjs', '--brief']));
  const shared = ['--flows', '32', '--mbit', '50', '--seconds', '15'];
  const flows = verdict(await run(process.execPath, ['scripts/fairness.mjs', ...shared]));
  return {
    passed: grid.passed + flows.passed,
    failed: grid.failed + flows.failed,
    skipped: grid.skipped + flows.skipped,
  };
}

const steps = {
  lint: async () => verdict(await npm('lint')),
  types: async () => verdict(await npm('typecheck')),
  build: async () => verdict(await npm('build')),
  conform: async () => verdict(await npm('conform')),
  test: coverage,
  simulated,
  negative: async () => verdict(await run(process.execPath, ['scripts/negative.mjs'])),
  breaks: async () => verdict(await run(process.execPath, ['scripts/breaks.mjs'])),
  fuzz: async () => verdict(await cli('fuzz', '--ci')),
  explore: async () => verdict(await cli('explore', '--time', '20')),
  versions,
};

const asked = readArguments({}, true).positionals;
const unknown = asked.filter((name) => !(name in steps));
if (unknown.length > 0) {
  console.error(`ci: unknown step ${unknown.join(', ')}; there are ${Object.keys(steps).join(', ')}`);
  process.exit(2);
}

const total = { passed: 0, failed: 0, skipped: 0 };
const rows = [];
for (const name of asked.length > 0 ? asked : Object.keys(steps)) {
  console.log(`\n=== ${name}`);
  const started = Date.now();
  const sum = await steps[name]();
  for (const key of Object.keys(total)) total[key] += sum[key];
  rows.push(`${name.padEnd(9)} ${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line(sum)}`);
}
console.log(`\n${rows.join('\n')}\n`);
console.log(line(total));
process.exitCode = total.failed > 0 ? 1 : 0;

function line({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
