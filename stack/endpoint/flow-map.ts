// The endpoint's own list of its flows by four-tuple: connections and TIME-WAIT records. The flow table in shared memory
// finds a packet's channel; this finds what a packet of a shared channel belongs to, whom an ICMP error quotes, and whether a
// port is free towards a peer. Knows no packets.
import type { FlowAddress } from '../tcp/flow-ends.js';
import { equalAddress } from '../wire/address.js';

/** What the map holds; `value` is a connection's handle or a TIME-WAIT record. */
export class FlowNode<T extends FlowAddress> {
  readonly value: T;
  readonly hash: number;
  next: FlowNode<T> | null = null;
  constructor(value: T, hash: number) {
    this.value = value;
    this.hash = hash;
  }
}

export class FlowMap<T extends FlowAddress> {
  private buckets: (FlowNode<T> | null)[] = new Array(64).fill(null);
  private count = 0;
  private readonly seed: number;

  /** `seed` is secret: a peer must not choose chains. */
  constructor(seed: number) {
    this.seed = seed | 0;
  }

  get size(): number {
    return this.count;
  }

  find(local: Uint8Array, localPort: number, remote: Uint8Array, remotePort: number, zone: number): T | null {
    const hash = this.hash(local, localPort, remote, remotePort);
    let node = this.buckets[hash & (this.buckets.length - 1)];
    for (; node !== null; node = node.next) {
      const { value } = node;
      if (
        node.hash === hash &&
        value.localPort === localPort &&
        value.remotePort === remotePort &&
        value.zone === zone &&
        equalAddress(value.remoteAddress, 0, remote, 0) &&
        equalAddress(value.localAddress, 0, local, 0)
      ) {
        return value;
      }
    }
    return null;
  }

  /** The caller has made sure that the four-tuple is not in the map. */
  add(value: T): void {
    if (this.count >= this.buckets.length) this.grow();
    const hash = this.hash(value.localAddress, value.localPort, value.remoteAddress, value.remotePort);
    const node = new FlowNode(value, hash);
    const bucket = hash & (this.buckets.length - 1);
    node.next = this.buckets[bucket];
    this.buckets[bucket] = node;
    this.count++;
  }

  /** True when this very value was in the map. */
  remove(value: T): boolean {
    const hash = this.hash(value.localAddress, value.localPort, value.remoteAddress, value.remotePort);
    const bucket = hash & (this.buckets.length - 1);
    let before: FlowNode<T> | null = null;
    for (let node = this.buckets[bucket]; node !== null; before = node, node = node.next) {
      if (node.value !== value) continue;
      if (before === null) this.buckets[bucket] = node.next;
      else before.next = node.next;
      this.count--;
      return true;
    }
    return false;
  }

  *values(): Generator<T> {
    for (const head of this.buckets) {
      for (let node = head; node !== null; node = node.next) yield node.value;
    }
  }

  private grow(): void {
    const old = this.buckets;
    this.buckets = new Array(old.length * 2).fill(null);
    for (const head of old) {
      for (let node = head; node !== null; ) {
        const { next } = node;
        const bucket = node.hash & (this.buckets.length - 1);
        node.next = this.buckets[bucket];
        this.buckets[bucket] = node;
        node = next;
      }
    }
  }

  // MurmurHash3's mixing over the last words of the addresses and the ports, keyed.
  private hash(local: Uint8Array, localPort: number, remote: Uint8Array, remotePort: number): number {
    let h = this.seed;
    for (let i = 0; i < 16; i += 4) {
      h = mix(h, (remote[i] << 24) | (remote[i + 1] << 16) | (remote[i + 2] << 8) | remote[i + 3]);
    }
    h = mix(h, (local[12] << 24) | (local[13] << 16) | (local[14] << 8) | local[15]);
    h = mix(h, (localPort << 16) | remotePort);
    h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
    return h ^ (h >>> 16);
  }
}

function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e_2d51);
  k = (k << 15) | (k >>> 17);
  let x = h ^ Math.imul(k, 0x1b87_3593);
  x = (x << 13) | (x >>> 19);
  return (Math.imul(x, 5) + 0xe654_6b64) | 0;
}
