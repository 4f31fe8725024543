#!/usr/bin/env node
// Does our runner mean the same by a script as packetdrill does? Own scripts are changed in one small way each, and both
// runners drive the same kernel with them: they have to agree on accepting or refusing every one, at the same line.
//   PACKETDRILL="command that takes a script's path and ends with 0 for a pass" node scripts/mutation-check.mjs [COUNT] [SEED]
// Needs root and Linux (TUN device, own network namespace) and a build of google/packetdrill, which is not part of this project.
// What differs is tried again; timing misses on a busy machine are set aside when they stay.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readArguments, wholeNumber } from './arguments.mjs';

const [howMany = '200', first = '1'] = readArguments({}, true).positionals;
const count = wholeNumber('COUNT', howMany);
const seed = wholeNumber('SEED', first, 0);

const root = resolve(import.meta.dirname, '..');
const { parseScript, printScript } = await import(join(root, 'dist/conformance/language/index.js'));
const { mutate, seeded } = await import(join(root, 'dist/conformance/suite/mutate.js'));
const reference = process.env.PACKETDRILL;
if (!reference) {
  console.error(
    'mutation-check: PACKETDRILL is not set: the command that runs a script with the real packetdrill',
  );
  process.exit(2);
}
const TRIES = 3;

const source = join(root, 'conformance/scripts');
const files = readdirSync(source, { recursive: true })
  .filter((name) => name.endsWith('.pkt') && !name.endsWith('v6.pkt'))
  .sort();
const folder = mkdtempSync(join(tmpdir(), 'netchannel-mutants-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
cpSync(join(source, 'common'), join(folder, 'common'), { recursive: true });
mkdirSync(join(folder, 'm'));

function ours(file) {
  const target = ['--target', 'linux', '--ip-version', 'ipv4', '--reporter', 'json'];
  const args = [join(root, 'dist/cli/main.js'), 'conform', file, ...target];
  const ran = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 120_000 });
  const text = ran.stdout.split('\n').find((line) => line.startsWith('{'));
  if (!text) return { passed: false, line: -1, why: `no result: ${ran.stderr.slice(-300)}` };
  const row = JSON.parse(text);
  return { passed: row.verdict === 'passed', line: row.line ?? 0, why: row.reason.split('\n')[0] };
}

function theirs(file) {
  const ran = spawnSync('/bin/sh', ['-c', `${reference} "$1"`, 'sh', file], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  const said = `${ran.stdout}${ran.stderr}`.trim();
  const line = Number(/\.pkt:(\d+):/.exec(said)?.[1] ?? 0);
  return { passed: ran.status === 0, line, why: said.replace(/\s+/g, ' ').slice(0, 300) };
}

const timing = (result) => /timing error/.test(result.why);
const same = (a, b) => a.passed === b.passed && (a.passed || a.line === b.line);

const chance = seeded(seed);
const totals = { accepted: 0, refused: 0, timing: 0, elsewhere: 0, disagreed: 0 };
for (let i = 0; i < count; i++) {
  const name = files[Math.floor(chance() * files.length)];
  const script = parseScript(readFileSync(join(source, name), 'utf8'), { file: name });
  const mutant = mutate(script, chance);
  if (!mutant) continue;
  const file = join(folder, 'm', `${i}.pkt`);
  writeFileSync(file, printScript(mutant.script));
  let a;
  let b;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    a = ours(file);
    b = theirs(file);
    if (same(a, b)) break;
  }
  if (same(a, b)) {
    totals[a.passed ? 'accepted' : 'refused']++;
    continue;
  }
  const kind = timing(a) || timing(b) ? 'timing' : a.passed === b.passed ? 'elsewhere' : 'disagreed';
  totals[kind]++;
  console.log(
    `${kind.toUpperCase()} ${name} ${mutant.what}\n  ours:   ${a.passed} ${a.why}\n  theirs: ${b.passed} ${b.why}`,
  );
}
const { accepted, refused } = totals;
console.log(
  `${count} changes (seed ${seed}): ${accepted + refused} agreed (${accepted} accepted, ${refused} refused at the same line), ` +
    `${totals.elsewhere} refused at different lines, ${totals.timing} timing misses set aside, ${totals.disagreed} disagreed`,
);
process.exitCode = totals.disagreed > 0 ? 1 : 0;
