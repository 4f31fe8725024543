// Packet buffers: who has them, how they come home, and what misuse is told.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena } from './arena.js';
import { HEADROOM, LARGE_BYTES, PacketPool, SMALL_BYTES } from './pool.js';

function pool(
  debug: boolean,
  shares: [number, number][] = [
    [8, 2],
    [4, 1],
  ],
) {
  const arena = Arena.create(4 << 20);
  const p = PacketPool.create(arena, { small: 16, large: 4, debug });
  const parties = shares.map(([small, large]) => p.party(p.addParty({ small, large })));
  return { arena, p, parties };
}

describe('pool', () => {
  it('has two classes, and resets a buffer’s metadata on allocation', () => {
    const { p, parties } = pool(false);
    const [a] = parties;
    const small = a.alloc(SMALL_BYTES - HEADROOM);
    const large = a.alloc(SMALL_BYTES - HEADROOM + 1);
    expect(a.capacity(small)).toBe(SMALL_BYTES);
    expect(a.capacity(large)).toBe(LARGE_BYTES);
    expect(() => a.alloc(LARGE_BYTES)).toThrow(expect.objectContaining({ code: 'POOL_BAD' }));
    a.setLength(small, 5);
    a.setOffset(small, 7);
    a.setStamp(small, 123.25);
    a.setDeparture(small, 99.5);
    a.setGsoSize(small, 1400);
    a.setChecksum(small, 2);
    a.setCsumPlace(small, 34, 16);
    a.setL3Offset(small, 14);
    a.setChannel(small, 9);
    a.setInterface(small, 3);
    a.setTag(small, 77);
    a.setDirection(small, 1);
    expect([a.length(small), a.offset(small), a.stamp(small), a.departure(small)]).toEqual([
      5, 7, 123.25, 99.5,
    ]);
    expect([a.gsoSize(small), a.checksum(small), a.csumStart(small), a.csumOffset(small)]).toEqual([
      1400, 2, 34, 16,
    ]);
    expect([a.l3Offset(small), a.channel(small), a.interface(small), a.tag(small)]).toEqual([14, 9, 3, 77]);
    expect(a.start(small)).toBe(a.base(small) + 7);
    a.copyMeta(small, large);
    expect([a.length(large), a.tag(large), a.departure(large), a.offset(large)]).toEqual([
      5,
      77,
      99.5,
      HEADROOM,
    ]);
    expect(a.owner(small)).toBe(a.id);
    a.release(small);
    const again = a.alloc(10);
    expect(again).toBe(small);
    const fields = [
      a.length(again),
      a.offset(again),
      a.stamp(again),
      a.departure(again),
      a.gsoSize(again),
      a.tag(again),
    ];
    expect(fields).toEqual([0, HEADROOM, -1, 0, 0, 0]);
    expect([a.checksum(again), a.csumStart(again), a.direction(again), a.channel(again)]).toEqual([
      0, 0, 0, 0,
    ]);
    expect(PacketPool.attach(p.arena, p.poolOffset).count).toBe(20);
  });

  it('brings buffers home from other parties, and tells their owner', () => {
    const { parties } = pool(false);
    const [a, b] = parties;
    const home: number[] = [];
    a.onReturn = (index) => home.push(index);
    const taken = Array.from({ length: 8 }, () => a.alloc(1));
    expect(a.alloc(1)).toBe(-1);
    for (const index of taken) {
      a.lend(index, b.id);
      b.release(index);
    }
    expect(home).toEqual([]);
    expect(a.alloc(1)).toBeGreaterThanOrEqual(0);
    expect(home).toEqual(taken);
    expect(a.available).toBe(a.size - 1);
    expect(a.collect()).toBe(0);
  });

  it('takes back what a dead party held, once: what is on its way home is not counted twice', () => {
    const { parties } = pool(true);
    const [a, b] = parties;
    const taken = Array.from({ length: 6 }, () => a.alloc(1));
    taken.push(a.alloc(3000));
    for (const index of taken) a.lend(index, b.id);
    b.release(taken[0]);
    b.release(taken[1]);
    expect(a.reclaim(b.id)).toBe(7);
    expect(a.available).toBe(a.size);
    expect(a.reclaim(b.id)).toBe(0);
    const again = new Set(Array.from({ length: 8 }, () => a.alloc(1)));
    expect(again.size).toBe(8);
    expect(again.has(-1)).toBe(false);
  });

  it('gives a dead party to another thread, whatever became of its buffers', () => {
    const { p, parties } = pool(true);
    const [a, b] = parties;
    const sent = Array.from({ length: 4 }, () => b.alloc(1));
    const leaked = [sent[3], b.alloc(3000)];
    const got = a.alloc(1);
    a.lend(got, b.id);
    // Two came home and were noticed, one was not, one leaked; a received one is on its way back.
    a.release(sent[0]);
    a.release(sent[1]);
    b.collect();
    a.release(sent[2]);
    b.release(got);
    a.reclaim(b.id);
    expect(() => p.party(b.id)).toThrow(/already in use/);
    p.renewParty(b.id);
    for (const index of leaked)
      expect(() => a.length(index)).toThrow(/after its release at the end of party 1/);
    const heir = p.party(b.id);
    expect([heir.available, a.available]).toEqual([heir.size, a.size]);
    const home: number[] = [];
    heir.onReturn = (index) => home.push(index);
    const all = new Set(Array.from({ length: 4 }, () => heir.alloc(1)));
    expect(all.size).toBe(4);
    expect(all.has(-1)).toBe(false);
    const [one] = all;
    a.release(one);
    expect(heir.collect()).toBe(1);
    expect(home).toEqual([one]);
    // And the other way.
    const next = a.alloc(1);
    a.lend(next, heir.id);
    heir.release(next);
    a.collect();
    expect(a.available).toBe(a.size);
  });

  it('names both places of a use after release, of a write after release and of a double release', () => {
    const { parties } = pool(true);
    const [a, b] = parties;
    const index = a.alloc(10);
    function releaseHere(): void {
      a.release(index);
    }
    releaseHere();
    for (const use of [
      () => a.length(index),
      () => a.start(index),
      () => a.setTag(index, 1),
      () => a.stamp(index),
    ]) {
      expect(use).toThrow(/used at .*pool\.test.* after its release at releaseHere .*pool\.test/);
    }
    expect(() => a.release(index)).toThrow(/released at .*pool\.test.* was released before at releaseHere/);
    expect(() => b.release(index)).toThrow(expect.objectContaining({ code: 'DOUBLE_RELEASE' }));
    a.bytes[a.base(index) + 200] = 1;
    expect(() => a.alloc(10)).toThrow(/was written at byte 200 after its release at releaseHere/);
    expect(() => a.length(99)).toThrow(expect.objectContaining({ code: 'POOL_BAD' }));
    expect(() => a.release(99)).toThrow(expect.objectContaining({ code: 'POOL_BAD' }));
  });

  it('notices a double release without the debug mode as well', () => {
    const { parties } = pool(false);
    const [a] = parties;
    const index = a.alloc(10);
    a.release(index);
    expect(() => a.release(index)).toThrow(expect.objectContaining({ code: 'DOUBLE_RELEASE' }));
  });

  it('gives each party to one thread, and no more than there is', () => {
    const { p } = pool(false);
    expect(() => p.party(0)).toThrow(expect.objectContaining({ code: 'PARTY_TAKEN' }));
    expect(() => p.party(5)).toThrow(expect.objectContaining({ code: 'POOL_BAD' }));
    expect(() => p.addParty({ small: 5, large: 0 })).toThrow(
      expect.objectContaining({ code: 'POOL_EXHAUSTED' }),
    );
    expect(() => p.addParty({ small: 0, large: 2 })).toThrow(/2 large buffers asked, 4 and 1 left/);
    for (let i = 2; i < 64; i++) p.addParty({ small: 0, large: 0 });
    expect(() => p.addParty({ small: 0, large: 0 })).toThrow('at most 64');
    const arena = Arena.create(1 << 16);
    expect(() => PacketPool.create(arena, { small: 0, large: 0 })).toThrow(
      expect.objectContaining({ code: 'POOL_BAD' }),
    );
    expect(() => PacketPool.attach(arena, arena.alloc(4096))).toThrow('no pool');
  });

  it('never has a buffer in two hands, under any commands of three parties', () => {
    const command = fc.record({
      who: fc.nat(2),
      do: fc.constantFrom('alloc', 'release', 'give', 'collect'),
      to: fc.nat(2),
    });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const { parties } = pool(true, [
          [5, 0],
          [3, 1],
          [0, 0],
        ]);
        const held: number[][] = [[], [], []];
        for (const c of commands) {
          const p = parties[c.who];
          if (c.do === 'alloc') {
            const index = p.alloc(1);
            if (index < 0) continue;
            for (const h of held) expect(h).not.toContain(index);
            held[c.who].push(index);
          } else if (c.do === 'release') {
            const index = held[c.who].shift();
            if (index !== undefined) p.release(index);
          } else if (c.do === 'give') {
            const index = held[c.who].shift();
            if (index !== undefined) held[c.to].push(index);
          } else p.collect();
        }
        held.forEach((h, who) => {
          for (const index of h) parties[who].release(index);
        });
        for (const p of parties) p.collect();
        expect(parties.map((p) => p.available)).toEqual(parties.map((p) => p.size));
      }),
    );
  });
});
