// How a host with its driver in another thread learns of packets: the driver publishes rings, then names them in a ring of
// names that may be full; the host reads counts in the opposite order of the rings' ages. Oracle: packets of one connection
// that moves from its listener's ring to its own come in order, and none is left when the host goes idle.

import { Finding } from '../machine.js';
import type { Instance, Model } from '../run.js';

// biome-ignore lint/suspicious/noExplicitAny: instrumented classes
type Any = any;

const SHARED = 0;
const OWN = 1;
const OTHER = 2;

export const readyModel: Model = {
  name: 'ready',
  about: 'names of ready channels, and the order between the rings that a connection moves through',
  threads: ['driver', 'host'],
  arenaBytes: 8192,
  params: { packets: 4, move: 2, batch: 1, names: 1, others: 1, first: -1 },
  bind(load, arena, params, machine): Instance {
    const { RingProducer, RingConsumer, initRing, ringBytes } = load('channel/ring.js');
    const { ReadyReaders } = load('threaded/ready-readers.js');
    let producers: Any[] = [];
    let names: Any;
    let readers: Any;
    let done = false;
    let next = 0;
    let others = 0;

    /** As Driver.#publish does, for the channels in the order of their first push. */
    function* publish(touched: number[]): Generator<unknown, void, unknown> {
      for (const channel of touched) {
        yield* producers[channel].publish$();
        if (!(yield* names.push$(channel))) yield* names.countDrop$();
      }
      yield* names.publish$();
      touched.length = 0;
    }

    function* drive(): Generator<unknown, void, unknown> {
      const touched: number[] = [];
      const push = function* (channel: number, value: number): Generator<unknown, void, unknown> {
        yield* producers[channel].push$(value);
        if (!touched.includes(channel)) touched.push(channel);
      };
      for (let i = 0; i < params.packets; i++) {
        yield* push(i < params.move ? SHARED : OWN, i);
        if (i < params.others) yield* push(OTHER, 100 + i);
        if ((i + 1) % params.batch === 0) yield* publish(touched);
      }
      yield* publish(touched);
      done = true;
      machine.touch();
    }

    const receive = (value: number): void => {
      if (value >= 100) {
        others++;
        return;
      }
      if (value !== next) throw new Finding('order', `packet ${value} came, ${next} was next`);
      next++;
    };

    function* read(): Generator<unknown, void, unknown> {
      for (;;) {
        const ended = done;
        const since = machine.others();
        const taken: number = yield* readers.drain$(receive, () => {});
        if (taken > 0 || (yield* readers.pending$())) continue;
        if (ended) return;
        yield machine.pause(since);
      }
    }

    return {
      start() {
        const ring = (slots: number) => {
          const offset = arena.alloc(ringBytes(slots));
          initRing(arena, offset, params.first);
          return [new RingProducer(arena, offset, slots), new RingConsumer(arena, offset, slots)];
        };
        const [namesIn, namesOut] = ring(params.names);
        names = namesIn;
        readers = new ReadyReaders({ readyRing: () => namesOut });
        producers = [];
        for (const channel of [SHARED, OWN, OTHER]) {
          const [producer, consumer] = ring(8);
          producers[channel] = producer;
          const reader = {
            ring: consumer,
            pop$: () => consumer.pop$(),
            flush$: () => consumer.release$(),
          };
          readers.add({ number: channel, reader }, channel === SHARED ? null : { listener: null });
        }
        done = false;
        next = 0;
        others = 0;
        return [drive(), read()];
      },
      finish() {
        if (next !== params.packets || others !== Math.min(params.others, params.packets))
          throw new Finding('lost', `${next} of ${params.packets} packets and ${others} others were read`);
      },
    };
  },
};
