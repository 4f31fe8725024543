// Worker side of the coverage probe: one branch that runs and one that does not.
import { parentPort } from 'node:worker_threads';
import { inWorker, never } from './probe-lib.js';

const said = process.argv.length > 100 ? never() : inWorker();
parentPort?.postMessage(said);
