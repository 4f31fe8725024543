// Run by a vitest of its own under c8 (see coverage.test.ts), not by the ordinary test run.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { inProcess } from './probe-lib.js';

it('runs a line in the process, in a worker and in a child', async () => {
  expect(inProcess()).toContain('process');
  const worker = new Worker(new URL('./probe-worker.js', import.meta.url));
  const [said] = await once(worker, 'message');
  expect(said).toContain('worker');
  await once(worker, 'exit');
  const child = fileURLToPath(new URL('./probe-child.js', import.meta.url));
  expect(execFileSync(process.execPath, [child], { encoding: 'utf8' })).toContain('child');
});
