// Replaying filed failures: one passes when its input runs to its end and every invariant holds. Step by step for people.

import type { RegressionFile } from './explorer/regression.js';
import type { Regression } from './filing.js';
import { type ExchangePacket, failureId, InputError, type Witness } from './target.js';
import { loadTarget } from './targets/index.js';

export interface Replay {
  /** What is wrong; undefined: it passes. */
  readonly failure: string | undefined;
  /** The failure's id, when it is one of the target's. */
  readonly id: string | undefined;
  /** What was thrown, by the target or by the witness. */
  readonly error?: unknown;
}

/** Replays one regression. Never throws for what the input does; a target or input that cannot be read is a failure. */
export async function replayRegression(file: Regression, witness?: Witness): Promise<Replay> {
  if (file.target === 'explore') {
    // The explorer stands on development dependencies; everything else here works in an installed package.
    const { prepare } = await import('./explorer/load.js');
    const { checkRegression } = await import('./explorer/regression.js');
    await prepare();
    return { failure: checkRegression(file as RegressionFile), id: undefined };
  }
  try {
    const target = await loadTarget(file.target);
    await target.run(target.decode(file.input), witness);
    return { failure: undefined, id: undefined };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    if (error instanceof InputError)
      return { failure: `its input cannot be read any more: ${text}`, id: undefined };
    return { failure: text, id: failureId(error), error };
  }
}

/** A witness that keeps everything. */
export class Recording implements Witness {
  readonly steps: string[] = [];
  readonly packets: ExchangePacket[] = [];
  private readonly print: ((line: string) => void) | undefined;

  constructor(print?: (line: string) => void) {
    this.print = print;
  }

  step(text: string): void {
    this.steps.push(text);
    this.print?.(text);
  }

  packet(packet: ExchangePacket): void {
    this.packets.push(packet);
  }
}
