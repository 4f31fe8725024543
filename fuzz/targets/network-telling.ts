// What the `network` target tells a witness of its run: every packet as each host's link sees it, and calls and commands as a
// script of one end of one connection writes them. Changes nothing of what happens; without a witness it does nothing.

import type { PoolParty } from '../../stack/channel/pool.js';
import type { Link } from '../../stack/link/link.js';
import { describeFrame, describePacket } from '../../stack/wire/describe.js';
import type { ExchangePacket, Place, Witness } from '../target.js';
import type { Descriptor } from './network-program.js';

/** A script's first descriptor. */
export const SCRIPT_SOCKET = 3;

export class NetworkTelling {
  private readonly witness: Witness | undefined;
  private readonly ethernet: boolean;
  private readonly clock: () => number;
  /** What passed and has not been told yet. */
  private readonly held: (() => void)[] = [];
  /** By host and number. */
  private readonly open = new Map<string, Descriptor>();

  /** @param clock µs */
  constructor(ethernet: boolean, witness: Witness | undefined, clock: () => number) {
    this.ethernet = ethernet;
    this.witness = witness;
    this.clock = clock;
  }

  call(place: Place, text: string, result: number | null): void {
    this.witness?.call?.(this.clock(), text, result ?? 0, place);
  }

  command(place: Place, text: string): void {
    this.witness?.command?.(this.clock(), text, place);
  }

  untold(place: Place, what: string): void {
    this.witness?.untold?.(what, place);
  }

  step(text: string): void {
    this.witness?.step(`${(this.clock() / 1e6).toFixed(6)} ${text}`);
  }

  /** A descriptor that `place`'s host has opened, to be told of by the number that scripts give it. */
  descriptor(place: Place, fd: number, name: number): Descriptor {
    const told = (text: string, result: number | null): void => this.call(place, text, result);
    const descriptor = { fd, name, told };
    this.open.set(`${place.host} ${fd}`, descriptor);
    return descriptor;
  }

  /** The host has closed a descriptor. */
  closed(host: string, fd: number, result: number | null): void {
    const descriptor = this.open.get(`${host} ${fd}`);
    descriptor?.told(`close(${descriptor.name})`, result);
  }

  /** Tells of the packets that have passed since: before and after a host runs, so that what a call sends comes behind it. */
  packets(): void {
    for (const tell of this.held.splice(0)) tell();
  }

  /** Tells all that passes `host`'s link from now on; step by step as well when `shown`. */
  tap(link: Link, host: string, shown: boolean): void {
    const { witness } = this;
    if (witness === undefined) return;
    const { ethernet } = this;
    const tell = (time: number, direction: 'in' | 'out', party: PoolParty, index: number): void => {
      const start = party.start(index);
      const bytes = party.bytes.slice(start, start + party.length(index));
      const size = party.gsoSize(index);
      const packet: ExchangePacket = {
        ...{ time, direction, bytes, ethernet, host },
        ...(size > 0 ? { segmentSize: size } : {}),
      };
      this.held.push(() => {
        if (shown) witness.step(this.describe(packet));
        witness.packet(packet);
      });
    };
    const receive = link.receive.bind(link);
    link.receive = (now, party, out, max) => {
      const n = receive(now, party, out, max);
      for (let i = 0; i < n; i++) tell(now, 'in', party, out[i]);
      return n;
    };
    const transmit = link.transmit.bind(link);
    link.transmit = (now, party, indices, count) => {
      for (let i = 0; i < count; i++) tell(now, 'out', party, indices[i]);
      return transmit(now, party, indices, count);
    };
  }

  private describe({ time, direction, bytes }: ExchangePacket): string {
    const text = this.ethernet
      ? describeFrame(bytes, 0, bytes.length)
      : describePacket(bytes, 0, bytes.length);
    return `${(time / 1e6).toFixed(6)} ${direction === 'in' ? '<' : '>'} ${text}`;
  }
}
