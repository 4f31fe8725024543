// Packet buffers that travel: a driver allocates, fills and hands them to a reader through a channel with a quota; the
// reader reads and releases; they come home through the return ring. Race checks cover payload and metadata; the
// oracle checks contents, order, that no buffer is handed out twice, and that all come home.

import { Finding, SITE_PAYLOAD } from '../machine.js';
import type { Instance, Model } from '../run.js';

// biome-ignore lint/suspicious/noExplicitAny: instrumented classes
type Any = any;

export const poolModel: Model = {
  name: 'pool',
  about: 'buffers allocated by a driver, read and released by an endpoint, quota and packet limit on',
  threads: ['driver', 'reader'],
  arenaBytes: 65536,
  params: { packets: 4, buffers: 2, slots: 2, quota: 4, first: -1, take: 1 },
  bind(load, arena, params, machine): Instance {
    const { PacketPool } = load('channel/pool.js');
    const { ChannelDirectory, ChannelWriter, ChannelReader } = load('channel/channel.js');
    let pool: Any;
    let rx: Any;
    let own: Any;
    let writer: Any;
    let reader: Any;
    let sent: number[] = [];
    let got = 0;
    let done = false;
    let held = new Set<number>();
    const out = new Uint32Array(8);

    function* drive(): Generator<unknown, void, unknown> {
      for (let i = 0; i < params.packets; i++) {
        let since = machine.others();
        let index: number = yield* rx.alloc$(64);
        for (; index < 0; index = yield* rx.alloc$(64)) {
          yield machine.pause(since);
          since = machine.others();
        }
        if (held.has(index)) throw new Finding('double-use', `buffer ${index} handed out while in use`);
        held.add(index);
        const at = rx.base(index) >>> 2;
        machine.w(SITE_PAYLOAD, pool.words, at, 1000 + i);
        yield* rx.setLength$(index, 64 + i);
        yield* rx.setStamp$(index, 5000 + i);
        yield* rx.setDeparture$(index, 7000 + i);
        if (yield* writer.push$(index)) {
          sent.push(i);
          yield* writer.ring.publish$();
        } else {
          held.delete(index);
          yield* rx.release$(index);
        }
      }
      done = true;
      machine.touch();
    }

    function* use(index: number): Generator<unknown, void, unknown> {
      const n = sent[got];
      const value = machine.r(SITE_PAYLOAD, pool.words, own.base(index) >>> 2);
      const length: number = yield* own.length$(index);
      const stamp: number = yield* own.stamp$(index);
      const departure: number = yield* own.departure$(index);
      if (value !== 1000 + n || length !== 64 + n || stamp !== 5000 + n || departure !== 7000 + n) {
        throw new Finding(
          'contents',
          `packet ${got} holds ${value} (${length} bytes, ${stamp}), expected number ${n}`,
        );
      }
      got++;
      held.delete(index);
      yield* reader.release$(index);
    }

    function* read(): Generator<unknown, void, unknown> {
      for (;;) {
        const ended = done;
        const since = machine.others();
        let count = 1;
        if (params.take === 1) {
          out[0] = yield* reader.pop$();
          if (out[0] === 0xffffffff) count = 0;
        } else count = yield* reader.popBatch$(out, params.take);
        for (let i = 0; i < count; i++) yield* use(out[i]);
        if (count > 0) continue;
        if (ended) return;
        yield machine.pause(since);
      }
    }

    return {
      start() {
        pool = PacketPool.create(arena, { small: params.buffers, large: 0 });
        const a: number = pool.addParty({ small: params.buffers, large: 0 });
        const b: number = pool.addParty({ small: 0, large: 0 });
        rx = pool.party(a);
        own = pool.party(b);
        const directory = ChannelDirectory.create(arena, 4);
        const number = directory.open({
          slots: params.slots,
          quota: params.quota,
          endpoint: 0,
          party: b,
          first: params.first,
        });
        writer = new ChannelWriter(arena, directory.offset, number);
        reader = new ChannelReader(arena, directory.offset, number, own);
        sent = [];
        got = 0;
        done = false;
        held = new Set();
        return [drive(), read()];
      },
      finish() {
        if (got !== sent.length) throw new Finding('lost', `${sent.length} packets sent, ${got} read`);
        // One more empty look, as a reader that goes on would take.
        reader.popBatch(out, 1);
        // A reader that takes one and then flushes has given every slot back, however large the ring is.
        writer.push(rx.alloc(1));
        writer.ring.publish();
        reader.release(reader.pop());
        reader.flush();
        const slots: number = writer.ring.free();
        if (slots !== params.slots) throw new Finding('slots', `${slots} of ${params.slots} slots came back`);
        rx.collect();
        if (rx.available !== params.buffers) {
          throw new Finding('leak', `${rx.available} of ${params.buffers} buffers came home`);
        }
        if (writer.ring.pinned(0) !== 0)
          throw new Finding('quota', `${writer.ring.pinned(0)} still count as pinned`);
      },
    };
  },
};
