// Runs a worker that posts one message and ends: what it said, once it is gone.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

/** @throws what the worker threw, or an error when it ended without a word */
export async function workerReport<T>(url: URL, workerData: unknown): Promise<T> {
  const worker = new Worker(url, { workerData });
  let report: T | undefined;
  worker.once('message', (message: T) => {
    report = message;
  });
  // The last message and the exit may come in one turn of the event loop: listen to both before waiting for either.
  await once(worker, 'exit');
  if (report === undefined) throw new Error(`${url.pathname} ended without a report`);
  return report;
}
