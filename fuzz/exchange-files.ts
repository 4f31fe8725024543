// What lies beside a filed failure in which packets are exchanged: a capture (`.pcap`) of what passed the link of the host at which
// it showed, and a packetdrill script (`.pkt`) of that end. When the failure is filed the capture is of the run that failed; on the
// mended stack both are written from the run that passes, and every later run has to be that one again.

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { captureDifference, type Exchange, exchangeCapture, exchangeOf } from './exchange.js';
import { checkExchangeScript, exchangeScript } from './exchange-script.js';
import { type Regression, readRegression, writeRegression } from './filing.js';
import { ScriptlessError } from './script-witness.js';
import { InputError } from './target.js';

/** What `fuzz --replay --script` is told by a failure that passes no more, or of which nothing can be written. */
export class ExchangeError extends Error {
  readonly code = 'FUZZ_EXCHANGE';
}

const HOW = 'netchannel fuzz --replay --script writes it anew on a stack that is whole';

function beside(path: string): { readonly capture: string; readonly script: string } {
  if (!path.endsWith('.json')) throw new InputError(`${path}: a filed failure is a .json file`);
  return { capture: path.replace(/\.json$/, '.pcap'), script: path.replace(/\.json$/, '.pkt') };
}

/**
 * Writes the capture of the run that failed beside the regression at `path`, and into the file where it showed. Returns the
 * capture's path, or undefined when no packets pass in it.
 */
export async function writeFailedExchange(path: string): Promise<string | undefined> {
  const file = readRegression(path);
  // A run that never ends would take this thread with it.
  if (file.id === 'a run does not end') return undefined;
  let exchange: Exchange;
  try {
    exchange = await exchangeOf(file);
  } catch (error) {
    // Run alone it does not fail, and nobody knows where it did.
    if (error instanceof InputError) return undefined;
    throw error;
  }
  const { packets, place } = exchange;
  if (packets.length === 0) return undefined;
  if (place !== undefined) writeRegression(path, { ...file, place });
  const { capture } = beside(path);
  writeFileSync(capture, exchangeCapture(packets));
  return capture;
}

export interface Written {
  /** Paths of the files that were written; none when no packets pass. */
  readonly files: readonly string[];
  /** Why there is no script, which now stands in the regression's file. */
  readonly scriptless?: string | undefined;
}

/**
 * Writes capture and script beside the regression at `path` as this stack, which passes it, goes through its input; into the
 * regression itself goes the reason where no script can tell it. Throws ExchangeError, InputError.
 */
export async function writeExchange(path: string): Promise<Written> {
  const { capture, script } = beside(path);
  const { scriptless: before, ...file } = readRegression(path);
  const { failure, packets } = await exchangeOf(file);
  if (failure !== undefined) throw new ExchangeError(`this stack still fails: ${failure}`);
  if (packets.length === 0) return { files: [] };
  const { text, lack } = await scriptOf(file, before);
  writeFileSync(capture, exchangeCapture(packets));
  if (text !== undefined) writeFileSync(script, text);
  else rmSync(script, { force: true });
  if (lack !== before) writeRegression(path, lack === undefined ? file : { ...file, scriptless: lack });
  return text === undefined ? { files: [capture], scriptless: lack } : { files: [capture, script] };
}

/**
 * The script of a regression, or why there is none: what the run itself says, or else, of a script that was made and does not
 * pass, what somebody has found out and written into the file. Throws ExchangeError when nobody has.
 */
async function scriptOf(
  file: Regression,
  known: string | undefined,
): Promise<{ readonly text?: string; readonly lack?: string }> {
  let text: string;
  try {
    text = await exchangeScript(file);
  } catch (error) {
    if (error instanceof ScriptlessError) return { lack: error.message };
    throw error;
  }
  const problem = await checkExchangeScript(text);
  if (problem === undefined) return { text };
  if (known !== undefined) return { lack: known };
  throw new ExchangeError(`the script that was made does not pass, and no "scriptless" says why: ${problem}`);
}

/**
 * Replays the regression at `path` and holds the run against what lies beside it: the capture is of this very run, and there is a
 * script that passes, or the reason still stands why there is none. Returns what is wrong, or undefined.
 */
export async function checkExchange(path: string): Promise<string | undefined> {
  const { capture, script } = beside(path);
  const file = readRegression(path);
  const { failure, packets } = await exchangeOf(file);
  if (failure !== undefined) return failure;
  if (packets.length === 0) return undefined;
  if (!existsSync(capture)) return `no capture of its exchange lies beside it: ${HOW}`;
  const difference = captureDifference(readFileSync(capture), exchangeCapture(packets));
  if (difference !== undefined) return `the exchange is not the captured one: ${difference} (${HOW})`;
  if (existsSync(script)) {
    if (file.scriptless !== undefined) return `there is a script, and a reason why there is none`;
    return await checkExchangeScript(readFileSync(script, 'utf8'));
  }
  if (file.scriptless === undefined) return `it has neither a script nor a reason for having none: ${HOW}`;
  const { lack } = await scriptOf(file, file.scriptless);
  if (lack === undefined) return `a script can tell it, whatever is filed (${file.scriptless}): ${HOW}`;
  return lack === file.scriptless
    ? undefined
    : `no script tells it, but for another reason: ${lack} (${HOW})`;
}
