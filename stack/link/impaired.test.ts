import { describe, expect, it } from 'vitest';
import { ImpairedLink } from './impaired.js';
import { type Impairment, ImpairmentError } from './impairment.js';
import { drain, frame, load, send, testParty } from './link.test.helper.js';
import { memoryPair } from './memory.js';
import { SeededRandom } from './random.js';

/** Sends `count` frames, one each `gap` µs, through an impaired link; what arrives as [time, tag]. */
function through(tx: Impairment, count: number, gap: number, seed = 7, length = 60) {
  const party = testParty();
  const [a, b] = memoryPair({ common: { framing: 'ip' } });
  const link = new ImpairedLink(a, { tx, seed });
  const arrived: [number, number][] = [];
  let taken = 0;
  for (let i = 0; i < count; i++) {
    taken += send(link, i * gap, party, frame(i & 255, length));
    // Everything that the impaired link lets out before the next frame goes in.
    for (let now = link.nextEvent(); now <= (i + 1) * gap || i === count - 1; now = link.nextEvent()) {
      if (now === Number.POSITIVE_INFINITY) break;
      link.receive(now, party, new Uint32Array(1), 1);
    }
    arrived.push(...drain(b, party, Number.MAX_VALUE));
  }
  expect(taken).toBe(count);
  expect(party.available).toBe(party.size);
  expect(link.held).toBe(0);
  return { arrived, counters: link.tx.counters };
}

describe('seeded generator', () => {
  it('repeats itself by seed and is roughly uniform', () => {
    const x = new SeededRandom(1);
    const y = new SeededRandom(1);
    const z = new SeededRandom(2);
    let same = 0;
    let differ = 0;
    const buckets = new Array(16).fill(0);
    for (let i = 0; i < 16_000; i++) {
      const v = x.next32();
      if (y.next32() !== v) differ++;
      if (z.next32() === v) same++;
      buckets[v >>> 28]++;
    }
    expect(differ).toBe(0);
    expect(same).toBeLessThan(3);
    for (const n of buckets) expect(Math.abs(n - 1000)).toBeLessThan(150);
    for (let i = 0; i < 100; i++) expect(x.below(7)).toBeLessThan(7);
  });
});

