// What a stack does in batches: segments joined on receipt (GRO), and packets of a turn that leave together.
import { describe, expect, it } from 'vitest';
import { PlainFifo } from './driver/fifo.js';
import { MSG_DONTWAIT } from './socket/constants.js';
import { SOL_TCP, TCP_NODELAY } from './socket/options.js';
import { connectPair, type Pair, type PairOptions, twoStacks } from './socket/two-stacks.test.helper.js';

const pattern = (bytes: number): Uint8Array =>
  Uint8Array.from({ length: bytes }, (_, i) => (i * 7) ^ (i >>> 8));
const counter = (pair: Pair, side: 'a' | 'b', name: string): number =>
  pair[side].counters.tcp.get(name) ?? Number.NaN;

/** Sends `data` from a to b and compares what arrives, byte for byte. */
function transfer(pair: Pair, client: number, server: number, data: Uint8Array): void {
  const room = new Uint8Array(data.length);
  let got = 0;
  for (let sent = 0; got < data.length; pair.advance(5000)) {
    const wrote = pair.a.posix.send(client, data.subarray(sent), MSG_DONTWAIT).result!;
    if (wrote > 0) sent += wrote;
    for (let n = 1; n > 0; ) {
      n = pair.b.posix.recv(server, room.subarray(got), MSG_DONTWAIT).result!;
      if (n > 0) got += n;
    }
    if (pair.now > 600e6) throw new Error(`${got} of ${data.length} bytes`);
  }
  expect(Buffer.compare(room, data)).toBe(0);
}

describe('generic receive offload', () => {
  const segmentsSeen = (options: PairOptions): { seen: number; acks: number; sent: number } => {
    const pair = twoStacks(options);
    const [client, server] = connectPair(pair);
    const before = counter(pair, 'b', 'TcpInSegs');
    transfer(pair, client, server, pattern(200_000));
    const seen = counter(pair, 'b', 'TcpInSegs') - before;
    const acks = counter(pair, 'b', 'TcpOutSegs');
    const sent = counter(pair, 'a', 'TcpExtTCPOrigDataSent');
    pair.close();
    return { seen, acks, sent };
  };

  it('gives TCP fewer and larger segments, which cost fewer ACKs', () => {
    const single = segmentsSeen({});
    const joined = segmentsSeen({ b: { gro: true } });
    expect(single.seen).toBeGreaterThanOrEqual(single.sent);
    expect(joined.seen * 3).toBeLessThan(single.seen);
    expect(joined.acks * 2).toBeLessThan(single.acks);
  });

  it.each([{ loss: 0.05 }, { duplicate: 0.1 }, { reorder: 0.2 }, { corrupt: 0.05 }])(
    'keeps the bytes where segments do not continue each other: %o',
    (both) => {
      const pair = twoStacks({ impair: { both, seed: 3 }, a: { gro: true }, b: { gro: true } });
      const [client, server] = connectPair(pair);
      transfer(pair, client, server, pattern(150_000));
      expect(pair.b.usage().buffers).toBe(0);
      pair.close();
    },
  );
});

describe('packets of a turn', () => {
  const batching = (): { pair: Pair; client: number; server: number; frames: number[] } => {
    const frames: number[] = [];
    const pair = twoStacks({ a: { batchTransmit: true } });
    const [client, server] = connectPair(pair);
    pair.a.posix.setInt(client, SOL_TCP, TCP_NODELAY, 1);
    const { link } = pair.a.network.devices[0];
    (link as unknown as { tap: unknown }).tap = (
      _now: number,
      direction: string,
      _bytes: Uint8Array,
      _start: number,
      length: number,
    ) => {
      if (direction === 'out') frames.push(length);
    };
    return { pair, client, server, frames };
  };

  it('wait for its end, when small writes have become full segments', () => {
    const { pair, client, server, frames } = batching();
    const message = pattern(128);
    for (let i = 0; i < 100; i++) expect(pair.a.posix.send(client, message, 0).result).toBe(128);
    expect(frames).toEqual([]);
    expect(pair.a.nextTimeout()).toBe(pair.a.now());
    pair.a.flush();
    // The first goes alone, as nothing was in the queue before it.
    expect(frames[0]).toBe(20 + 32 + 128);
    pair.advance(100_000);
    const room = new Uint8Array(20_000);
    expect(pair.b.posix.recv(server, room, MSG_DONTWAIT).result).toBe(12_800);
    for (let i = 0; i < 100; i++)
      expect(Buffer.compare(room.subarray(i * 128, i * 128 + 128), message)).toBe(0);
    // RFC 9293 section 3.7.4 would have allowed one a write.
    expect(frames.length).toBeLessThan(20);
    pair.close();
  });

  it('leave by themselves when the stack runs', () => {
    const { pair, client, server } = batching();
    transfer(pair, client, server, pattern(300_000));
    expect(pair.a.usage().buffers).toBe(0);
    pair.close();
  });

  it('that the queue drops give their charge back once', () => {
    const pair = twoStacks({ a: { smallBuffers: 256 } });
    const [client, server] = connectPair(pair);
    const { driver } = pair.a;
    // Nothing leaves, and two packets may wait.
    const [stage] = driver.egress;
    stage.setQdisc(new PlainFifo('pfifo', driver.party, driver.lists, 2));
    const { link } = stage;
    const transmit = link.transmit.bind(link);
    link.transmit = () => 0;
    expect(pair.a.posix.send(client, pattern(20_000), MSG_DONTWAIT).result).toBe(20_000);
    expect(stage.counters.drops).toBeGreaterThan(0);
    link.transmit = transmit;
    pair.advance(60e6);
    const [handle] = pair.a.tcp.handles;
    expect(handle.tcb.snd.inHostQueue).toBe(0);
    expect(pair.b.posix.recv(server, new Uint8Array(30_000), MSG_DONTWAIT).result).toBe(20_000);
    pair.close();
  });
});
