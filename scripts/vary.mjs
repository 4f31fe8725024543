#!/usr/bin/env node
// Runs scripts on the stack again and again under what must not matter (seeds, ISNs near the wrap, clock epochs at the
// wrap of jiffies and timestamps, ticks, packets up to 1 ms late) and prints every verdict that changes.
//   node scripts/vary.mjs [PATH…] [--ip-version LIST]      (conformance/scripts, and what conform takes for versions)
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { readArguments } from './arguments.mjs';

const root = resolve(import.meta.dirname, '..');
const { values, positionals: paths } = readArguments({ 'ip-version': { type: 'string' } }, true);
const extra = values['ip-version'] === undefined ? [] : ['--ip-version', values['ip-version']];
if (paths.length === 0) paths.push('conformance/scripts');

// 2^32 ms of Linux's 32-bit jiffies at 1000 Hz, and of the timestamp clock, pass a tenth of a second into a script.
const WRAP = 2 ** 32;
const VARIATIONS = [
  'seed=2',
  'seed=3',
  'seed=77777',
  `isn=${WRAP - 1}`,
  `isn=${WRAP - 2000}`,
  `isn=${WRAP / 2 - 1}`,
  'isn=0',
  `timestampEpoch=${WRAP - 100}`,
  `timestampEpoch=${WRAP / 2 - 100}`,
  `start=${(WRAP - 100) * 1000}`,
  `start=${(WRAP / 2 - 100) * 1000}`,
  'start=123456789123',
  'hz=0',
  'delay=300',
  'delay=1000',
];

function verdicts(target) {
  const args = ['dist/cli/main.js', 'conform', ...paths, '--target', target, '--reporter', 'json', ...extra];
  const ran = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  const rows = ran.stdout.split('\n').filter((line) => line.startsWith('{'));
  if (rows.length === 0) throw new Error(`${target}: nothing ran\n${ran.stderr}`);
  return new Map(
    rows.map((line) => JSON.parse(line)).map((row) => [`${row.script} (${row.ipVersion})`, row]),
  );
}

const usual = verdicts('stack');
let same = 0;
let changed = 0;
for (const variation of VARIATIONS) {
  let here = 0;
  for (const [name, row] of verdicts(`stack:${variation}`)) {
    if (row.verdict === usual.get(name)?.verdict) {
      same++;
      continue;
    }
    changed++;
    here++;
    console.log(
      `${variation}: ${name} ${usual.get(name)?.verdict} -> ${row.verdict}: ${row.reason.split('\n')[0]}`,
    );
  }
  console.log(`${variation}: ${here} verdicts change`);
}
console.log(`${same} passed, ${changed} failed, 0 skipped`);
process.exitCode = changed > 0 ? 1 : 0;
