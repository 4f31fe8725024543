// The ring under command lists: what the producer does and what the consumer does, against an oracle queue; first one
// after the other in every mixture that the schedule seed gives, through the explorer (the shipped code, one access
// at a time, race-checked), then in one thread. Real threads: ring-threads.test.ts. It knows nothing of channels.

import * as fc from 'fast-check';
import { build, type Program, prepare } from '../explorer/load.js';
import { Finding } from '../explorer/machine.js';
import { type Instance, type Model, Session } from '../explorer/run.js';
import { scheduleOf } from '../explorer/schedule.js';
import { RandomStrategy } from '../explorer/strategies.js';
import { invariant, jsonCodec, type Target, Violation, type Witness } from '../target.js';

export interface RingInput {
  /** log2 of the capacity, and the first index. */
  readonly bits: number;
  readonly first: number;
  /** 0 publish, n > 0 push n values (one by one when odd, as a batch when even), -1 look how many slots are free. */
  readonly producer: readonly number[];
  /** 0 release, 1 pop, n > 1 take a batch of n, -1 look how many wait. */
  readonly consumer: readonly number[];
  readonly seed: number;
}

// biome-ignore lint/suspicious/noExplicitAny: instrumented classes
type Any = any;

/** A model of exactly these commands. */
export function ringModelOf(input: RingInput): Model {
  return {
    name: 'ring-commands',
    about: 'commands of a fuzzer',
    threads: ['producer', 'consumer'],
    arenaBytes: 8192,
    params: {},
    bind(load, arena): Instance {
      const { RingProducer, RingConsumer, initRing, ringBytes } = load('channel/ring.js');
      const capacity = 2 ** input.bits;
      const values = new Uint32Array(32);
      const out = new Uint32Array(32);
      let producer: Any;
      let consumer: Any;
      let accepted = 0;
      let shown = 0;
      let popped = 0;
      let givenBack = 0;

      const took = (value: number): void => {
        if (value !== popped) throw new Finding('order', `${value} came out, ${popped} was next`);
        popped++;
        if (popped > accepted) throw new Finding('invented', 'more came out than went in');
      };
      const room = (): void => {
        if (accepted - popped > capacity)
          throw new Finding('overrun', `${accepted - popped} in ${capacity} slots`);
      };
      function* produce(): Generator<unknown, void, unknown> {
        for (const n of input.producer) {
          const free = givenBack + capacity - accepted;
          const before = accepted;
          if (n === 0) {
            yield* producer.publish$();
            shown = accepted;
          } else if (n === -1) yield* producer.free$();
          else if (n % 2 === 1) {
            for (let i = 0; i < n; i++) if (yield* producer.push$(accepted)) accepted++;
          } else {
            for (let i = 0; i < n; i++) values[i] = accepted + i;
            accepted += (yield* producer.pushBatch$(values, n)) as number;
          }
          if (n > 0 && accepted - before < Math.min(n, free)) {
            throw new Finding('false-full', `${accepted - before} of ${n} pushed, ${free} slots were free`);
          }
          room();
        }
      }
      function* consume(): Generator<unknown, void, unknown> {
        for (const n of input.consumer) {
          const visible = shown;
          const before = popped;
          if (n === 0) yield* consumer.release$();
          else if (n === -1) {
            const waiting: number = yield* consumer.length$();
            if (waiting < visible - before)
              throw new Finding('false-empty', `${waiting} wait, ${visible - before} were shown`);
          } else if (n === 1) {
            const value: number = yield* consumer.pop$();
            if (value !== -1) took(value);
          } else {
            const count: number = yield* consumer.popBatch$(out, n);
            for (let i = 0; i < count; i++) took(out[i]);
          }
          if (n > 0 && popped - before < Math.min(n, visible - before)) {
            throw new Finding('false-empty', `${popped - before} taken, ${visible - before} were shown`);
          }
          givenBack = (consumer.given - input.first) | 0;
        }
      }
      return {
        start() {
          const offset = arena.alloc(ringBytes(capacity));
          initRing(arena, offset, input.first);
          producer = new RingProducer(arena, offset, capacity);
          consumer = new RingConsumer(arena, offset, capacity);
          accepted = 0;
          shown = 0;
          popped = 0;
          givenBack = 0;
          return [produce(), consume()];
        },
        finish() {
          producer.publish();
          for (let value = consumer.pop(); value !== -1; value = consumer.pop()) took(value);
          if (popped !== accepted) throw new Finding('lost', `${accepted} went in, ${popped} came out`);
          if (producer.free() !== capacity)
            throw new Finding('slots', `${producer.free()} of ${capacity} came back`);
        },
      };
    },
  };
}

let program: Program | undefined;

/** The instrumented program, built once a process. */
export async function shippedProgram(): Promise<Program> {
  await prepare();
  program ??= build();
  return program;
}

/** Runs a model under `schedules` random schedules; a finding becomes a Violation with its schedule. */
export function hammer(
  code: Program,
  model: Model,
  seed: number,
  schedules: number,
  witness?: Witness,
): void {
  const session = new Session(code, model);
  const strategy = new RandomStrategy(seed);
  for (let i = 0; i < schedules; i++) {
    const found = session.run(strategy);
    if (!found) continue;
    const schedule = scheduleOf(session);
    witness?.step(schedule);
    throw new Violation(`${model.name} ${found.kind}`, `${found.message}; ${schedule.slice(0, 400)}`);
  }
  witness?.step(`${schedules} schedules held, the last with ${session.steps} accesses`);
}

export const ringTarget: Target<RingInput> = {
  name: 'ring',
  about: 'commands of a producer and a consumer in random interleavings, against an oracle queue',
  sliceRuns: 150,
  inputs: () =>
    fc.record({
      bits: fc.nat(3),
      first: fc.oneof(fc.integer({ min: -20, max: 2 }), fc.integer()),
      producer: fc.array(fc.oneof(fc.constantFrom(0, 0, -1), fc.integer({ min: 1, max: 9 })), {
        maxLength: 14,
      }),
      consumer: fc.array(fc.oneof(fc.constantFrom(0, -1, 1, 1), fc.integer({ min: 2, max: 9 })), {
        maxLength: 18,
      }),
      seed: fc.nat(),
    }),
  async run(input, witness) {
    invariant(input.bits >= 0 && input.bits <= 5, 'a ring input has 2^0 to 2^5 slots');
    hammer(await shippedProgram(), ringModelOf(input), input.seed, 60, witness);
  },
  ...jsonCodec<RingInput>(),
};
