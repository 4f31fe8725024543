// The flow table under command lists: a writer that updates, grows, shrinks and reseeds, readers that look up, announce
// quiescence, go away or stall; against a log of what each key was when. In random interleavings, through the explorer.
// It knows nothing of packets.

import * as fc from 'fast-check';
import { Finding } from '../explorer/machine.js';
import type { Instance, Model } from '../explorer/run.js';
import { jsonCodec, type Target } from '../target.js';
import { hammer, shippedProgram } from './ring.js';

const KEYS = 8;

export interface TableInput {
  readonly bits: number;
  readonly seed: number;
  /** Keys that are there at the start, as bits. */
  readonly present: number;
  /** 0…7 insert or remove key n, 8…15 replace key n-8, 16 grow, 17 shrink, 18 reseed, 19… tick n-18 buckets. */
  readonly writer: readonly number[];
  /** Per reader: 0…7 look key n up, 8 quiescent, 9 offline and online again. Without 8 and 9 it stalls the writer. */
  readonly readers: readonly (readonly number[])[];
}

// biome-ignore lint/suspicious/noExplicitAny: instrumented classes
type Any = any;

export function tableModelOf(input: TableInput): Model {
  return {
    name: 'table-commands',
    about: 'commands of a fuzzer',
    threads: ['writer', 'reader', 'other'],
    arenaBytes: 32768,
    params: {},
    bind(load, arena): Instance {
      const { FlowTable } = load('flows/table.js');
      const { FlowReader } = load('flows/reader.js');
      const { KEY_WORDS } = load('flows/key.js');
      const keys = Array.from({ length: KEYS }, (_, n) => {
        const key = new Int32Array(KEY_WORDS);
        key[0] = 6 | (4 << 8);
        key[1] = (80 << 16) | (2000 + n);
        return key;
      });
      let table: Any;
      let readers: Any[] = [];
      let log: number[][] = [];
      let settled: number[] = [];
      let next = 100;

      function* change(n: number, replace: boolean): Generator<unknown, void, unknown> {
        const now = log[n][log[n].length - 1];
        if (replace && now === -1) return;
        const value = !replace && now !== -1 ? -1 : next++;
        log[n].push(value);
        if (value === -1) {
          if (!(yield* table.remove$(keys[n]))) throw new Finding('remove', `key ${n} was not there`);
        } else if (now === -1) yield* table.insert$(keys[n], value);
        else if (!(yield* table.replace$(keys[n], value)))
          throw new Finding('replace', `key ${n} was not there`);
        settled[n] = log[n].length - 1;
      }
      function* write(): Generator<unknown, void, unknown> {
        for (const c of input.writer) {
          if (c < 8) yield* change(c, false);
          else if (c < 16) yield* change(c - 8, true);
          else if (c < 19) yield* table.resize$(['grow', 'shrink', 'reseed'][c - 16]);
          else yield* table.tick$(c - 18);
        }
      }
      function* read(side: number): Generator<unknown, void, unknown> {
        const reader = readers[side];
        const seen = keys.map(() => 0);
        yield* reader.online$();
        for (const c of input.readers[side] ?? []) {
          if (c === 8) yield* reader.quiescent$();
          else if (c === 9) {
            yield* reader.offline$();
            yield* reader.online$();
          } else {
            const from = Math.max(settled[c], seen[c]);
            const value: number = yield* reader.find$(keys[c], 0);
            let at = -1;
            for (let k = from; k < log[c].length && at < 0; k++) if (log[c][k] === value) at = k;
            if (at < 0) {
              const kind =
                log[c].length === 1 ? 'false-miss' : log[c].includes(value) ? 'back-in-time' : 'wrong-value';
              throw new Finding(kind, `key ${c} gave ${value}; it was ${log[c].slice(from).join(', ')}`);
            }
            seen[c] = at;
          }
        }
        yield* reader.offline$();
      }
      return {
        start() {
          let secret = input.seed | 0;
          table = new FlowTable(arena, {
            secret: () => {
              secret = (Math.imul(secret, 1664525) + 1013904223) | 0;
              return secret;
            },
            bits: input.bits,
            autoResize: false,
            slab: 1,
          });
          readers = [0, 1].map(() => new FlowReader(arena, table.offset, table.addReader()));
          log = keys.map((_, n) => [(input.present >> n) & 1 ? n : -1]);
          settled = keys.map(() => 0);
          next = 100;
          for (let n = 0; n < KEYS; n++) if (log[n][0] !== -1) table.insert(keys[n], n);
          return [write(), read(0), read(1)];
        },
        finish() {
          for (let i = 0; i < 60 && table.tick(); i++);
          let size = 0;
          for (let n = 0; n < KEYS; n++) {
            const want = log[n][log[n].length - 1];
            if (want !== -1) size++;
            readers[0].online();
            const found = readers[0].find(keys[n], 0);
            readers[0].offline();
            if (found !== want || table.get(keys[n]) !== want)
              throw new Finding('state', `key ${n} is ${found}, not ${want}`);
          }
          const { taken, free } = table.nodes;
          if (table.size !== size || taken - free !== size) {
            throw new Finding('leak', `${taken - free} nodes for ${size} keys (${table.size} counted)`);
          }
        },
      };
    },
  };
}

export const tableTarget: Target<TableInput> = {
  name: 'table',
  about: 'a writer that updates and resizes, readers that look up or stall, in random interleavings',
  sliceRuns: 60,
  inputs: () =>
    fc.record({
      bits: fc.integer({ min: 1, max: 3 }),
      seed: fc.nat(),
      present: fc.nat(255),
      writer: fc.array(
        fc.oneof(
          { weight: 4, arbitrary: fc.nat(15) },
          { weight: 2, arbitrary: fc.integer({ min: 16, max: 18 }) },
          { weight: 5, arbitrary: fc.integer({ min: 19, max: 22 }) },
        ),
        { maxLength: 24 },
      ),
      readers: fc.array(
        fc.array(
          fc.oneof({ weight: 5, arbitrary: fc.nat(7) }, { weight: 1, arbitrary: fc.constantFrom(8, 8, 9) }),
          {
            maxLength: 10,
          },
        ),
        { minLength: 1, maxLength: 2 },
      ),
    }),
  async run(input, witness) {
    hammer(await shippedProgram(), tableModelOf(input), input.seed, 25, witness);
  },
  ...jsonCodec<TableInput>(),
};
