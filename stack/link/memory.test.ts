import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHECKSUM_PARTIAL, CHECKSUM_VERIFIED } from '../channel/pool.js';
import { FrameQueue, MAX_FRAME } from './frame-queue.js';
import { drain, frame, load, receive, send, testParty } from './link.test.helper.js';
import { MemoryLinkError, memoryPair } from './memory.js';

/** Long byte arrays compare element by element, strings at once. */
const hex = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString('hex');

describe('frame queue', () => {
  it('gives frames out by time and then in the order they came, against a sorted list', () => {
    const party = testParty();
    const step = fc.record({ pop: fc.boolean(), time: fc.nat(9), length: fc.integer({ min: 1, max: 300 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const queue = new FrameQueue(40);
        const model: { time: number; at: number; bytes: Uint8Array }[] = [];
        // What the queue and the list say, compared at the end: an expectation a step would be most of the time.
        const got: unknown[] = [];
        const want: unknown[] = [];
        steps.forEach(({ pop, time, length }, at) => {
          if (!pop) {
            const bytes = new Uint8Array(length).fill(at);
            got.push(queue.push(time, bytes, 0, length));
            want.push(model.length < 40);
            if (model.length < 40) model.push({ time, at, bytes });
          } else {
            model.sort((x, y) => x.time - y.time || x.at - y.at);
            const first = model.shift();
            got.push(queue.nextTime);
            want.push(first?.time ?? Number.POSITIVE_INFINITY);
            if (at % 2 === 0) {
              got.push(hex(queue.pop()));
              want.push(hex(first?.bytes ?? null));
            } else {
              const index = queue.popBuffer(party);
              got.push(index >= 0);
              want.push(first !== undefined);
              if (first !== undefined && index >= 0) {
                const start = party.start(index);
                const bytes = party.bytes.subarray(start, start + party.length(index));
                got.push(hex(bytes), party.stamp(index));
                want.push(hex(first.bytes), first.time);
                party.release(index);
              }
            }
          }
          got.push(queue.size, queue.bytes);
          want.push(
            model.length,
            model.reduce((n, f) => n + f.bytes.length, 0),
          );
        });
        expect(got).toEqual(want);
      }),
      { seed: 1 },
    );
  });

  it('refuses frames that no buffer could take', () => {
    const queue = new FrameQueue(2);
    expect(queue.push(0, new Uint8Array(MAX_FRAME), 0, MAX_FRAME)).toBe(true);
    expect(queue.push(0, new Uint8Array(MAX_FRAME + 1), 0, MAX_FRAME + 1)).toBe(false);
  });
});

describe('memory link', () => {
  it('carries frames across after the delay, in order, stamped with their arrival', () => {
    const party = testParty();
    const [a, b] = memoryPair({ delay: 250 });
    expect(send(a, 1000, party, frame(1), frame(2, 1514))).toBe(2);
    expect(send(a, 1100, party, frame(3))).toBe(1);
    expect(b.nextEvent()).toBe(1250);
    expect(receive(b, 1249, party)).toEqual([]);
    expect(receive(b, 1300, party)).toEqual([
      { time: 1250, bytes: frame(1) },
      { time: 1250, bytes: frame(2, 1514) },
    ]);
    expect(drain(b, party, 5000)).toEqual([[1350, 3]]);
    expect(b.nextEvent()).toBe(Number.POSITIVE_INFINITY);
    expect(a.nextEvent()).toBe(Number.POSITIVE_INFINITY);
    expect(party.available).toBe(party.size);
  });

  it('keeps a frame while the pool is empty, and takes no more than asked', () => {
    const party = testParty(2, 0);
    const [a, b] = memoryPair();
    for (let i = 0; i < 3; i++) a.sendFrame(5, frame(i));
    const out = new Uint32Array(8);
    expect(b.receive(5, party, out, 1)).toBe(1);
    expect(b.receive(5, party, out.subarray(1), 7)).toBe(1);
    expect(b.receive(5, party, out.subarray(2), 7)).toBe(0);
    expect(b.pending).toBe(1);
    party.release(out[0]);
    expect(receive(b, 5, party)[0].bytes[0]).toBe(2);
  });

  it('hands partial checksums over as verified and keeps the segment size', () => {
    const party = testParty();
    const [a, b] = memoryPair({ common: { checksumOffload: true, gsoMaxSize: 65535 } });
    const indices = load(party, frame(1, 40_000));
    party.setGsoSize(indices[0], 1448);
    party.setChecksum(indices[0], CHECKSUM_PARTIAL);
    expect(a.transmit(0, party, indices, 1)).toBe(1);
    const out = new Uint32Array(1);
    expect(b.receive(0, party, out, 1)).toBe(1);
    expect([party.length(out[0]), party.gsoSize(out[0])]).toEqual([40_000, 1448]);
    expect(party.checksum(out[0])).toBe(CHECKSUM_VERIFIED);
  });

  it('drops and counts what is too long for the MTU, beyond the limit, or sent into a closed link', () => {
    const party = testParty();
    const [a, b] = memoryPair({ limit: 1, common: { mtu: 1400 } });
    send(a, 0, party, frame(1, 1419));
    expect([a.dropped, b.pending]).toEqual([1, 0]);
    send(a, 0, party, frame(1, 1418), frame(2));
    expect([a.dropped, b.pending]).toEqual([2, 1]);
    b.close();
    expect(b.pending).toBe(0);
    send(a, 0, party, frame(1));
    expect([a.dropped, b.pending]).toEqual([3, 0]);
    expect(a.sendFrame(0, frame(1))).toBe(false);
  });

  it('lets a program play the other side and watch', () => {
    const party = testParty();
    const seen: string[] = [];
    const [a, b] = memoryPair({
      delay: 10,
      common: { framing: 'ip' },
      a: {
        tap: (now, direction, bytes, start, length) =>
          seen.push(`${now} ${direction} ${bytes[start]} ${length}`),
      },
    });
    expect(a.hardwareAddress).toBe(null);
    send(a, 1, party, frame(7, 40));
    expect(b.takeFrame(10)).toBe(null);
    expect(b.takeFrame(11)).toEqual({ time: 11, bytes: frame(7, 40) });
    expect(b.sendFrame(20, frame(8, 50))).toBe(true);
    receive(a, 30, party);
    expect(seen).toEqual(['1 out 7 40', '30 in 8 50']);
  });

  it('refuses pairs that cannot be', () => {
    expect(() => memoryPair({ delay: -1 })).toThrow(MemoryLinkError);
    expect(() => memoryPair({ limit: 0 })).toThrow('a limit of 0 frames');
    expect(() => memoryPair({ a: { framing: 'ip' } })).toThrow('one side has ip frames, the other ethernet');
  });
});
