// One packet's whole way in one thread: link, classification, ring, endpoint, tx ring, source check, queue, link.
import { describe, expect, it } from 'vitest';
import { type PoolParty, TO_STACK } from '../channel/pool.js';
import { anyKey, exactKey, listenerKey } from '../flows/key.js';
import type { Link } from '../link/link.js';
import { Control } from './control.js';
import { Driver } from './driver.js';
import { XMIT_DROP, XMIT_OK } from './egress.js';
import { PlainFifo } from './fifo.js';
import { HandOver } from './handover.js';
import { EndpointPort } from './port.js';

/** A link whose frames the test writes and reads. */
class TestLink implements Link {
  readonly name = 'test';
  readonly framing: 'ethernet' | 'ip';
  readonly mtu = 1500;
  readonly gsoMaxSize = 0;
  readonly checksumOffload = false;
  readonly hardwareAddress = null;
  incoming: Uint8Array[] = [];
  outgoing: Uint8Array[] = [];
  room = Infinity;
  constructor(framing: 'ethernet' | 'ip' = 'ip') {
    this.framing = framing;
  }
  receive(_now: number, party: PoolParty, out: Uint32Array, max: number): number {
    let n = 0;
    while (n < max && this.incoming.length > 0) {
      const frame = this.incoming[0];
      const index = party.alloc(frame.length);
      if (index < 0) break;
      this.incoming.shift();
      party.bytes.set(frame, party.start(index));
      party.setLength(index, frame.length);
      out[n++] = index;
    }
    return n;
  }
  transmit(_now: number, party: PoolParty, indices: Uint32Array, count: number): number {
    let i = 0;
    for (; i < count && this.room > 0; i++, this.room--) {
      const start = party.start(indices[i]);
      this.outgoing.push(party.bytes.slice(start, start + party.length(indices[i])));
    }
    return i;
  }
  nextEvent(): number {
    return this.incoming.length > 0 ? 0 : Infinity;
  }
  close(): void {}
}

function packet(src: number, sport: number, dst: number, dport: number, tag = 0, protocol = 6): Uint8Array {
  const p = new Uint8Array(44);
  p[0] = 0x45;
  p[9] = protocol;
  p.set([10, 0, 0, src], 12);
  p.set([10, 0, 0, dst], 16);
  p.set([sport >> 8, sport, dport >> 8, dport], 20);
  p[40] = tag;
  return p;
}
const side = (n: number, port: number) => {
  const address = new Uint8Array(16);
  address.set([0xff, 0xff, 10, 0, 0, n], 10);
  return { address, port };
};

function stack(framing: 'ethernet' | 'ip' = 'ip', debug = true) {
  const control = new Control({
    secret: () => 42,
    arenaBytes: 4 << 20,
    smallBuffers: 256,
    largeBuffers: 4,
    debugBuffers: debug,
    maxChannels: 1024,
  });
  const link = new TestLink(framing);
  const rx = control.pool.addParty({ small: 64, large: 1 });
  const driver = new Driver({
    arena: control.arena,
    address: control.address,
    pool: control.pool,
    party: rx,
    reader: control.table.addReader(),
    links: [link],
  });
  const add = () => {
    const { endpoint, party } = control.addEndpoint({ small: 32, large: 1 });
    const port = new EndpointPort(control.arena, control.address, control.pool, endpoint);
    port.inline = driver;
    return { endpoint, party, port };
  };
  const a = add();
  const fallback = control.openDefault({ endpoint: a.endpoint, party: a.party });
  const strangers = a.port.reader(fallback);
  return { control, link, driver, add, a, fallback, strangers };
}
const tagOf = (p: PoolParty, index: number) => p.bytes[p.start(index) + p.l3Offset(index) + 40];

function write(port: EndpointPort, bytes: Uint8Array, channel: number): number {
  const { party } = port;
  const index = party.alloc(bytes.length);
  party.bytes.set(bytes, party.start(index));
  party.setLength(index, bytes.length);
  party.setChannel(index, channel);
  return index;
}

