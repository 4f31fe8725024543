// Run by a vitest of its own under c8 (see coverage.test.ts), not by the ordinary test run.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { workerReport } from '../worker-report.js';
import { inProcess } from './probe-lib.js';

it('runs a line in the process, in a worker and in a child', async () => {
  expect(inProcess()).toContain('process');
  const said = await workerReport<string>(new URL('./probe-worker.js', import.meta.url), null);
  expect(said).toContain('worker');
  const child = fileURLToPath(new URL('./probe-child.js', import.meta.url));
  expect(execFileSync(process.execPath, [child], { encoding: 'utf8' })).toContain('child');
});
