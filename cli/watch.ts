// Runs again whenever something below the given paths changes, until it is interrupted.

import { type FSWatcher, statSync, watch } from 'node:fs';

/** Editors write a file in several steps: wait until they are done. */
const SETTLE_MS = 120;

/** Resolves when the process is interrupted, with the status of the last pass. */
export async function watchAndRepeat(paths: readonly string[], pass: () => Promise<number>): Promise<number> {
  let status = await pass();
  let changed: () => void = () => {};
  const watchers = paths.flatMap((path): FSWatcher[] => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found) return [];
    return [watch(path, { recursive: found.isDirectory() }, () => changed())];
  });
  const interrupted = new Promise<'interrupted'>((resolve) => {
    process.once('SIGINT', () => resolve('interrupted'));
    process.once('SIGTERM', () => resolve('interrupted'));
  });
  for (;;) {
    process.stderr.write('watching for changes (Ctrl-C ends it)\n');
    const next = new Promise<'changed'>((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      changed = () => {
        clearTimeout(timer);
        timer = setTimeout(() => resolve('changed'), SETTLE_MS);
      };
    });
    if ((await Promise.race([next, interrupted])) === 'interrupted') break;
    status = await pass();
  }
  for (const watcher of watchers) watcher.close();
  return status;
}
