// Channels: opening, closing, numbers given anew, and what each side is refused.
import { describe, expect, it } from 'vitest';
import { Arena } from './arena.js';
import { ChannelDirectory, ChannelReader, ChannelWriter, SPEAKS_FLOW } from './channel.js';
import { PacketPool } from './pool.js';

function setup(max = 4) {
  const arena = Arena.create(1 << 20);
  const pool = PacketPool.create(arena, { small: 64, large: 0 });
  const driver = pool.party(pool.addParty({ small: 64, large: 0 }));
  const endpoint = pool.party(pool.addParty({ small: 0, large: 0 }));
  const directory = ChannelDirectory.create(arena, max);
  const open = (more = {}) => directory.open({ endpoint: 0, party: endpoint.id, slots: 8, ...more });
  return { arena, driver, endpoint, directory, open };
}

describe('channel', () => {
  it('is attached by number, once a side, and not after it was closed', () => {
    const { arena, endpoint, directory, open } = setup();
    const number = open();
    const writer = new ChannelWriter(arena, directory.offset, number);
    const reader = new ChannelReader(arena, directory.offset, number, endpoint);
    expect(writer.number).toBe(number);
    expect(() => new ChannelWriter(arena, directory.offset, number)).toThrow(
      expect.objectContaining({ code: 'RING_TAKEN' }),
    );
    expect(() => directory.free(number)).toThrow('before it was closed');
    directory.close(number);
    const closed = expect.objectContaining({ code: 'CHANNEL_CLOSED' });
    expect(() => new ChannelWriter(arena, directory.offset, number)).toThrow(closed);
    expect(() => new ChannelReader(arena, directory.offset, number, endpoint)).toThrow(closed);
    reader.close();
    directory.free(number);
    expect(directory.size).toBe(0);
    expect(open()).toBe(number);
    expect(new ChannelWriter(arena, directory.offset, number).generation).not.toBe(writer.generation);
  });

  it('returns memory and number when it is freed, and refuses one too many', () => {
    const { arena, directory, open } = setup(2);
    const used = arena.used;
    for (let round = 0; round < 5; round++) {
      const numbers = [open(), open()];
      expect(() => open()).toThrow(expect.objectContaining({ code: 'CHANNEL_EXHAUSTED' }));
      for (const n of numbers) {
        directory.close(n);
        directory.free(n);
      }
    }
    expect(arena.used).toBe(used);
    const bad = expect.objectContaining({ code: 'CHANNEL_BAD' });
    expect(() => open({ speaks: SPEAKS_FLOW })).toThrow(bad);
    expect(() => open({ limit: 0 })).toThrow(bad);
    expect(() => directory.close(7)).toThrow(bad);
    expect(() => open({ slots: 2 ** 24 })).toThrow(expect.objectContaining({ code: 'ARENA_FULL' }));
    expect(directory.size).toBe(0);
    open();
  });

  it('credits the quota in batches and at the latest when the reader is idle', () => {
    const { arena, driver, endpoint, directory, open } = setup();
    const number = open({ slots: 64, quota: 40, first: -3 });
    const writer = new ChannelWriter(arena, directory.offset, number);
    const reader = new ChannelReader(arena, directory.offset, number, endpoint);
    const push = () => {
      const index = driver.alloc(1);
      const took = writer.push(index);
      if (!took) driver.release(index);
      return took;
    };
    let pushed = 0;
    while (push()) pushed++;
    expect(pushed).toBe(40);
    writer.ring.publish();
    const out = new Uint32Array(64);
    expect(reader.popBatch(out, 64)).toBe(40);
    expect(push()).toBe(false);
    for (let i = 0; i < 32; i++) reader.release(out[i]);
    expect(push()).toBe(true); // a batch of 32 credits by itself
    for (let i = 32; i < 40; i++) reader.release(out[i]);
    reader.flush();
    let more = 0;
    while (push()) more++;
    expect(more).toBe(39);
    expect(reader.drops()).toEqual({ full: 0, quota: 3 });
    writer.ring.publish();
    reader.close();
    driver.collect();
    expect(driver.available).toBe(driver.size);
  });
});
