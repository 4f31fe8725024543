// Several hosts on one link, each with addresses of its own: what comes to whom, who may send what, and how endpoints learn
// of it; with the driver in the same thread, but told of nothing by it.
import { describe, expect, it } from 'vitest';
import { type PoolParty, TO_STACK } from '../channel/pool.js';
import { addressKey, anyKey, exactKey, listenerKey } from '../flows/key.js';
import type { Link } from '../link/link.js';
import { ReadyReaders } from '../threaded/ready-readers.js';
import { Control } from './control.js';
import { Driver } from './driver.js';
import { XMIT_DROP, XMIT_OK } from './egress.js';
import { EndpointPort } from './port.js';

const address = (n: number) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, n);
const side = (n: number, port: number) => ({ address: address(n), port });

/** An Ethernet frame with an IPv4 packet whose last byte is `tag`. */
function frame(
  from: number,
  sport: number,
  to: number,
  dport: number,
  tag: number,
  protocol = 6,
): Uint8Array {
  const f = new Uint8Array(14 + 44);
  f.set([8, 0, 0x45], 12);
  f[14 + 9] = protocol;
  f.set([10, 0, 0, from, 10, 0, 0, to, sport >> 8, sport, dport >> 8, dport], 14 + 12);
  f[f.length - 1] = tag;
  return f;
}

/** An ARP request of `from` for `target`. */
function arp(from: number, target: number, tag: number): Uint8Array {
  const f = new Uint8Array(14 + 44);
  f.set([8, 6, 0, 1, 8, 0, 6, 4, 0, 1], 12);
  f.set([10, 0, 0, from], 14 + 14);
  f.set([10, 0, 0, target], 14 + 24);
  f[f.length - 1] = tag;
  return f;
}

function setUp() {
  const control = new Control({
    secret: () => 42,
    arenaBytes: 16 << 20,
    smallBuffers: 4096,
    largeBuffers: 8,
    maxChannels: 2048,
  });
  const incoming: Uint8Array[] = [];
  let sent = 0;
  const link: Link = {
    name: 'wire',
    framing: 'ethernet',
    mtu: 1500,
    gsoMaxSize: 0,
    checksumOffload: false,
    hardwareAddress: null,
    receive(_now: number, party: PoolParty, out: Uint32Array, max: number): number {
      let n = 0;
      for (; n < max && incoming.length > 0; n++) {
        const bytes = incoming.shift() as Uint8Array;
        out[n] = party.alloc(bytes.length);
        party.bytes.set(bytes, party.start(out[n]));
        party.setLength(out[n], bytes.length);
      }
      return n;
    },
    transmit(_now, _party, _indices, count) {
      sent += count;
      return count;
    },
    nextEvent: () => Infinity,
    close() {},
  };
  const driver = new Driver({
    arena: control.arena,
    address: control.address,
    pool: control.pool,
    party: control.pool.addParty({ small: 2048, large: 1 }),
    reader: control.table.addReader(),
    links: [link],
  });
  const host = (n: number) => {
    const owner = control.addEndpoint({ small: 32, large: 1 });
    const home = n === 0 ? control.openDefault(owner) : control.openHome(owner);
    if (n > 0) control.addKey(home, addressKey(address(n)));
    const port = new EndpointPort(control.arena, control.address, control.pool, owner.endpoint);
    const readers = new ReadyReaders(port);
    const channel = (number: number) => ({ number, reader: port.reader(number) });
    readers.add(channel(home), null);
    /** Tags of what waits, in the order in which the host takes it. */
    const take = () => {
      const tags: number[] = [];
      const receive = (index: number, _owner: unknown, reader: { release(index: number): void }) => {
        const { party } = port;
        tags.push(party.bytes[party.start(index) + party.length(index) - 1]);
        reader.release(index);
      };
      while (readers.pending) readers.drain(receive, () => {});
      return tags;
    };
    /** Sends a frame in the home channel's name; the verdict. */
    const send = (bytes: Uint8Array, direction?: number, l3 = 14) => {
      const { party } = port;
      const index = party.alloc(bytes.length);
      party.bytes.set(bytes, party.start(index));
      party.setLength(index, bytes.length);
      party.setL3Offset(index, l3);
      party.setChannel(index, home);
      if (direction !== undefined) party.setDirection(index, direction);
      port.inline = driver;
      const verdict = port.transmit(index, 0);
      port.inline = undefined;
      return verdict;
    };
    return { owner, home, port, readers, channel, take, send };
  };
  const receive = (...frames: Uint8Array[]) => {
    incoming.push(...frames);
    while (driver.receive(0) > 0);
  };
  return { control, driver, host, receive, sent: () => sent };
}

