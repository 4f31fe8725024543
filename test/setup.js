// Runs in every vitest fork, before its test file.
import { takeCoverage } from 'node:v8';
import fc from 'fast-check';
import { afterAll } from 'vitest';

// One seed for every property: a run of the tests says the same each time, and fresh seeds belong to `netchannel fuzz`,
// which files what they find. NETCHANNEL_SEED=N tries another. Without the other option `maxLength` alone gives arrays of
// about ten elements, however large the bound.
fc.configureGlobal({
  seed: Number(process.env.NETCHANNEL_SEED ?? 1),
  defaultSizeToMaxWhenMaxSpecified: true,
});

// A fork is ended before V8 writes its coverage; asking for it after each file keeps it.
afterAll(() => {
  if (process.env.NODE_V8_COVERAGE) takeCoverage();
});
