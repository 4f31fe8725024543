// A worker thread of a suite: runs what it is sent and ends by itself, so that its coverage is kept.

import { parentPort, workerData } from 'node:worker_threads';
import type { WorkerReply, WorkerRequest } from './pool.js';
import { runFile, type SuiteOptions } from './run-file.js';

const options = workerData as SuiteOptions;
const port = parentPort!;

port.on('message', async ({ batch }: WorkerRequest) => {
  if (batch.length === 0) port.close();
  for (const [index, run] of batch) {
    const reply: WorkerReply = { index, result: await runFile(run, options) };
    port.postMessage(reply);
  }
});