describe('hosts of one stack', () => {
  it('get what comes to their addresses, ARP included, and the first whatever is nobody’s', () => {
    const { control, driver, host, receive } = setUp();
    const [zero, one, two] = [host(0), host(1), host(2)];
    receive(frame(9, 1, 1, 80, 1), frame(9, 1, 2, 80, 2), frame(9, 1, 3, 80, 3), frame(9, 1, 1, 80, 4, 1));
    receive(arp(9, 2, 5), arp(9, 3, 6), frame(9, 1, 255, 80, 7));
    expect([zero.take(), one.take(), two.take()]).toEqual([
      [3, 6, 7],
      [1, 4],
      [2, 5],
    ]);
    // A wild listener of the first is no listener at another's address; one at the address comes before the address.
    control.openListener([anyKey(6, 4, 80)], zero.owner);
    const listener = control.openListener([listenerKey(6, side(2, 80))], two.owner);
    two.readers.add(two.channel(listener), null);
    receive(frame(9, 1, 1, 80, 8), frame(9, 1, 2, 80, 9), frame(9, 1, 2, 81, 10));
    expect([one.take(), two.take().sort((a, b) => a - b)]).toEqual([[8], [9, 10]]);
    // Without its key the address is nobody's again.
    expect(control.removeKey(one.home, addressKey(address(1)))).toBe(true);
    receive(frame(9, 1, 1, 81, 11));
    expect([zero.take(), one.take(), driver.counters.unwanted]).toEqual([[11], [], 0]);
  });

  it('send from their own addresses only, or from none', () => {
    const { driver, host, sent } = setUp();
    host(0);
    const one = host(1);
    expect(one.send(frame(1, 80, 9, 1, 0))).toBe(XMIT_OK);
    expect(one.send(arp(1, 9, 0))).toBe(XMIT_OK);
    expect(one.send(frame(0, 68, 255, 67, 0).fill(0, 26, 30))).toBe(XMIT_OK);
    expect(one.send(frame(2, 80, 9, 1, 0))).toBe(XMIT_DROP);
    expect(one.send(arp(2, 9, 0))).toBe(XMIT_DROP);
    // Wherever the packet is said to begin: the frame says it.
    expect(one.send(frame(2, 80, 9, 1, 0), undefined, 18)).toBe(XMIT_DROP);
    expect(one.send(new Uint8Array(60))).toBe(XMIT_DROP);
    driver.transmit(0);
    expect([driver.counters.spoofed, sent()]).toEqual([4, 3]);
  });

  it('give packets back to themselves alone', () => {
    const { host } = setUp();
    const [zero, one, two] = [host(0), host(1), host(2)];
    one.send(frame(9, 1, 1, 80, 1).slice(14), TO_STACK, 0);
    one.send(frame(9, 1, 2, 80, 2).slice(14), TO_STACK, 0);
    one.send(frame(9, 1, 3, 80, 3).slice(14), TO_STACK, 0);
    expect([zero.take(), one.take(), two.take()]).toEqual([[], [1, 2, 3], []]);
  });

  it('take what a connection left in its earlier rings before its own', () => {
    const { control, host, receive } = setUp();
    host(0);
    const one = host(1);
    receive(frame(9, 5, 1, 80, 1));
    const listener = one.channel(control.openListener([listenerKey(6, side(1, 80))], one.owner));
    one.readers.add(listener, null);
    receive(frame(9, 5, 1, 80, 2));
    const flow = one.channel(control.openFlow(exactKey(6, side(1, 80), side(9, 5)), one.owner));
    one.readers.add(flow, { listener: null } as never);
    receive(frame(9, 5, 1, 80, 3));
    expect(one.take()).toEqual([1, 2, 3]);
  });

  it('learn of every channel although the names of ready ones find no room', () => {
    const { control, host, receive } = setUp();
    host(0);
    const one = host(1);
    // A reader that is not there yet: its name comes, and is of no use.
    const early = control.openFlow(exactKey(6, side(1, 80), side(9, 4)), one.owner);
    receive(frame(9, 4, 1, 80, 200));
    const flow = one.channel(control.openFlow(exactKey(6, side(1, 80), side(9, 5)), one.owner));
    one.readers.add(flow, { listener: null } as never);
    for (let i = 0; i < 1100; i++) {
      receive(frame(9, 6, 1, 80, 0));
      one.readers.drain(
        (index, _owner, reader) => reader.release(index),
        () => {},
      );
    }
    expect(one.take()).toEqual([]);
    // Names are not taken while these come: the ring of names runs full, and the last names are lost.
    for (let i = 0; i < 1100; i++) receive(frame(9, 6, 1, 80, 1));
    receive(frame(9, 5, 1, 80, 42));
    expect(one.take().filter((tag) => tag === 42)).toEqual([42]);
    one.readers.add(one.channel(early), { listener: null } as never);
    expect(one.take()).toEqual([200]);
    expect(one.readers.pending).toBe(false);
  });
});
