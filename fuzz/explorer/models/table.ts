// The flow table under one writer and one or two readers while it grows, shrinks or takes a new seed. Oracles: a stable
// key is never missed; a changing key gives a value that it had between the lookup's begin and end, and a reader never
// goes back in time; nodes and bucket arrays that readers may stand on are not written (the race check sees reuse).

import { Finding } from '../machine.js';
import type { Instance, Model } from '../run.js';
import { Chooser } from '../strategies.js';

// biome-ignore lint/suspicious/noExplicitAny: instrumented classes
type Any = any;

const OPERATIONS = ['grow', 'shrink', 'reseed'];
const NOTHING = -1;

export const tableModel: Model = {
  name: 'table',
  about: 'lookups by two readers while the writer updates, grows (0), shrinks (1) or reseeds (2)',
  threads: ['writer', 'reader', 'other'],
  arenaBytes: 65536,
  params: {
    operation: 0,
    bits: 1,
    stable: 3,
    moving: 3,
    updates: 4,
    lookups: 4,
    readers: 2,
    seed: 1,
    again: 0,
    linger: 0,
  },
  bind(load, arena, params, machine): Instance {
    const { FlowTable } = load('flows/table.js');
    const { FlowReader } = load('flows/reader.js');
    const { KEY_WORDS } = load('flows/key.js');
    const keys: Int32Array[] = [];
    for (let n = 0; n < params.stable + params.moving; n++) {
      const key = new Int32Array(KEY_WORDS);
      key[0] = 6 | (4 << 8);
      key[1] = (80 << 16) | (1000 + n);
      keys.push(key);
    }
    let table: Any;
    let readers: Any[] = [];
    /** Per key: every value it has had or is getting, in order; and the index of the one that is settled. */
    let log: number[][] = [];
    let settled: number[] = [];
    let nextValue = 0;
    let writing = true;

    function* update(chooser: Chooser): Generator<unknown, void, unknown> {
      const n = params.stable + chooser.next(params.moving);
      const now = log[n][log[n].length - 1];
      const how = chooser.next(3);
      nextValue++;
      if (now === NOTHING) {
        log[n].push(nextValue);
        yield* table.insert$(keys[n], nextValue);
      } else if (how === 0) {
        log[n].push(nextValue);
        if (!(yield* table.replace$(keys[n], nextValue)))
          throw new Finding('replace', `key ${n} was not there`);
      } else {
        log[n].push(NOTHING);
        if (!(yield* table.remove$(keys[n]))) throw new Finding('remove', `key ${n} was not there`);
      }
      settled[n] = log[n].length - 1;
    }

    function* write(): Generator<unknown, void, unknown> {
      const chooser = new Chooser(params.seed);
      let updates = params.updates;
      for (let round = 0; round <= params.again; round++) {
        const operation = OPERATIONS[(params.operation + round) % 3];
        if (!(yield* table.resize$(operation))) throw new Finding('resize', `${operation} did not start`);
        for (let idle = 0; table.progress.operation !== 'none'; ) {
          const before = `${table.progress.phase} ${table.progress.cursor}`;
          if (updates > 0 && chooser.next(2) === 0) {
            updates--;
            yield* update(chooser);
          }
          const since = machine.others();
          yield* table.tick$(1);
          idle = before === `${table.progress.phase} ${table.progress.cursor}` ? idle + 1 : 0;
          if (idle > 0) yield machine.pause(since);
        }
      }
      while (updates-- > 0) {
        yield* update(chooser);
        yield* table.tick$(1);
      }
      writing = false;
      machine.touch();
    }

    function* read(side: number): Generator<unknown, void, unknown> {
      const reader = readers[side];
      const chooser = new Chooser(params.seed * 31 + side + 1);
      const seen = keys.map(() => 0);
      yield* reader.online$();
      for (let i = 0; i < params.lookups; i++) {
        const n = chooser.next(keys.length);
        const from = Math.max(settled[n], seen[n]);
        const value: number = yield* reader.find$(keys[n], 0);
        let at = -1;
        for (let k = from; k < log[n].length && at < 0; k++) if (log[n][k] === value) at = k;
        if (at < 0) {
          const kind =
            n < params.stable ? 'false-miss' : log[n].includes(value) ? 'back-in-time' : 'wrong-value';
          throw new Finding(
            kind,
            `key ${n} gave ${value}; since ${from} it was ${log[n].slice(from).join(', ')}`,
          );
        }
        seen[n] = at;
        if (chooser.next(3) === 0) yield* reader.quiescent$();
        else if (chooser.next(6) === 0) {
          yield* reader.offline$();
          yield* reader.online$();
        }
      }
      // A busy driver never goes offline: its quiescent states alone must let the writer go on.
      for (let since = machine.others(); params.linger > 0 && writing; since = machine.others()) {
        yield* reader.quiescent$();
        if (writing) yield machine.pause(since);
      }
      yield* reader.offline$();
    }

    return {
      start() {
        let secret = 0x1234 + params.seed;
        table = new FlowTable(arena, {
          secret: () => {
            secret = (Math.imul(secret, 1664525) + 1013904223) | 0;
            return secret;
          },
          bits: params.bits + (params.operation === 1 ? 1 : 0),
          autoResize: false,
          slab: 1,
        });
        readers = [0, 1].map(() => new FlowReader(arena, table.offset, table.addReader()));
        log = [];
        settled = [];
        nextValue = 100;
        writing = true;
        for (let n = 0; n < keys.length; n++) {
          const present = n < params.stable || (n + params.seed) % 2 === 0;
          if (present) table.insert(keys[n], n);
          log.push([present ? n : NOTHING]);
          settled.push(0);
        }
        const bodies = [write(), read(0)];
        bodies.push(params.readers > 1 ? read(1) : nothing());
        return bodies;
      },
      finish() {
        for (let i = 0; i < 50 && table.tick(); i++);
        for (let n = 0; n < keys.length; n++) {
          const want = log[n][log[n].length - 1];
          if (table.get(keys[n]) !== want)
            throw new Finding('state', `key ${n} is ${table.get(keys[n])}, not ${want}`);
          readers[0].online();
          if (readers[0].find(keys[n], 0) !== want)
            throw new Finding('state', `a reader finds ${want} not at key ${n}`);
          readers[0].offline();
        }
        const size = log.filter((l) => l[l.length - 1] !== NOTHING).length;
        if (table.size !== size) throw new Finding('state', `${table.size} keys, expected ${size}`);
        const { taken, free } = table.nodes;
        if (taken - free !== size) throw new Finding('leak', `${taken - free} nodes in use for ${size} keys`);
        if (table.stats.limbo !== 0) throw new Finding('leak', `${table.stats.limbo} nodes never came back`);
      },
    };
  },
};

/** A thread that does nothing. */
function* nothing(): Generator<unknown, void, unknown> {}
