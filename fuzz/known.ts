// Is a failure filed already? An id names an invariant, and another fault may break the one that an older file, mended long
// ago, broke: a file stands for the new failure only while its own input fails in that way on this stack.

import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { filedRegressions, type Regression } from './filing.js';
import type { Replay } from './replay.js';

/** Replays `file` in a thread; one that has not ended after `limit` ms fails still. */
async function stillFails(file: Regression, limit: number): Promise<boolean> {
  const worker = new Worker(new URL('./replay-worker.js', import.meta.url), { workerData: file });
  try {
    return await new Promise<boolean>((resolve, reject) => {
      const timer = setTimeout(() => resolve(true), limit);
      const settle = (fails: boolean): void => {
        clearTimeout(timer);
        resolve(fails);
      };
      worker.once('message', ({ id }: Pick<Replay, 'id'>) => settle(id === file.id));
      worker.once('error', reject);
      worker.once('exit', () => settle(false));
    });
  } finally {
    await worker.terminate();
  }
}

/** The file below `folder` that stands for the failure `id` of `target` on this stack, or undefined. */
export async function knownAs(
  folder: string,
  target: string,
  id: string,
  limit: number,
): Promise<string | undefined> {
  for (const { path, file } of filedRegressions(join(folder, target))) {
    if (file.id === id && (await stillFails(file, limit))) return path;
  }
  return undefined;
}