describe('inline driver', () => {
  it('takes each packet to its flow, its listener or the default channel, stamped', () => {
    const { control, link, driver, a, strangers } = stack();
    const owner = { endpoint: a.endpoint, party: a.party };
    const flow = a.port.reader(control.openFlow(exactKey(6, side(1, 80), side(2, 4000)), owner));
    const listener = a.port.reader(control.openListener([listenerKey(6, side(1, 80))], owner));
    link.incoming.push(packet(2, 4000, 1, 80, 1), packet(2, 4001, 1, 80, 2), packet(2, 4000, 1, 81, 3));
    link.incoming.push(packet(9, 1, 1, 80, 4, 1), packet(2, 4000, 1, 80, 5));
    expect(driver.receive(1234.5)).toBe(5);
    expect(driver.receive(1235)).toBe(0);
    const { party } = a.port;
    const take = (r: typeof flow) => {
      const tags: number[] = [];
      for (let i = r.pop(); i >= 0; i = r.pop()) {
        expect(party.stamp(i)).toBe(1234.5);
        expect(party.interface(i)).toBe(0);
        tags.push(tagOf(party, i));
        r.release(i);
      }
      return tags;
    };
    expect(take(flow)).toEqual([1, 5]);
    expect(take(listener)).toEqual([2]);
    expect(take(strangers)).toEqual([3, 4]);
    expect(driver.counters).toMatchObject({ received: 5, dropped: 0, unwanted: 0 });
    expect(driver.party.collect()).toBe(5);
    expect(driver.party.available).toBe(driver.party.size);
  });

  it('reads Ethernet frames, and gives those without IP to the default channel', () => {
    const { link, driver, a, strangers, control } = stack('ethernet');
    const flow = a.port.reader(
      control.openListener([anyKey(6, 4, 80)], { endpoint: a.endpoint, party: a.party }),
    );
    const frame = (type: number, body: Uint8Array) => {
      const f = new Uint8Array(14 + body.length);
      f.set([type >> 8, type], 12);
      f.set(body, 14);
      return f;
    };
    link.incoming.push(
      frame(0x0800, packet(2, 1, 1, 80, 7)),
      frame(0x0806, packet(2, 1, 1, 80, 8)),
      new Uint8Array(5),
    );
    driver.receive(0);
    const index = flow.pop();
    expect(a.port.party.l3Offset(index)).toBe(14);
    expect(tagOf(a.port.party, index)).toBe(7);
    expect(flow.pop()).toBe(-1);
    expect(strangers.ring.length()).toBe(2);
  });

  it('loses only the packets of a reader that stopped, counts them, and honours limit and quota', () => {
    const { control, link, driver, add, a } = stack();
    const b = add();
    const slow = a.port.reader(
      control.openFlow(exactKey(6, side(1, 80), side(2, 1)), {
        endpoint: 0,
        party: a.party,
        slots: 8,
        limit: 5,
      }),
    );
    const greedy = a.port.reader(
      control.openFlow(exactKey(6, side(1, 80), side(2, 2)), {
        endpoint: 0,
        party: a.party,
        slots: 8,
        quota: 3,
      }),
    );
    const live = b.port.reader(
      control.openFlow(exactKey(6, side(1, 80), side(2, 3)), { endpoint: 1, party: b.party, slots: 8 }),
    );
    const got: number[] = [];
    const pinned: number[] = [];
    for (let i = 0; i < 40; i++) {
      link.incoming.push(packet(2, 1, 1, 80, i), packet(2, 2, 1, 80, i), packet(2, 3, 1, 80, i));
      driver.receive(i);
      const index = live.pop();
      got.push(tagOf(b.port.party, index));
      live.release(index);
      live.flush();
      const held = greedy.pop();
      if (held >= 0) pinned.push(held);
    }
    expect(got).toEqual(Array.from({ length: 40 }, (_, i) => i));
    expect(slow.ring.length()).toBe(5);
    expect(slow.drops()).toEqual({ full: 35, quota: 0 });
    expect(pinned.length).toBe(3);
    expect(greedy.drops()).toEqual({ full: 0, quota: 37 });
    expect(live.drops()).toEqual({ full: 0, quota: 0 });
    for (const index of pinned) greedy.release(index);
    greedy.flush();
    link.incoming.push(packet(2, 2, 1, 80, 99));
    driver.receive(100);
    expect(tagOf(a.port.party, greedy.pop())).toBe(99);
  });

  it('counts what nobody takes', () => {
    const { control, link, driver } = stack();
    control.table.setDefault(-1);
    link.incoming.push(packet(2, 1, 1, 80));
    driver.receive(0);
    expect(driver.counters.unwanted).toBe(1);
    expect(driver.party.available).toBe(driver.party.size);
  });

  it('sends what a channel may say and refuses what would speak for another', () => {
    const { control, link, driver, add, a, fallback } = stack();
    const b = add();
    const flowKey = exactKey(6, side(1, 80), side(2, 4000));
    const flow = control.openFlow(flowKey, { endpoint: b.endpoint, party: b.party });
    const listener = control.openListener([listenerKey(17, side(1, 53))], {
      endpoint: b.endpoint,
      party: b.party,
    });
    const wild = control.openListener([anyKey(17, 4, 99)], { endpoint: b.endpoint, party: b.party });
    const say = (port: EndpointPort, bytes: Uint8Array, channel: number) =>
      port.transmit(write(port, bytes, channel), 0);
    expect(say(b.port, packet(1, 80, 2, 4000), flow)).toBe(XMIT_OK);
    expect(say(b.port, packet(1, 81, 2, 4000), flow)).toBe(XMIT_DROP);
    expect(say(b.port, packet(3, 80, 2, 4000), flow)).toBe(XMIT_DROP);
    expect(say(b.port, packet(1, 80, 2, 4001), flow)).toBe(XMIT_DROP);
    expect(say(b.port, packet(1, 80, 2, 4000, 0, 17), flow)).toBe(XMIT_DROP);
    expect(say(b.port, packet(1, 80, 2, 4000, 0, 1), flow)).toBe(XMIT_DROP);
    expect(say(b.port, packet(1, 53, 7, 1, 0, 17), listener)).toBe(XMIT_OK);
    expect(say(b.port, packet(2, 53, 7, 1, 0, 17), listener)).toBe(XMIT_DROP);
    expect(say(b.port, packet(1, 54, 7, 1, 0, 17), listener)).toBe(XMIT_DROP);
    expect(say(b.port, packet(8, 99, 7, 1, 0, 17), wild)).toBe(XMIT_OK);
    // Another endpoint's channel, the default channel of another, no channel at all.
    expect(say(a.port, packet(1, 80, 2, 4000), flow)).toBe(XMIT_DROP);
    expect(say(b.port, packet(1, 80, 2, 4000), fallback)).toBe(XMIT_DROP);
    for (const none of [77, -1, 1 << 30]) expect(say(b.port, packet(1, 80, 2, 4000), none)).toBe(XMIT_DROP);
    expect(say(a.port, packet(200, 1, 2, 4000), fallback)).toBe(XMIT_OK);
    driver.transmit(0);
    expect(link.outgoing.length).toBe(4);
    expect(driver.counters.spoofed).toBe(12);
    expect(b.port.collect() + b.port.party.available).toBeGreaterThan(0);
    b.port.collect();
    expect(b.port.party.available).toBe(b.port.party.size);
  });

  it('reports a local drop at once and completion by the buffer coming home', () => {
    const { link, driver, a, fallback } = stack();
    driver.egress[0].setQdisc(new PlainFifo('pfifo', driver.party, driver.lists, 2));
    link.room = 1;
    const home: number[] = [];
    a.port.party.onReturn = (index) => home.push(index);
    const send = (tag: number) => a.port.transmit(write(a.port, packet(1, 1, 2, 2, tag), fallback), 0);
    // The link takes one, two wait, the fourth finds the queue full.
    expect([send(1), send(2), send(3), send(4)]).toEqual([XMIT_OK, XMIT_OK, XMIT_OK, XMIT_DROP]);
    a.port.collect();
    expect(home.length).toBe(2);
    expect(link.outgoing.map((p) => p[40])).toEqual([1]);
    link.room = Infinity;
    expect(driver.nextTimeout(5)).toBe(5);
    driver.transmit(5);
    a.port.collect();
    expect(home.length).toBe(4);
    expect(link.outgoing.map((p) => p[40])).toEqual([1, 2, 3]);
    expect(driver.nextTimeout(5)).toBe(Infinity);
    expect(driver.egress[0].counters).toMatchObject({ packets: 3, drops: 1 });
  });

  it('classifies again what an endpoint gives back, and copies it for another endpoint', () => {
    const { control, driver, add, a, fallback } = stack();
    const b = add();
    const mine = a.port.reader(
      control.openFlow(exactKey(6, side(1, 80), side(2, 1)), { endpoint: a.endpoint, party: a.party }),
    );
    const theirs = b.port.reader(
      control.openFlow(exactKey(6, side(1, 81), side(2, 1)), { endpoint: b.endpoint, party: b.party }),
    );
    for (const port of [80, 81]) {
      const index = write(a.port, packet(2, 1, 1, port, port), fallback);
      a.port.party.setDirection(index, TO_STACK);
      expect(a.port.transmit(index, 77)).toBe(XMIT_OK);
    }
    const own = mine.pop();
    expect(tagOf(a.port.party, own)).toBe(80);
    expect(a.port.party.owner(own)).toBe(a.party);
    const copy = theirs.pop();
    expect(tagOf(b.port.party, copy)).toBe(81);
    expect(b.port.party.owner(copy)).toBe(driver.party.id);
    expect(b.port.party.stamp(copy)).toBe(77);
    expect(driver.counters.reinjected).toBe(2);
    mine.release(own);
    theirs.release(copy);
    a.port.collect();
    driver.party.collect();
    expect(a.port.party.available).toBe(a.port.party.size);
    expect(driver.party.available).toBe(driver.party.size);
  });

  it('hands a flow over at accept: what waits in the listener’s ring comes first', () => {
    const { control, link, driver, a } = stack();
    const owner = { endpoint: a.endpoint, party: a.party };
    const listener = a.port.reader(control.openListener([listenerKey(6, side(1, 80))], owner));
    link.incoming.push(packet(2, 1, 1, 80, 1), packet(2, 1, 1, 80, 2));
    driver.receive(0);
    const flow = a.port.reader(control.openFlow(exactKey(6, side(1, 80), side(2, 1)), owner));
    const over = new HandOver(flow);
    control.table.defer(() => over.graceElapsed());
    link.incoming.push(packet(2, 1, 1, 80, 3), packet(2, 1, 1, 80, 4));
    driver.receive(1);
    const order: number[] = [];
    const { party } = a.port;
    const round = () => {
      let allowance = over.allowance();
      for (let i = listener.pop(); i >= 0; i = listener.pop()) {
        order.push(tagOf(party, i));
        listener.release(i);
      }
      for (; allowance > 0; allowance--) {
        const i = flow.pop();
        order.push(tagOf(party, i));
        flow.release(i);
      }
    };
    round();
    expect(order).toEqual([1, 2, 3, 4]);
    expect(over.done).toBe(false);
    control.tick();
    control.tick();
    round();
    expect(over.done).toBe(true);
  });

  it('closes a channel while packets come: they go to the listener, the memory comes back', () => {
    const { control, link, driver, a, strangers } = stack();
    const owner = { endpoint: a.endpoint, party: a.party };
    const key = exactKey(6, side(1, 80), side(2, 1));
    const used = control.arena.used;
    for (let round = 0; round < 5; round++) {
      const number = control.openFlow(key, owner);
      const flow = a.port.reader(number);
      link.incoming.push(packet(2, 1, 1, 80, 1), packet(2, 1, 1, 80, 2));
      driver.receive(0);
      flow.release(flow.pop());
      control.closeChannel(number, () => flow.close());
      control.closeChannel(number);
      link.incoming.push(packet(2, 1, 1, 80, 3));
      driver.receive(0);
      const index = strangers.pop();
      expect(tagOf(a.port.party, index)).toBe(3);
      strangers.release(index);
      while (control.tick());
      expect(control.channels).toBe(1);
    }
    expect(control.directory.size).toBe(1);
    // The table's first slab of nodes is what remains.
    expect(control.arena.used - used).toBe(1024 * 64);
    driver.party.collect();
    expect(driver.party.available).toBe(driver.party.size);
  });

  it('takes back everything that a dead endpoint held, and removes its flows', () => {
    const { control, link, driver, add } = stack();
    const b = add();
    const keys = [1, 2, 3].map((port) => exactKey(6, side(1, 80), side(2, port)));
    const readers = keys.map((key) =>
      b.port.reader(control.openFlow(key, { endpoint: b.endpoint, party: b.party })),
    );
    for (let i = 0; i < 10; i++) link.incoming.push(packet(2, 1 + (i % 3), 1, 80, i));
    driver.receive(0);
    // It dies with one taken, the rest in its rings, and two of its own packets in the tx ring.
    readers[0].pop();
    b.port.inline = undefined;
    b.port.transmit(write(b.port, packet(1, 80, 2, 1), 1), 0);
    b.port.transmit(write(b.port, packet(1, 80, 2, 1), 1), 0);
    b.port.flush();
    expect(control.keysOf(b.endpoint).length).toBe(3);
    let settled = 0;
    control.endpointGone(b.endpoint, () => {
      settled = driver.forget(b.endpoint);
    });
    while (control.tick());
    expect(settled).toBe(10);
    expect(driver.party.available).toBe(driver.party.size);
    expect(control.keysOf(b.endpoint)).toEqual([]);
    expect(control.table.size).toBe(0);
    link.incoming.push(packet(2, 1, 1, 80, 9));
    expect(driver.receive(1)).toBe(1);
    expect(driver.transmit(1)).toBe(0);
  });

  it('refuses a key twice and leaves nothing behind', () => {
    const { control, a } = stack();
    const key = exactKey(6, side(1, 80), side(2, 1));
    const owner = { endpoint: a.endpoint, party: a.party };
    const first = control.openFlow(key, owner);
    expect(() => control.openFlow(key, owner)).toThrow(expect.objectContaining({ code: 'FLOW_EXISTS' }));
    while (control.tick());
    expect(control.channels).toBe(2);
    expect(control.table.get(key)).toBe(first);
    expect(control.removeKey(first, key)).toBe(true);
    expect(control.removeKey(first, key)).toBe(false);
    control.addKey(first, key);
    expect(control.table.get(key)).toBe(first);
  });
});
