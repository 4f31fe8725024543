// A thread that runs transfers on request: { buffer, loss, seed, sysctls } comes in, the goodput goes back.

import { parentPort } from 'node:worker_threads';
import { goodput, type Transfer } from './goodput.js';

parentPort?.on('message', (transfer: Transfer) => parentPort!.postMessage(goodput(transfer)));
