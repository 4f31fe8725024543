// The ring under two threads, against an oracle queue. Linearizability of one producer and one consumer comes down to:
// values come out in the order they went in, each once; nothing that was published before a pop began is overlooked;
// a push is refused only while the ring's slots were really not given back when it began.

import { Finding } from '../machine.js';
import type { Instance, Model } from '../run.js';

// biome-ignore lint/suspicious/noExplicitAny: instrumented classes
type Any = any;

export const ringModel: Model = {
  name: 'ring',
  about: 'pushes with a publish per batch against pops one by one, capacity and first index free',
  threads: ['producer', 'consumer'],
  arenaBytes: 4096,
  params: { pushes: 6, pops: 6, batch: 1, capacity: 2, first: -2, take: 1, look: 0, bulk: 0 },
  bind(load, arena, params, _machine): Instance {
    const { RingProducer, RingConsumer, initRing, ringBytes } = load('channel/ring.js');
    const { capacity } = params;
    let producer: Any;
    let consumer: Any;
    let accepted = 0;
    let shown = 0;
    let popped = 0;
    let givenBack = 0;
    const out = new Uint32Array(16);

    const values = new Uint32Array(16);
    /** Pushes `bulk` at a time, as often as fits into the number of pushes. */
    function* produceBulk(): Generator<unknown, void, unknown> {
      for (let i = 0; i < params.pushes; i += params.bulk) {
        const count = Math.min(params.bulk, params.pushes - i);
        for (let k = 0; k < count; k++) values[k] = 100 + accepted + k;
        const free = givenBack + capacity - accepted;
        const n: number = yield* producer.pushBatch$(values, count);
        if (n < Math.min(free, count))
          throw new Finding('false-full', `${n} of ${count} pushed with ${free} slots free`);
        accepted += n;
        if (accepted - popped > capacity)
          throw new Finding('overrun', `${accepted - popped} values in ${capacity} slots`);
        yield* producer.publish$();
        shown = accepted;
      }
    }

    function* produce(): Generator<unknown, void, unknown> {
      if (params.bulk > 0) {
        yield* produceBulk();
        return;
      }
      for (let i = 0; i < params.pushes; i++) {
        const free = givenBack + capacity - accepted;
        if (yield* producer.push$(100 + accepted)) {
          accepted++;
          if (accepted - popped > capacity)
            throw new Finding('overrun', `${accepted - popped} values in ${capacity} slots`);
        } else if (free > 0) throw new Finding('false-full', `push refused with ${free} slots free`);
        if (params.look > 0) {
          const room: number = yield* producer.free$();
          if (room > popped + capacity - accepted)
            throw new Finding('overrun', `${room} slots said to be free`);
        }
        if ((i + 1) % params.batch === 0) {
          yield* producer.publish$();
          shown = accepted;
        }
      }
      yield* producer.publish$();
      shown = accepted;
    }

    function took(value: number): void {
      if (value !== 100 + popped) {
        throw new Finding('order', `pop gave ${value}, the queue had ${100 + popped}`);
      }
      popped++;
      if (popped > accepted) throw new Finding('invented', 'more came out than went in');
    }

    function* consume(): Generator<unknown, void, unknown> {
      for (let i = 0; i < params.pops; i++) {
        const visible = shown;
        if (params.take === 1) {
          const value = yield* consumer.pop$();
          if (value === -1) {
            if (visible > popped)
              throw new Finding('false-empty', `nothing popped, ${visible - popped} were published`);
          } else took(value);
        } else {
          const count = yield* consumer.popBatch$(out, params.take);
          if (count === 0 && visible > popped) throw new Finding('false-empty', 'an empty batch');
          for (let k = 0; k < count; k++) took(out[k]);
        }
        givenBack = (consumer.given - params.first) | 0;
      }
    }

    return {
      start() {
        const offset = arena.alloc(ringBytes(capacity));
        initRing(arena, offset, params.first);
        producer = new RingProducer(arena, offset, capacity);
        consumer = new RingConsumer(arena, offset, capacity);
        accepted = 0;
        shown = 0;
        popped = 0;
        givenBack = 0;
        return [produce(), consume()];
      },
      finish() {
        // What is left comes out in order, by the plain code.
        for (let value = consumer.pop(); value !== -1; value = consumer.pop()) took(value);
        if (popped !== accepted) throw new Finding('lost', `${accepted} went in, ${popped} came out`);
        if (producer.free() !== capacity)
          throw new Finding('slots', `${producer.free()} of ${capacity} slots came back`);
      },
    };
  },
};
