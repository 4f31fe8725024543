// A vitest fork is ended before V8 writes its coverage; asking for it after each file keeps it.
import { takeCoverage } from 'node:v8';
import { afterAll } from 'vitest';

afterAll(() => {
  if (process.env.NODE_V8_COVERAGE) takeCoverage();
});
