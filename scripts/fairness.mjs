#!/usr/bin/env node
// 2 to 32 CUBIC flows over one bottleneck of 200 Mbit/s and 50 ms with a queue of one bandwidth-delay product, in
// virtual time: fails when they share unevenly (Jain's index below 0.9) or leave more than a twentieth of it unused.
//   node scripts/fairness.mjs [--flows 2,4,8,16,32] [--mbit 200] [--seconds 60] [--seed 1]
import { share } from '../dist/bench/simulated/fairness.js';
import { readArguments, wholeNumber } from './arguments.mjs';

const { values } = readArguments({
  flows: { type: 'string', default: '2,4,8,16,32' },
  mbit: { type: 'string', default: '200' },
  seconds: { type: 'string', default: '60' },
  seed: { type: 'string', default: '1' },
});
let passed = 0;
let failed = 0;
for (const flows of values.flows.split(',').map((text) => wholeNumber('--flows', text))) {
  const result = share({
    flows,
    rate: wholeNumber('--mbit', values.mbit) * 1e6,
    roundTrip: 50_000,
    seconds: wholeNumber('--seconds', values.seconds),
    seed: wholeNumber('--seed', values.seed, 0),
  });
  const good = result.jain >= 0.9 && result.use >= 0.95;
  if (good) passed++;
  else failed++;
  const { jain, use, dropped } = result;
  console.log(
    `${flows} flows\tJain ${jain.toFixed(4)}\tuse ${use.toFixed(4)}\t${dropped} dropped\t${good ? 'ok' : 'BAD'}`,
  );
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed > 0 ? 1 : 0;
