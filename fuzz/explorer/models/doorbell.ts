// A sleeper and a waker around a ring: no wakeup is lost, none is given while the sleeper runs, at most one per idle
// period. The sleeper waits without a timeout, so a lost wakeup shows as nobody being able to go on.

import { Finding } from '../machine.js';
import type { Instance, Model } from '../run.js';

// biome-ignore lint/suspicious/noExplicitAny: instrumented classes
type Any = any;

export const doorbellModel: Model = {
  name: 'doorbell',
  about: 'a reader that sleeps when its ring is empty, a writer that rings after publishing',
  threads: ['waker', 'sleeper'],
  arenaBytes: 8192,
  params: { packets: 3, capacity: 2, first: -2 },
  bind(load, arena, params, machine): Instance {
    const { RingProducer, RingConsumer, initRing, ringBytes } = load('channel/ring.js');
    const { DoorbellSleeper, DoorbellWaker, DOORBELL_BYTES } = load('channel/doorbell.js');
    const { capacity } = params;
    let producer: Any;
    let consumer: Any;
    let sleeper: Any;
    let waker: Any;
    let got = 0;
    let idle = 0;
    let running = true;

    function* wake(): Generator<unknown, void, unknown> {
      for (let i = 0; i < params.packets; i++) {
        for (let since = machine.others(); !(yield* producer.push$(i)); since = machine.others()) {
          yield machine.pause(since);
        }
        yield* producer.publish$();
        const before = waker.rings;
        const wasRunning = running;
        const rang: boolean = yield* waker.ring$();
        // Running at the start and at the end of the look, without an idle period in between, it must not be rung.
        if (rang && wasRunning && running && idle === 0)
          throw new Finding('needless', 'rung before it ever slept');
        if (waker.rings - before > 1) throw new Finding('needless', 'rung twice for one packet');
        if (waker.rings > idle)
          throw new Finding('needless', `${waker.rings} wakeups in ${idle} idle periods`);
      }
    }

    function* sleep(): Generator<unknown, void, unknown> {
      while (got < params.packets) {
        let value: number = yield* consumer.pop$();
        if (value >= 0) {
          if (value !== got) throw new Finding('order', `got ${value}, expected ${got}`);
          got++;
          continue;
        }
        idle++;
        yield* sleeper.prepare$();
        running = false;
        value = yield* consumer.length$();
        if (value === 0) yield* sleeper.wait$();
        yield* sleeper.awake$();
        running = true;
      }
    }

    return {
      start() {
        const ring = arena.alloc(ringBytes(capacity));
        const bell = arena.alloc(DOORBELL_BYTES);
        initRing(arena, ring, params.first);
        producer = new RingProducer(arena, ring, capacity);
        consumer = new RingConsumer(arena, ring, capacity);
        sleeper = new DoorbellSleeper(arena, bell);
        waker = new DoorbellWaker(arena, bell);
        got = 0;
        idle = 0;
        running = true;
        return [wake(), sleep()];
      },
      finish() {
        if (got !== params.packets) throw new Finding('lost', `${got} of ${params.packets} packets arrived`);
      },
    };
  },
};

/** Two wakers share one bell, as endpoints share the driver's; each has its own ring to the sleeper. */
export const bellsModel: Model = {
  name: 'bells',
  about: 'two writers with a ring each, one sleeper: the driver and two endpoints',
  threads: ['left', 'right', 'sleeper'],
  arenaBytes: 8192,
  params: { packets: 2, capacity: 2, first: -1, kernel: 0 },
  bind(load, arena, params, machine): Instance {
    const { RingProducer, RingConsumer, initRing, ringBytes } = load('channel/ring.js');
    const { DoorbellSleeper, DoorbellWaker, DOORBELL_BYTES, WAKE_KERNEL } = load('channel/doorbell.js');
    let producers: Any[] = [];
    let consumers: Any[] = [];
    let wakers: Any[] = [];
    let sleeper: Any;
    let got = 0;
    /** Stands for the kernel's eventfd: a count that a blocked poll sees. */
    let eventfd = 0;
    const total = 2 * params.packets;

    function* wake(side: number): Generator<unknown, void, unknown> {
      for (let i = 0; i < params.packets; i++) {
        for (let since = machine.others(); !(yield* producers[side].push$(i)); since = machine.others()) {
          yield machine.pause(since);
        }
        yield* producers[side].publish$();
        yield* wakers[side].ring$();
      }
    }

    function* sleep(): Generator<unknown, void, unknown> {
      while (got < total) {
        let any = 0;
        for (const consumer of consumers) if ((yield* consumer.pop$()) >= 0) any++;
        got += any;
        if (any > 0) continue;
        yield* sleeper.prepare$(params.kernel ? WAKE_KERNEL : 0, 7);
        let work = 0;
        for (const consumer of consumers) work += yield* consumer.length$();
        if (work === 0 && params.kernel) {
          while (eventfd === 0) yield machine.pause(machine.others());
          eventfd = 0;
        } else if (work === 0) yield* sleeper.wait$();
        yield* sleeper.awake$();
      }
    }

    return {
      start() {
        eventfd = 0;
        const bell = arena.alloc(DOORBELL_BYTES);
        producers = [];
        consumers = [];
        wakers = [];
        for (let side = 0; side < 2; side++) {
          const ring = arena.alloc(ringBytes(params.capacity));
          initRing(arena, ring, params.first);
          producers.push(new RingProducer(arena, ring, params.capacity));
          consumers.push(new RingConsumer(arena, ring, params.capacity));
          wakers.push(
            new DoorbellWaker(arena, bell, (argument: number) => {
              if (argument !== 7) throw new Finding('argument', `kicked with ${argument}`);
              eventfd++;
              machine.touch();
            }),
          );
        }
        sleeper = new DoorbellSleeper(arena, bell);
        got = 0;
        return [wake(0), wake(1), sleep()];
      },
      finish() {
        if (got !== total) throw new Finding('lost', `${got} of ${total} packets arrived`);
      },
    };
  },
};
