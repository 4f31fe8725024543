// Queue disciplines: order, limits, pacing, and that every buffer comes home.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena } from '../channel/arena.js';
import { PacketPool, type PoolParty } from '../channel/pool.js';
import type { Link } from '../link/link.js';
import { BufferLists, Egress, type Qdisc, XMIT_DROP, XMIT_OK } from './egress.js';
import { NoQueue, PfifoFast, PlainFifo } from './fifo.js';
import { FairQueue } from './fq.js';

function setup() {
  const arena = Arena.create(4 << 20);
  const pool = PacketPool.create(arena, { small: 512, large: 0, debug: true });
  const party = pool.party(pool.addParty({ small: 512, large: 0 }));
  const lists = new BufferLists(pool.count);
  const sent: number[] = [];
  const link = {
    room: Infinity,
    transmit(_now: number, p: PoolParty, indices: Uint32Array, count: number): number {
      let i = 0;
      for (; i < count && this.room > 0; i++, this.room--) sent.push(p.words[p.base(indices[i]) >>> 2]);
      return i;
    },
  };
  const packet = (id: number, flow = 0, departure = 0, length = 100, tos = 0) => {
    const index = party.alloc(length);
    party.setLength(index, length);
    party.setTag(index, flow);
    party.setDeparture(index, departure);
    party.words[party.base(index) >>> 2] = id;
    const at = party.start(index);
    party.bytes[at] = 0x45;
    party.bytes[at + 1] = tos;
    return index;
  };
  const stage = (qdisc: Qdisc) => new Egress(link as unknown as Link, party, qdisc);
  return { party, lists, link, sent, packet, stage };
}

