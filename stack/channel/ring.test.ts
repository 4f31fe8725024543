// The ring alone, in one thread: what it keeps, what it refuses, and where its words are.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena, LINE_BYTES } from './arena.js';
import { initRing, RingConsumer, RingLayout, RingProducer, ringBytes } from './ring.js';

function ring(capacity: number, first = 0) {
  const arena = Arena.create(256 * 1024);
  const offset = arena.alloc(ringBytes(capacity));
  initRing(arena, offset, first);
  const producer = new RingProducer(arena, offset, capacity);
  const consumer = new RingConsumer(arena, offset, capacity);
  return { arena, offset, producer, consumer };
}

describe('ring', () => {
  it('keeps the words of the two sides and the slots on lines of their own', () => {
    const line = (word: number) => Math.floor((word * 4) / LINE_BYTES);
    const { TAIL, PRODUCER, DROPS, DROPS_QUOTA, HEAD, CONSUMER, RELEASED, SLOTS } = RingLayout;
    const producer = new Set([TAIL, PRODUCER, DROPS, DROPS_QUOTA].map(line));
    const consumer = new Set([HEAD, CONSUMER, RELEASED].map(line));
    expect(producer.size).toBe(1);
    expect(consumer.size).toBe(1);
    for (const l of producer) expect(consumer.has(l)).toBe(false);
    expect(producer.has(line(SLOTS))).toBe(false);
    expect(consumer.has(line(SLOTS))).toBe(false);
    // x86 fetches lines in pairs: no two of the three share a pair either.
    const pair = (word: number) => Math.floor((word * 4) / (2 * LINE_BYTES));
    expect(new Set([pair(TAIL), pair(HEAD), pair(SLOTS)]).size).toBe(3);
  });

  it('shows nothing before publish, everything after', () => {
    const { producer, consumer } = ring(4);
    expect(producer.push(7)).toBe(true);
    expect(producer.pending()).toBe(1);
    expect(consumer.pop()).toBe(-1);
    expect(consumer.length()).toBe(0);
    producer.publish();
    expect(consumer.length()).toBe(1);
    expect(consumer.pop()).toBe(7);
    expect(consumer.pop()).toBe(-1);
  });

  it('tells full from empty at every index, the wrap at 2^32 included', () => {
    // The first review of Van Jacobson's ring found tail = head read as full on one side and empty on the other.
    for (const first of [0, 2 ** 31 - 2, 2 ** 32 - 2, 2 ** 32 - 5]) {
      const { producer, consumer } = ring(2, first);
      for (let round = 0; round < 6; round++) {
        expect(producer.free()).toBe(2);
        expect(consumer.pop()).toBe(-1);
        expect(producer.push(1)).toBe(true);
        expect(producer.push(2 ** 32 - 1)).toBe(true);
        expect(producer.push(3)).toBe(false);
        expect(producer.free()).toBe(0);
        producer.publish();
        expect(producer.push(3)).toBe(false);
        expect(consumer.length()).toBe(2);
        expect(consumer.pop()).toBe(1);
        expect(consumer.pop()).toBe(2 ** 32 - 1);
        expect(consumer.pop()).toBe(-1);
      }
    }
  });

  it('refuses a second producer and a second consumer until the first lets go', () => {
    const { arena, offset, producer, consumer } = ring(4);
    expect(() => new RingProducer(arena, offset, 4)).toThrow(expect.objectContaining({ code: 'RING_TAKEN' }));
    expect(() => new RingConsumer(arena, offset, 4)).toThrow(expect.objectContaining({ code: 'RING_TAKEN' }));
    producer.push(1);
    producer.detach();
    consumer.detach();
    const again = new RingConsumer(arena, offset, 4);
    expect(again.pop()).toBe(1);
    const next = new RingProducer(arena, offset, 4);
    next.push(2);
    next.publish();
    expect(again.pop()).toBe(2);
  });

  it('refuses capacities that are no power of two, and absurd limits', () => {
    for (const bad of [0, 3, -4, 1.5, 2 ** 25, Number.NaN]) {
      expect(() => ringBytes(bad)).toThrow(expect.objectContaining({ code: 'RING_BAD' }));
    }
    const { producer } = ring(4);
    expect(() => producer.setLimit(0)).toThrow(expect.objectContaining({ code: 'RING_BAD' }));
  });

  it('holds a packet limit below its capacity', () => {
    const { producer, consumer } = ring(8);
    producer.setLimit(3);
    expect([1, 2, 3, 4].map((v) => producer.push(v))).toEqual([true, true, true, false]);
    expect(producer.free()).toBe(0);
    producer.publish();
    expect(consumer.pop()).toBe(1);
    consumer.release();
    expect(producer.push(4)).toBe(true);
    producer.setLimit(100);
    expect(producer.free()).toBe(8 - 3);
  });

  it('counts pinned buffers until the reader says that they were released', () => {
    const { producer, consumer } = ring(8, 2 ** 32 - 1);
    for (let i = 0; i < 4; i++) producer.push(i);
    producer.publish();
    while (consumer.pop() >= 0);
    expect(producer.pinned(4)).toBe(4);
    consumer.releasedBuffers(3);
    expect(producer.pinned(4)).toBe(1);
  });

  it('behaves as an oracle queue under any commands, from any first index', () => {
    const command = fc.oneof(
      fc.record({ do: fc.constant('push' as const), value: fc.nat(2 ** 32 - 1) }),
      fc.record({
        do: fc.constant('bulk' as const),
        values: fc.array(fc.nat(2 ** 32 - 1), { maxLength: 9 }),
      }),
      fc.record({ do: fc.constant('publish' as const) }),
      fc.record({ do: fc.constant('pop' as const) }),
      fc.record({ do: fc.constant('batch' as const), max: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ do: fc.constant('release' as const) }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 4, 16),
        fc.oneof(fc.integer({ min: -4, max: 4 }), fc.integer()),
        fc.array(command, { maxLength: 120 }),
        (capacity, first, commands) => {
          const { producer, consumer } = ring(capacity, first >>> 0);
          const hidden: number[] = [];
          const shown: number[] = [];
          const out = new Uint32Array(16);
          for (const c of commands) {
            if (c.do === 'push') {
              const took = producer.push(c.value);
              // Slots go back in quarters, so a push may be refused a little early, never too late.
              if (took) hidden.push(c.value);
              expect(hidden.length + shown.length).toBeLessThanOrEqual(capacity);
              if (!took)
                expect(hidden.length + shown.length).toBeGreaterThan(capacity - Math.max(1, capacity >> 2));
            } else if (c.do === 'bulk') {
              const n = producer.pushBatch(Uint32Array.from(c.values), c.values.length);
              hidden.push(...c.values.slice(0, n));
              expect(hidden.length + shown.length).toBeLessThanOrEqual(capacity);
              if (n < c.values.length) {
                expect(hidden.length + shown.length).toBeGreaterThan(capacity - Math.max(1, capacity >> 2));
              }
            } else if (c.do === 'publish') {
              producer.publish();
              shown.push(...hidden.splice(0));
            } else if (c.do === 'pop') {
              expect(consumer.pop()).toBe(shown.shift() ?? -1);
            } else if (c.do === 'batch') {
              const n = consumer.popBatch(out, c.max);
              expect(Array.from(out.subarray(0, n))).toEqual(shown.splice(0, c.max));
            } else {
              consumer.release();
              expect(producer.free()).toBe(capacity - hidden.length - shown.length);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
