// The wire between the two namespaces of a recording: packets read from one TUN device are written to the other after a
// delay, and a situation may lose, repeat, hold back or change them, answer in a router's place, or cut them up.
// Deterministic by packet numbers; real time comes from the machine, because kernels are at both ends.

import { libc } from '../../stack/link/linux/libc.js';
import { openTun } from '../../stack/link/linux/tun-device.js';

export interface Passing {
  /** The packet, to be changed in place or left alone. */
  readonly bytes: Uint8Array;
  /** 0: from the client's side to the server's. */
  readonly direction: 0 | 1;
  /** Counts TCP packets of this direction with payload, from 1; 0 for one without payload. */
  readonly dataNumber: number;
  /** Counts all TCP packets of this direction, from 1. */
  readonly number: number;
}

/** What becomes of a packet: delays in ms, one for each copy that arrives ([] loses it), or packets to send instead. */
export type Fate =
  | readonly number[]
  | { readonly forward?: readonly Uint8Array[]; readonly back?: readonly Uint8Array[] };

export type Impairment = (passing: Passing) => Fate | undefined;

const DELAY_MS = 4;

export class Wire {
  readonly names: readonly [string, string];
  private readonly fds: readonly [number, number];
  private readonly buffer = Buffer.alloc(65_536);
  private readonly numbers: [number, number] = [0, 0];
  private readonly dataNumbers: [number, number] = [0, 0];
  private readonly timers = new Set<NodeJS.Timeout>();
  private impairment: Impairment = () => undefined;
  private running = true;

  /** Makes both devices in the calling process's namespace. @throws SystemCallError */
  constructor(names: readonly [string, string]) {
    this.names = names;
    const open = (name: string): number => openTun({ kind: 'tun', name, offload: false }).fd;
    this.fds = [open(names[0]), open(names[1])];
    this.turn();
  }

  /** Begins a situation: counts from anew. */
  use(impairment: Impairment | undefined): void {
    this.impairment = impairment ?? (() => undefined);
    this.numbers.fill(0);
    this.dataNumbers.fill(0);
  }

  close(): void {
    this.running = false;
    for (const timer of this.timers) clearTimeout(timer);
    for (const fd of this.fds) libc().close(fd);
  }

  private turn(): void {
    if (!this.running) return;
    let busy = false;
    for (const direction of [0, 1] as const) {
      for (let i = 0; i < 64; i++) {
        const length = libc().read(this.fds[direction], this.buffer, this.buffer.length);
        if (length <= 0) break;
        busy = true;
        this.pass(direction, Uint8Array.prototype.slice.call(this.buffer, 0, length));
      }
    }
    if (busy) setImmediate(() => this.turn());
    else setTimeout(() => this.turn(), 1);
  }

  private pass(direction: 0 | 1, bytes: Uint8Array): void {
    const payload = tcpPayload(bytes);
    if (payload >= 0) this.numbers[direction]++;
    if (payload > 0) this.dataNumbers[direction]++;
    const fate = this.impairment({
      bytes,
      direction,
      number: payload >= 0 ? this.numbers[direction] : 0,
      dataNumber: payload > 0 ? this.dataNumbers[direction] : 0,
    });
    const there = (1 - direction) as 0 | 1;
    if (fate === undefined) this.send(there, bytes, 0);
    else if ('length' in fate) for (const extra of fate) this.send(there, bytes, extra);
    else {
      for (const packet of fate.forward ?? []) this.send(there, packet, 0);
      for (const packet of fate.back ?? []) this.send(direction, packet, 0);
    }
  }

  private send(to: 0 | 1, bytes: Uint8Array, extra: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (this.running) libc().write(this.fds[to], bytes, bytes.length);
    }, DELAY_MS + extra);
    this.timers.add(timer);
  }
}

/** Payload bytes of an unfragmented TCP packet without extension headers; -1 for anything else. */
export function tcpPayload(b: Uint8Array): number {
  const at = tcpOffset(b);
  return at < 0 ? -1 : b.length - at - (b[at + 12]! >>> 4) * 4;
}

/** Where the TCP header begins, -1 without one. */
export function tcpOffset(b: Uint8Array): number {
  if (b[0]! >>> 4 === 4 && b[9] === 6) return (b[0]! & 15) * 4;
  return b[0]! >>> 4 === 6 && b[6] === 6 ? 40 : -1;
}
