#!/usr/bin/env node
// Does our runner mean the same by a script as packetdrill does? Own scripts are changed in one small way each, and both
// runners drive the same kernel with them: they have to agree on accepting or refusing every one.
//   PACKETDRILL="command that takes a script's path and ends with 0 for a pass" node scripts/mutation-check.mjs [COUNT] [SEED]
// Needs root and Linux (TUN device, own network namespace) and a build of google/packetdrill, which is not part of this project.
// Timing misses on a busy machine are tried again, and set aside when they stay.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';

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
const count = Number(process.argv[2] ?? 200);
const seed = Number(process.argv[3] ?? 1);
const TRIES = 3;

const source = join(root, 'conformance/scripts');
const files = readdirSync(source, { recursive: true })
  .filter((name) => name.endsWith('.pkt') && !name.endsWith('v6.pkt'))
  .sort();
const folder = mkdtempSync(join(tmpdir(), 'netchannel-mutants-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
cpSync(join(source, 'common'), join(folder, 'common'), { recursive: true });
mkdirSync(join(folder, 'm'));

const ours = (file) => {
  const args = [
    join(root, 'dist/cli/main.js'),
    'conform',
    file,
    '--target',
    'linux',
    '--ip-version',
    'ipv4',
    '--reporter',
    'json',
  ];
  const ran = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 120_000 });
  const row = JSON.parse(
    ran.stdout.split('\n').find((line) => line.startsWith('{')) ?? '{"verdict":"failed","reason":"no row"}',
  );
  return { passed: row.verdict === 'passed', why: row.reason.split('\n')[0] };
};
const theirs = (file) => {
  const ran = spawnSync('/bin/sh', ['-c', `${reference} "$1"`, 'sh', file], {
    encoding: 'utf8',
    timeout: 120_000,
  });
  return {
    passed: ran.status === 0,
    why: `${ran.stdout}${ran.stderr}`.trim().split('\n').slice(-4).join(' / '),
  };
};
const timing = (r) => /timing error/.test(r.why);

const chance = seeded(seed);
const totals = { agreed: 0, accepted: 0, refused: 0, timing: 0 };
const disagreements = [];
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
    if (a.passed === b.passed) break;
  }
  if (a.passed === b.passed) {
    totals.agreed++;
    totals[a.passed ? 'accepted' : 'refused']++;
  } else if (timing(a) || timing(b)) {
    totals.timing++;
  } else {
    disagreements.push({ name, what: mutant.what, ours: a, theirs: b });
    console.log(
      `DISAGREE ${relative('.', join(source, name))} ${mutant.what}\n  ours:   ${a.passed} ${a.why}\n  theirs: ${b.passed} ${b.why}`,
    );
  }
}
console.log(
  `${count} changes (seed ${seed}): ${totals.agreed} agreed (${totals.accepted} accepted, ${totals.refused} refused), ${totals.timing} timing misses set aside, ${disagreements.length} disagreed`,
);
process.exitCode = disagreements.length > 0 ? 1 : 0;
