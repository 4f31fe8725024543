#!/usr/bin/env node
// Proves that every own script can fail: against a target that never answers and against one that echoes what it gets,
// each script has to fail, over both IP versions. A script that passes there checks nothing.
//   node scripts/negative.mjs
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { readArguments } from './arguments.mjs';

readArguments();
const root = resolve(import.meta.dirname, '..');
let passed = 0;
let failed = 0;
for (const target of ['silent', 'echo']) {
  const args = [
    'dist/cli/main.js',
    'conform',
    'conformance/scripts',
    '--target',
    target,
    '--reporter',
    'json',
  ];
  const ran = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 });
  const rows = ran.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter((row) => row.script !== undefined);
  const bad = rows.filter((row) => row.verdict !== 'failed');
  for (const row of bad)
    console.log(`${target}: ${row.script} (${row.ipVersion}) ${row.verdict}: it checks nothing`);
  if (rows.length === 0) {
    console.log(`${target}: no script ran\n${ran.stderr}`);
    failed++;
  }
  console.log(`${target}: ${rows.length - bad.length} of ${rows.length} runs fail, as they must`);
  passed += rows.length - bad.length;
  failed += bad.length;
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed > 0 ? 1 : 0;