describe('impaired link', () => {
  it('passes everything at once when nothing is set', () => {
    const { arrived } = through({}, 5, 10);
    expect(arrived).toEqual([0, 1, 2, 3, 4].map((i) => [i * 10, i]));
  });

  it('loses the share it was told to, the same one for the same seed', () => {
    const { arrived, counters } = through({ loss: 0.1 }, 3000, 10);
    expect(counters.lost).toBeGreaterThan(230);
    expect(counters.lost).toBeLessThan(370);
    expect(arrived.length).toBe(3000 - counters.lost);
    // As text: thousands of pairs compare one by one.
    expect(String(through({ loss: 0.1 }, 3000, 10).arrived)).toBe(String(arrived));
    expect(String(through({ loss: 0.1 }, 3000, 10, 8).arrived)).not.toBe(String(arrived));
    expect(through({ loss: 1 }, 10, 10).arrived).toEqual([]);
  });

  it('loses in bursts', () => {
    const { arrived, counters } = through({ loss: { enter: 0.02, leave: 0.25 } }, 4000, 10);
    // Stationary share: enter / (enter + leave) = 7.4 %; a burst is four frames on average.
    expect(counters.lost / 4000).toBeGreaterThan(0.045);
    expect(counters.lost / 4000).toBeLessThan(0.11);
    let runs = 0;
    for (let i = 1; i < arrived.length; i++) if (arrived[i][0] - arrived[i - 1][0] > 10) runs++;
    expect(counters.lost / runs).toBeGreaterThan(2.5);
  });

  it('duplicates', () => {
    const { arrived, counters } = through({ duplicate: 1, delay: 3 }, 3, 10);
    expect(arrived.map((x) => x[1])).toEqual([0, 0, 1, 1, 2, 2]);
    expect(counters).toMatchObject({ seen: 3, duplicated: 3 });
  });

  it('delays, and keeps order under jitter unless told otherwise', () => {
    expect(through({ delay: 100 }, 2, 1000).arrived).toEqual([
      [100, 0],
      [1100, 1],
    ]);
    const inOrder = through({ delay: 50, jitter: 500 }, 100, 10).arrived;
    const sorted = Array.from({ length: 100 }, (_, i) => i);
    expect(inOrder.map((x) => x[1])).toEqual(sorted);
    for (const [time, tag] of inOrder) expect(time - tag * 10).toBeGreaterThanOrEqual(50);
    const mixed = through({ delay: 50, jitter: 500, jitterReorders: true }, 100, 10).arrived.map((x) => x[1]);
    expect(mixed).not.toEqual(sorted);
    expect([...mixed].sort((x, y) => x - y)).toEqual(sorted);
  });

  it('sets single frames back without holding up the others', () => {
    const { arrived, counters } = through({ reorder: 0.2, reorderDelay: 25 }, 50, 10);
    expect(counters.reordered).toBeGreaterThan(3);
    const late = arrived.filter(([time, tag]) => time === tag * 10 + 25).length;
    const onTime = arrived.filter(([time, tag]) => time === tag * 10).length;
    expect([late, onTime]).toEqual([counters.reordered, 50 - counters.reordered]);
  });

  it('flips exactly one bit of a copy, never in the sender’s buffer nor in the Ethernet header', () => {
    const party = testParty();
    for (const framing of ['ip', 'ethernet'] as const) {
      const [a, b] = memoryPair({ common: { framing } });
      const link = new ImpairedLink(a, { tx: { corrupt: 1 }, seed: 3 });
      for (let i = 0; i < 50; i++) {
        const indices = load(party, frame(9));
        link.transmit(i, party, indices, 1);
        const start = party.start(indices[0]);
        expect(party.bytes.slice(start, start + 60)).toEqual(frame(9));
        party.release(indices[0]);
        const got = b.takeFrame(i)!.bytes;
        let bits = 0;
        frame(9).forEach((x, at) => {
          if (got[at] === x) return;
          if (framing === 'ethernet') expect(at).toBeGreaterThanOrEqual(14);
          bits += (got[at] ^ x).toString(2).replaceAll('0', '').length;
        });
        expect(bits).toBe(1);
      }
      expect(link.tx.counters.corrupted).toBe(50);
    }
  });

  it('limits the rate and drops what its queue cannot hold', () => {
    // 8 Mbit/s: 1000 bytes take 1000 µs.
    const { arrived, counters } = through({ rate: 8e6, queue: 2 }, 6, 0, 7, 1000);
    expect(arrived).toEqual([
      [1000, 0],
      [2000, 1],
      [3000, 2],
    ]);
    expect(counters.dropped).toBe(3);
    expect(through({ rate: 8e6, queue: 2 }, 4, 1000, 7, 1000).arrived.map((x) => x[0])).toEqual([
      1000, 2000, 3000, 4000,
    ]);
  });

  it('treats the two ways apart and counts received frames from their arrival', () => {
    const party = testParty();
    const [a, b] = memoryPair({ delay: 5, common: { framing: 'ip' } });
    const link = new ImpairedLink(a, { rx: { delay: 100 } });
    b.sendFrame(0, frame(1));
    expect(link.nextEvent()).toBe(5);
    expect(drain(link, party, 1000)).toEqual([[105, 1]]);
    send(link, 200, party, frame(2));
    expect(drain(b, party, 1000)).toEqual([[205, 2]]);
    // Looked at late: the delay has long passed, and the stamp says when.
    b.sendFrame(300, frame(3));
    b.sendFrame(300, frame(4));
    const out = new Uint32Array(4);
    expect(link.receive(900, party, out, 4)).toBe(2);
    expect(party.stamp(out[0])).toBe(405);
  });

  it('lets settings change while frames are under way', () => {
    const party = testParty();
    const [a, b] = memoryPair({ common: { framing: 'ip' } });
    const link = new ImpairedLink(a, { tx: { rate: 8e6 } });
    for (let i = 0; i < 5; i++) send(link, 0, party, frame(i, 1000));
    link.tx.set({ rate: 8e6, queue: 1 });
    send(link, 0, party, frame(9, 1000));
    expect(link.tx.counters.dropped).toBe(1);
    for (let t = link.nextEvent(); t < 1e9; t = link.nextEvent())
      link.receive(t, party, new Uint32Array(1), 1);
    expect(drain(b, party, 1e9).map((x) => x[1])).toEqual([0, 1, 2, 3, 4]);
  });

  it('says what its inner link is, without offloads unless asked', () => {
    const [a] = memoryPair({ common: { gsoMaxSize: 65535, checksumOffload: true, mtu: 1400 } });
    const link = new ImpairedLink(a);
    expect([link.name, link.framing, link.mtu]).toEqual(['mem0', 'ethernet', 1400]);
    expect(link.hardwareAddress).toBe(a.hardwareAddress);
    expect([link.gsoMaxSize, link.checksumOffload]).toEqual([0, false]);
    const offloading = new ImpairedLink(a, { offloads: true });
    expect([offloading.gsoMaxSize, offloading.checksumOffload]).toEqual([65535, true]);
  });

  it('drops what it holds when closed, and what a closed inner link refuses', () => {
    const party = testParty();
    const [a, b] = memoryPair({ common: { framing: 'ip' } });
    const link = new ImpairedLink(a, { both: { delay: 10 } });
    send(link, 0, party, frame(1));
    expect(link.held).toBe(1);
    link.close();
    expect([link.held, b.pending]).toEqual([0, 0]);
  });

  it('counts what the inner link refuses, and waits while the pool is empty', () => {
    const party = testParty(2, 0);
    const [a, b] = memoryPair({ common: { framing: 'ip' } });
    const refusing = Object.create(a, { transmit: { value: () => 0 } });
    const link = new ImpairedLink(refusing);
    send(link, 0, party, frame(1));
    expect(link.tx.counters).toMatchObject({ seen: 1, dropped: 1 });
    const slow = new ImpairedLink(a, { both: { delay: 10 } });
    send(slow, 0, party, frame(2));
    b.sendFrame(0, frame(3));
    slow.receive(0, party, new Uint32Array(1), 1);
    const taken = [party.alloc(10), party.alloc(10)];
    expect(slow.receive(10, party, new Uint32Array(1), 1)).toBe(0);
    expect([slow.held, slow.nextEvent()]).toEqual([2, 10]);
    for (const index of taken) party.release(index);
    expect(drain(slow, party, 20)).toEqual([[10, 3]]);
    expect(drain(b, party, 20)).toEqual([[10, 2]]);
  });

  it('refuses settings out of range', () => {
    const [a] = memoryPair();
    for (const bad of [
      { loss: 1.1 },
      { loss: -1 },
      { corrupt: Number.NaN },
      { delay: -1 },
      { queue: 1.5 },
      { rate: -1 },
    ]) {
      expect(() => new ImpairedLink(a, { tx: bad })).toThrow(ImpairmentError);
    }
    expect(() => new ImpairedLink(a, { limit: 0 })).toThrow('limit 0');
    expect(() => new ImpairedLink(a, { rx: { loss: { enter: 2, leave: 0 } } })).toThrow(
      'enter 2 is no probability',
    );
  });
});
