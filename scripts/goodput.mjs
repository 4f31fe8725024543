#!/usr/bin/env node
// The grid of simulated transfers: compares it with docs/goodput.tsv and with the published figures.
//   node scripts/goodput.mjs [--update | --brief] [--profile NAME] [--threads N]
// --brief, for CI: the committed table must beat the published figures in every cell that competes, and the first seed of each of
// those must still be what that table says (of 4 MiB where packets are lost).
// --update writes docs/goodput.tsv and docs/goodput.md (of the profiles that ran; the others' rows stay).
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { GRID_BUFFERS, GRID_BYTES, GRID_LOSSES } from '../dist/bench/simulated/goodput.js';
import {
  competes,
  complaints,
  formatTable,
  GRID_PROFILES,
  markdown,
  parseTable,
  seedsOf,
  slower,
} from '../dist/bench/simulated/grid.js';
import { readArguments, wholeNumber } from './arguments.mjs';

const root = resolve(import.meta.dirname, '..');
const tsv = resolve(root, 'docs/goodput.tsv');
const { values } = readArguments({
  update: { type: 'boolean', default: false },
  brief: { type: 'boolean', default: false },
  profile: { type: 'string' },
  threads: { type: 'string', default: '2' },
});
const profiles = GRID_PROFILES.filter((p) => values.profile === undefined || p.name === values.profile);
if (values.brief && values.update) {
  console.error('goodput: --update needs the whole grid');
  process.exit(2);
}
if (profiles.length === 0) {
  console.error(
    `goodput: no profile ${values.profile}; there are ${GRID_PROFILES.map((p) => p.name).join(', ')}`,
  );
  process.exit(2);
}

const cells = [];
for (const profile of profiles)
  for (const buffer of GRID_BUFFERS)
    for (const loss of GRID_LOSSES) {
      if (values.brief && !competes(profile, buffer, loss)) continue;
      const seeds = values.brief ? 1 : seedsOf(profile, buffer, loss);
      const { name, sysctls } = profile;
      cells.push({ profile: name, buffer, loss, seeds, goodput: 0, sysctls, left: seeds });
    }

const jobs = cells.flatMap((cell) => Array.from({ length: cell.seeds }, (_, i) => ({ cell, seed: i + 1 })));
async function work() {
  const worker = new Worker(new URL('../dist/bench/simulated/grid-worker.js', import.meta.url));
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const { cell, seed } = job;
    const bytes = values.brief && cell.loss > 0 ? 4 << 20 : GRID_BYTES;
    worker.postMessage({ buffer: cell.buffer, loss: cell.loss, seed, bytes, sysctls: cell.sysctls });
    const goodput = await new Promise((done, failed) => {
      worker.once('message', done);
      worker.once('error', failed);
    });
    worker.removeAllListeners('error');
    cell.goodput += goodput / cell.seeds;
    if (values.brief) cell.left--;
    else if (--cell.left === 0)
      console.log(`${cell.profile}\t${cell.buffer}\t${cell.loss}\t${cell.goodput.toFixed(2)}`);
  }
  await worker.terminate();
}
await Promise.all(Array.from({ length: wholeNumber('--threads', values.threads) }, work));

let before = existsSync(tsv) ? parseTable(readFileSync(tsv, 'utf8')) : [];
if (values.update) {
  const names = new Set(profiles.map((p) => p.name));
  const all = [...before.filter((c) => !names.has(c.profile)), ...cells];
  const order = (c) => GRID_PROFILES.findIndex((p) => p.name === c.profile);
  all.sort((a, b) => order(a) - order(b) || a.buffer - b.buffer || a.loss - b.loss);
  writeFileSync(tsv, formatTable(all));
  writeFileSync(resolve(root, 'docs/goodput.md'), markdown(all));
  before = all;
}
// One seed of a lossy cell says little about the mean: only the committed one must beat what is published.
const bad = values.brief
  ? [...slower(cells, before), ...complaints(before, before)]
  : complaints(cells, before);
for (const line of bad) console.log(line);
const failed = Math.min(bad.length, cells.length);
console.log(`${cells.length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed > 0 ? 1 : 0;
