// The packet pool under command lists of three parties in one thread: no buffer is ever in two hands, contents stay with
// their holder, all come home, and what a dead party held is taken back. Threads: the explorer's model `pool`.

import * as fc from 'fast-check';
import { Arena } from '../../stack/channel/arena.js';
import { PacketPool } from '../../stack/channel/pool.js';
import { invariant, jsonCodec, type Target } from '../target.js';

const DO = ['alloc', 'large', 'release', 'give', 'collect', 'write'] as const;

export interface PoolInput {
  /** Buffers of each class of three parties. */
  readonly shares: readonly (readonly [small: number, large: number])[];
  readonly commands: readonly {
    readonly who: number;
    readonly do: (typeof DO)[number];
    readonly to: number;
  }[];
  /** Which party dies at the end, holding what it holds; -1 nobody. */
  readonly dead: number;
}

export const poolTarget: Target<PoolInput> = {
  name: 'pool',
  about: 'three parties that allocate, hand over, release and die, against an oracle',
  sliceRuns: 300,
  inputs: () =>
    fc.record({
      shares: fc.tuple(...[0, 1, 2].map(() => fc.tuple(fc.nat(5), fc.nat(2)))),
      commands: fc.array(fc.record({ who: fc.nat(2), do: fc.constantFrom(...DO), to: fc.nat(2) }), {
        maxLength: 80,
      }),
      dead: fc.integer({ min: -1, max: 2 }),
    }),
  run(input, witness) {
    const arena = Arena.create(2 << 20);
    const pool = PacketPool.create(arena, { small: 16, large: 8, debug: true });
    const parties = input.shares.map(([small, large]) => pool.party(pool.addParty({ small, large })));
    const held: { index: number; stamp: number }[][] = parties.map(() => []);
    let stamp = 0;
    for (const c of input.commands) {
      const party = parties[c.who];
      const mine = held[c.who];
      if (c.do === 'alloc' || c.do === 'large') {
        const index = party.alloc(c.do === 'alloc' ? 100 : 5000);
        if (index < 0) continue;
        for (const list of held)
          invariant(!list.some((b) => b.index === index), 'a buffer is in one hand only');
        party.setStamp(index, ++stamp);
        mine.push({ index, stamp });
        witness?.step(`party ${c.who} takes buffer ${index}`);
      } else if (c.do === 'collect') party.collect();
      else {
        const first = mine.shift();
        if (!first) continue;
        invariant(party.stamp(first.index) === first.stamp, 'what a holder wrote stays as it is');
        if (c.do === 'release') party.release(first.index);
        else if (c.do === 'give') {
          if (party.owner(first.index) === party.id) party.lend(first.index, c.to);
          // Only the owner can note a new holder: the driver copies what it passes on for others.
          const legal = party.owner(first.index) === party.id;
          held[legal ? c.to : c.who].push(first);
        } else {
          party.setStamp(first.index, ++stamp);
          mine.push({ index: first.index, stamp });
        }
      }
    }
    held.forEach((list, who) => {
      if (who === input.dead) return;
      for (const { index } of list) parties[who].release(index);
    });
    for (const [who, party] of parties.entries()) {
      party.collect();
      if (input.dead >= 0 && who !== input.dead) party.reclaim(input.dead);
      if (input.dead >= 0 && who === input.dead) continue;
      invariant(party.available === party.size, 'every buffer of the living comes home', () => {
        return `party ${who} has ${party.available} of ${party.size}`;
      });
    }
  },
  ...jsonCodec<PoolInput>(),
};
