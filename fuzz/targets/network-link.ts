// A link between two stacks that can be cut one way or both, and that changes fields of packets on their way with their
// checksums made right again: the faults that stack/link/impaired.ts, which never looks into a frame, does not know.

import type { PoolParty } from '../../stack/channel/pool.js';
import type { Link } from '../../stack/link/link.js';
import { mendChecksums } from './packets-arbitrary.js';

export class FaultyLink implements Link {
  private readonly inner: Link;
  /** Frames sent, or received, are lost. */
  cutUp = false;
  cutDown = false;
  /** Frames that are still to be changed: at `offset` behind the link's header, to `value`. */
  mutations = 0;
  offset = 0;
  value = 0;
  mtuNow: number;

  constructor(inner: Link) {
    this.inner = inner;
    this.mtuNow = inner.mtu;
  }

  get name(): string {
    return this.inner.name;
  }
  get framing(): 'ethernet' | 'ip' {
    return this.inner.framing;
  }
  get mtu(): number {
    return this.mtuNow;
  }
  get gsoMaxSize(): number {
    return this.inner.gsoMaxSize;
  }
  get checksumOffload(): boolean {
    return this.inner.checksumOffload;
  }
  get hardwareAddress(): Uint8Array | null {
    return this.inner.hardwareAddress;
  }

  receive(now: number, party: PoolParty, out: Uint32Array, max: number): number {
    const n = this.inner.receive(now, party, out, max);
    let kept = 0;
    for (let i = 0; i < n; i++) {
      if (this.cutDown) party.release(out[i]);
      else {
        if (this.mutations > 0) this.mutate(party, out[i]);
        out[kept++] = out[i];
      }
    }
    return kept;
  }

  private mutate(party: PoolParty, index: number): void {
    const head = this.framing === 'ethernet' ? 14 : 0;
    const length = party.length(index) - head;
    if (length <= 0) return;
    this.mutations--;
    const start = party.start(index) + head;
    const packet = party.bytes.subarray(start, start + length);
    packet[this.offset % length] = this.value;
    mendChecksums(packet);
  }

  transmit(now: number, party: PoolParty, indices: Uint32Array, count: number): number {
    if (this.cutUp) return count;
    return this.inner.transmit(now, party, indices, count);
  }

  nextEvent(): number {
    return this.inner.nextEvent();
  }

  close(): void {
    this.inner.close();
  }
}
