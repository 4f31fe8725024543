// Differential fuzzing: generated programs on the kernel, many at a time in real time, then on our stack in virtual time
// at the very moments that the kernel had. What differs twice in the same way, and is not in the table of justified
// differences, is shrunk and becomes a script.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { TargetAddresses } from '../../conformance/targets/target.js';
import { lackOfDevices } from '../../peers/lack.js';
import { programs } from './arbitrary.js';
import { type Divergence, firstDivergence } from './compare.js';
import { justification } from './justified.js';
import { Lane } from './lanes.js';
import type { Program, Trace } from './program.js';
import { scriptOf } from './script.js';
import { playOnStack } from './stack-lane.js';
import { type Sysctls, surroundings } from './surroundings.js';

/** Programs that a lane plays side by side: nearly all of their time is waiting. */
const BATCH = 120;
/** Rounds of leaving steps out. */
const SHRINK_ROUNDS = 8;
export const ADDRESSES: Readonly<Record<Program['family'], TargetAddresses>> = {
  ipv4: {
    ...{ wire: 'ipv4', socketFamily: 'AF_INET', local: '192.168.0.1', remote: '192.0.2.1' },
    ...{ gateway: '192.168.0.1', prefix: 16, mtu: 1500 },
  },
  ipv6: {
    ...{ wire: 'ipv6', socketFamily: 'AF_INET6', local: 'fd3d:0a0b:17d6::1', remote: 'fd3d:fa7b:d17d::1' },
    ...{ gateway: 'fd3d:0a0b:17d6:8888::1', prefix: 48, mtu: 1520 },
  },
};

export interface DifferentialOptions {
  readonly seed: number;
  /** Programs in all. */
  readonly runs: number;
  /** Seconds after which no further batch is begun. */
  readonly time?: number;
  /** Namespaces side by side; every second one speaks IPv6. */
  readonly lanes: number;
  /** Where scripts are written; undefined: nowhere. */
  readonly folder?: string;
  readonly clock: () => number;
  readonly onFind?: (find: DifferentialFind) => void;
  readonly onProgress?: (line: string) => void;
}

export interface DifferentialFind {
  readonly divergence: Divergence;
  readonly script: string;
  readonly steps: number;
  readonly path?: string;
}

export interface DifferentialOutcome {
  runs: number;
  /** Differed, and did so again in the same way. */
  differed: number;
  /** Of these, in the table. */
  justified: number;
  /** Differed once only: the machine's timing. */
  unstable: number;
  /** By kind of difference, how often. */
  readonly kinds: Map<string, number>;
}

/** Why it cannot run here, or null. */
export const lackOfKernel = lackOfDevices;

/** Runs a campaign. The same seed makes the same programs. */
export async function runDifferential(options: DifferentialOptions): Promise<DifferentialOutcome> {
  const outcome: DifferentialOutcome = { runs: 0, differed: 0, justified: 0, unstable: 0, kinds: new Map() };
  const began = options.clock();
  let batch = 0;
  const worker = async (index: number): Promise<void> => {
    const hunt = new Hunt(index % 2 === 1 ? 'ipv6' : 'ipv4', options, outcome);
    try {
      while (outcome.runs < options.runs) {
        if (options.time !== undefined && options.clock() - began > options.time * 1000) break;
        const count = Math.min(BATCH, options.runs - outcome.runs);
        outcome.runs += count;
        await hunt.batch(options.seed + batch++, count);
        options.onProgress?.(
          `${outcome.runs} programs, ${outcome.differed} differed, ${outcome.unstable} once only`,
        );
      }
    } finally {
      await hunt.close();
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, (_, i) => worker(i)));
  return outcome;
}

interface Played {
  readonly program: Program;
  readonly sysctls: Sysctls;
  readonly linux: Trace;
  readonly stack: Trace;
  readonly found: Divergence;
}

class Hunt {
  private readonly lane: Lane;
  private readonly family: Program['family'];
  private readonly options: DifferentialOptions;
  private readonly outcome: DifferentialOutcome;

  constructor(family: Program['family'], options: DifferentialOptions, outcome: DifferentialOutcome) {
    this.family = family;
    this.options = options;
    this.outcome = outcome;
    this.lane = new Lane({ addresses: ADDRESSES[family] });
  }

  async close(): Promise<void> {
    await this.lane.close();
  }

  async batch(seed: number, count: number): Promise<void> {
    const { outcome } = this;
    const [sysctls] = fc.sample(surroundings, { numRuns: 1, seed });
    const first = await this.play(fc.sample(programs(this.family), { numRuns: count, seed }), sysctls!);
    const again = await this.play(
      first.map((p) => p.program),
      sysctls!,
    );
    for (const p of first) {
      const same = again.find((q) => q.program === p.program && q.found.kind === p.found.kind);
      if (!same) {
        outcome.unstable++;
        continue;
      }
      outcome.differed++;
      if (justification(same.found)) {
        outcome.justified++;
        continue;
      }
      const { kind } = same.found;
      const times = (outcome.kinds.get(kind) ?? 0) + 1;
      outcome.kinds.set(kind, times);
      if (times === 1) this.tell(await this.shrink(same));
    }
  }

  /** Plays programs on both; those that differ. */
  private async play(list: readonly Program[], sysctls: Sysctls): Promise<Played[]> {
    if (list.length === 0) return [];
    const setup = { addresses: ADDRESSES[this.family], sysctls };
    const traces = await this.lane.play(list, sysctls);
    return list.flatMap((program, i) => {
      const linux = traces[i]!;
      const stack = playOnStack(program, setup, linux);
      const found = firstDivergence(linux, stack);
      return found ? [{ program, sysctls, linux, stack, found }] : [];
    });
  }

  /** Leaves steps out while the same kind of difference remains: all programs that lack one step, side by side. */
  private async shrink(from: Played): Promise<Played> {
    let best = from;
    for (let round = 0; round < SHRINK_ROUNDS; round++) {
      const { steps } = best.program;
      const cut = { ...best.program, steps: steps.slice(0, best.found.step + 2) };
      const candidates = [
        ...(cut.steps.length < steps.length ? [cut] : []),
        ...steps.map((_, i) => ({ ...best.program, steps: steps.filter((_, j) => j !== i) })),
      ].filter((p) => p.steps.length > 0);
      const still = (await this.play(candidates, from.sysctls)).filter(
        (p) => p.found.kind === from.found.kind,
      );
      if (still.length === 0) break;
      best = still.reduce((a, b) => (b.program.steps.length < a.program.steps.length ? b : a));
    }
    return best;
  }

  private tell(played: Played): void {
    const { folder } = this.options;
    const { program, sysctls, linux, stack, found } = played;
    const script = scriptOf(program, linux, stack, found, sysctls);
    let path: string | undefined;
    if (folder !== undefined) {
      mkdirSync(folder, { recursive: true });
      const name = found.kind
        .replace(/[^A-Za-z0-9_]+/g, '-')
        .replace(/^-|-$/g, '')
        .slice(0, 60);
      path = join(folder, `${name}-${this.family.slice(2)}.pkt`);
      writeFileSync(path, script);
    }
    const find = { divergence: found, script, steps: program.steps.length };
    this.options.onFind?.(path === undefined ? find : { ...find, path });
  }
}
