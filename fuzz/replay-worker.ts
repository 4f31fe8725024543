// A thread that replays one filed failure and reports: a run that never ends is ended from outside.

import { parentPort, workerData } from 'node:worker_threads';
import type { Regression } from './filing.js';
import { replayRegression } from './replay.js';

const { failure, id } = await replayRegression(workerData as Regression);
parentPort!.postMessage({ failure, id });