describe('egress', () => {
  it('keeps a pfifo’s limit in packets and a bfifo’s in bytes, after asking the link to take some', () => {
    const { party, lists, link, sent, packet, stage } = setup();
    link.room = 0;
    const p = stage(new PlainFifo('pfifo', party, lists, 2));
    expect([1, 2, 3].map((id) => p.submit(packet(id), 0))).toEqual([XMIT_OK, XMIT_OK, XMIT_DROP]);
    link.room = 1;
    expect(p.submit(packet(4), 0)).toBe(XMIT_OK);
    link.room = Infinity;
    p.pump(0);
    expect(sent).toEqual([1, 2, 4]);
    link.room = 0;
    const b = stage(new PlainFifo('bfifo', party, lists, 250));
    expect([1, 2, 3].map((id) => b.submit(packet(id), 0))).toEqual([XMIT_OK, XMIT_OK, XMIT_DROP]);
    b.purge();
    expect(b.counters.drops).toBe(3);
    expect(party.available).toBe(party.size);
  });

  it('serves pfifo_fast’s bands by type of service', () => {
    const { party, lists, link, sent, packet, stage } = setup();
    link.room = 0;
    const p = stage(new PfifoFast(party, lists, 2));
    p.submit(packet(1, 0, 0, 100, 0x08), 0); // bulk
    p.submit(packet(2, 0, 0, 100, 0), 0);
    p.submit(packet(3, 0, 0, 100, 0x10), 0); // interactive
    p.submit(packet(4, 0, 0, 100, 0), 0);
    expect(p.submit(packet(5, 0, 0, 100, 0), 0)).toBe(XMIT_DROP);
    const short = packet(6, 0, 0, 1);
    party.setLength(short, 1);
    expect(p.qdisc.length).toBe(4);
    party.release(short);
    expect(p.nextDeparture(7)).toBe(7);
    link.room = 2;
    p.pump(0);
    link.room = Infinity;
    p.pump(0);
    expect(sent).toEqual([3, 2, 4, 1]);
    expect(p.nextDeparture(7)).toBe(Infinity);
  });

  it('keeps nothing under noqueue', () => {
    const { party, link, sent, packet, stage } = setup();
    const p = stage(new NoQueue());
    expect(p.submit(packet(1), 0)).toBe(XMIT_OK);
    p.pump(0);
    link.room = 0;
    expect(p.submit(packet(2), 0)).toBe(XMIT_OK);
    expect(p.submit(packet(3), 0)).toBe(XMIT_DROP);
    expect(p.nextDeparture(3)).toBe(3);
    p.setQdisc(new NoQueue());
    expect(p.nextDeparture(3)).toBe(Infinity);
    expect(sent).toEqual([1]);
    expect(party.available).toBe(party.size);
  });

  it('paces by departure time and lets nobody wait behind a throttled flow', () => {
    const { party, lists, sent, packet, stage } = setup();
    const p = stage(new FairQueue(party, lists, 1500));
    p.submit(packet(1, 1, 1000), 0);
    p.submit(packet(2, 2, 0), 0);
    p.submit(packet(3, 1, 2000), 0);
    p.submit(packet(4, 0), 0); // no flow: first of all
    p.submit(packet(5, 3, 500), 0);
    p.pump(0);
    expect(sent).toEqual([4, 2]);
    expect(p.nextDeparture(0)).toBe(500);
    p.pump(500);
    expect(sent).toEqual([4, 2, 5]);
    expect(p.nextDeparture(500)).toBe(1000);
    p.pump(1999);
    expect(p.nextDeparture(1999)).toBe(2000);
    p.pump(2000);
    expect(sent).toEqual([4, 2, 5, 1, 3]);
    expect(p.nextDeparture(2000)).toBe(Infinity);
    expect(p.submit(packet(6, 1, 2e7), 0)).toBe(XMIT_DROP); // beyond the horizon
  });

  it('shares between flows by bytes, and limits each', () => {
    const { party, lists, sent, link, packet, stage } = setup();
    link.room = 0;
    const fq = new FairQueue(party, lists, 1500, {
      flowLimit: 40,
      limit: 100,
      quantum: 200,
      initialQuantum: 200,
    });
    const p = stage(fq);
    for (let i = 0; i < 45; i++) p.submit(packet(1000 + i, 1, 0, 100), 0);
    for (let i = 0; i < 10; i++) p.submit(packet(2000 + i, 2, 0, 400), 0);
    expect(fq.length).toBe(50);
    expect(fq.flows).toBe(2);
    link.room = Infinity;
    p.pump(0);
    const first = sent.slice(0, 20);
    const bytes = (flow: number) =>
      first.filter((id) => Math.floor(id / 1000) === flow).length * (flow === 1 ? 100 : 400);
    expect(Math.abs(bytes(1) - bytes(2))).toBeLessThanOrEqual(800);
    expect(sent.filter((id) => id < 2000)).toEqual(Array.from({ length: 40 }, (_, i) => 1000 + i));
    expect(party.available).toBe(party.size);
  });

  it('keeps order within a flow and loses nothing, whatever the link takes', () => {
    const step = fc.oneof(
      fc.record({ flow: fc.nat(3), delay: fc.nat(300) }),
      fc.record({ room: fc.nat(6), advance: fc.nat(200) }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom('fq', 'pfifo', 'pfifo_fast'),
        fc.array(step, { maxLength: 80 }),
        (kind, steps) => {
          const { party, lists, sent, link, packet, stage } = setup();
          const qdisc =
            kind === 'fq'
              ? new FairQueue(party, lists, 1500)
              : kind === 'pfifo'
                ? new PlainFifo('pfifo', party, lists, 1000)
                : new PfifoFast(party, lists);
          const p = stage(qdisc);
          const queued: number[][] = [[], [], [], []];
          const due = [0, 0, 0, 0];
          let now = 0;
          let id = 0;
          for (const s of steps) {
            if ('flow' in s) {
              due[s.flow] = Math.max(now, due[s.flow]) + s.delay;
              const number = ++id * 4 + s.flow;
              link.room = 0;
              expect(p.submit(packet(number, s.flow, s.flow === 0 ? 0 : due[s.flow]), now)).toBe(XMIT_OK);
              queued[s.flow].push(number);
            } else {
              now += s.advance;
              link.room = s.room;
              p.pump(now);
            }
          }
          link.room = Infinity;
          p.pump(now + 1e6);
          for (let flow = 0; flow < 4; flow++)
            expect(sent.filter((n) => n % 4 === flow)).toEqual(queued[flow]);
          expect(party.available).toBe(party.size);
        },
      ),
    );
  });
});
