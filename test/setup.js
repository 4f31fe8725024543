// Runs in every vitest fork, before its test file.
import { takeCoverage } from 'node:v8';
import fc from 'fast-check';
import { afterAll } from 'vitest';

// Without this `maxLength` alone gives arrays of about ten elements, however large the bound.
fc.configureGlobal({ defaultSizeToMaxWhenMaxSpecified: true });

// A fork is ended before V8 writes its coverage; asking for it after each file keeps it.
afterAll(() => {
  if (process.env.NODE_V8_COVERAGE) takeCoverage();
});
