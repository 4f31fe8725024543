// The `tcp` target's peer: made of raw packets, it says what a command wants, right or hostile, from what it knows of the two
// streams. Every packet goes through the model (tcp-model.ts) on its way. Knows no stack.

import type { MemoryLink } from '../../stack/link/memory.js';
import { parseAddress } from '../../stack/wire/address.js';
import { describePacket } from '../../stack/wire/describe.js';
import {
  ACK,
  buildIcmp,
  buildIp,
  buildTcp,
  FIN,
  type ReadTcp,
  readIp,
  SYN,
  type TcpFields,
} from '../packets.js';
import type { Witness } from '../target.js';
import { SequenceSet } from './sequence-set.js';
import { shuffled } from './shuffled.js';
import { streamBytes } from './stream-bytes.js';
import type { SegmentCommand, TcpCommand, TcpSetting } from './tcp-commands.js';
import type { TcpModel } from './tcp-model.js';

/** Ports of the stack's end and of the peer's. */
export const PORT = 8080;
export const PEER_PORT = 40_000;
export const OWN_ADDRESS = { 4: '192.168.0.1', 6: 'fd3d:a0b:17d6::1' };
export const PEER_ADDRESS = { 4: '192.0.2.1', 6: 'fd3d:fa7b:d17d::1' };
/** Milliseconds on the peer's timestamp clock at time 0. */
const PEER_STAMP = 0xfffffff0;

const wire = (text: string): Uint8Array => parseAddress(text).slice(text.includes(':') ? 0 : 12);

type BurstCommand = Extract<TcpCommand, { op: 'burst' }>;

export class TcpPeer {
  /** The peer's next sequence number, and what it has acknowledged. */
  next: number;
  acked = 0;
  window: number;
  private readonly setting: TcpSetting;
  private readonly model: TcpModel;
  private readonly link: MemoryLink;
  /** µs. */
  private readonly clock: { readonly now: number };
  private readonly witness: Witness | undefined;
  private readonly own: Uint8Array;
  private readonly other: Uint8Array;
  private readonly injected: Uint8Array[] = [];
  /** What the stack has sent since the last `receive`, and what of all that has been taken in. */
  private readonly arrived: { seq: number; length: number }[] = [];
  private readonly have = new SequenceSet();

  constructor(
    setting: TcpSetting,
    model: TcpModel,
    link: MemoryLink,
    clock: { readonly now: number },
    witness?: Witness,
  ) {
    this.setting = setting;
    this.model = model;
    this.link = link;
    this.clock = clock;
    this.witness = witness;
    const version = setting.v6 ? 6 : 4;
    this.own = wire(OWN_ADDRESS[version]);
    this.other = wire(PEER_ADDRESS[version]);
    this.next = setting.peerIss;
    this.window = setting.window;
  }

  /** A segment of the stack has come. */
  take({ seq, flags, payload }: ReadTcp): void {
    const length = payload.length + ((flags & FIN) !== 0 ? 1 : 0);
    if ((flags & SYN) === 0 && length > 0) this.arrived.push({ seq, length });
  }

  /** Does what a command of the peer's wants; others are none of its business. */
  play(command: TcpCommand): void {
    switch (command.op) {
      case 'ack': {
        this.window = command.window;
        const outstanding = (this.model.stackNext - this.acked) >>> 0;
        this.acked = (this.acked + Math.ceil(outstanding / command.parts)) >>> 0;
        this.send({ flags: ACK, seq: this.next, window: this.window });
        return;
      }
      case 'sack': {
        const outstanding = (this.model.stackNext - this.acked) >>> 0;
        const [from, to] = [Math.min(command.from, command.to), Math.max(command.from, command.to)];
        const left = this.acked + Math.floor((outstanding * from) / 100);
        const right = this.acked + Math.floor((outstanding * to) / 100);
        this.send({
          flags: ACK,
          seq: this.next,
          window: this.window,
          options: [...this.stamp(), 1, 1, 5, 10, ...word(left), ...word(right)],
        });
        return;
      }
      case 'data': {
        this.acked = this.model.stackNext;
        const seq = (this.next + command.gap) >>> 0;
        this.send({ flags: ACK, seq, window: this.window, payload: streamBytes(seq, command.n) });
        if (command.gap === 0) this.next = this.model.received;
        return;
      }
      case 'fin':
        this.acked = this.model.stackNext;
        this.send({ flags: ACK | FIN, seq: this.next, window: this.window });
        this.next = this.model.received;
        return;
      case 'again':
        for (let i = 0; i < command.times && this.injected.length > 0; i++) {
          this.inject(this.injected[command.which % this.injected.length]);
        }
        return;
      case 'receive':
        this.receive(command.lost);
        return;
      case 'icmp':
        this.icmp(command.type, command.code, command.mtu, command.seq);
        return;
      case 'segment':
        this.segment(command);
    }
  }

  /** The segments of a burst in the order in which they come, each to be sent when it is called. */
  burst({ acked, sizes, order }: BurstCommand): (() => void)[] {
    this.acked = this.model.stackNext;
    let seq = acked ? (this.model.lastAck ?? this.next) : this.next;
    const sends = sizes.map((size) => {
      const at = seq;
      seq = (seq + size) >>> 0;
      return () => {
        this.send({ flags: ACK, seq: at, window: this.window, payload: streamBytes(at, size) });
        this.next = this.model.received;
      };
    });
    return shuffled(sends, order);
  }

  /** RFC 9293 section 3.10.7.4, RFC 2018: one cumulative acknowledgment, and the blocks above it. */
  private receive(lost: number): void {
    for (const [i, { seq, length }] of this.arrived.splice(0).entries()) {
      if (((lost >>> (i % 30)) & 1) === 0) this.have.add(seq, length);
    }
    this.acked = this.have.reach(this.acked);
    const blocks = this.setting.sack ? this.have.beyond(this.acked, 3) : [];
    const words = blocks.flatMap(({ left, right }) => [...word(left), ...word(right)]);
    const sack = blocks.length > 0 ? [1, 1, 5, 2 + words.length, ...words] : [];
    this.send({ flags: ACK, seq: this.next, window: this.window, options: [...this.stamp(), ...sack] });
  }

  private icmp(type: number, code: number, mtu: number, seq: number): void {
    const quoted = buildTcp(this.own, this.other, {
      srcPort: PORT,
      dstPort: PEER_PORT,
      seq: (this.acked + seq) >>> 0,
      ack: this.next,
      flags: ACK,
      window: 1000,
    });
    const packet = buildIp({ src: this.own, dst: this.other, protocol: 6, payload: quoted });
    const [kind, rest] = this.setting.v6
      ? [type === 3 && code === 4 ? 2 : Math.min(type, 4), mtu]
      : [type, mtu];
    const payload = buildIcmp(this.other, this.own, kind, code, rest, packet);
    this.inject(buildIp({ src: this.other, dst: this.own, protocol: this.setting.v6 ? 58 : 1, payload }));
  }

  private segment(command: SegmentCommand): void {
    const { flags, length, window, stamp, urgent } = command;
    const edge = this.model.edge ?? this.next;
    const bases = { next: this.next, acked: this.model.lastAck ?? this.next, edge, zero: 0 };
    const acks = { all: this.model.stackNext, una: this.acked, zero: 0 };
    const seq = (bases[command.seqFrom] + command.seq) >>> 0;
    const ack = (acks[command.ackFrom] + command.ack) >>> 0;
    const syn = (flags & SYN) !== 0;
    const options = syn ? this.synOptions() : stamp === 'none' ? [] : this.stamp(stamp);
    // Without fast open what a SYN carries is nobody's.
    const payload = streamBytes(seq, syn ? 0 : length);
    this.send({ flags, seq, ack, window, urgent, options, payload });
    // What continues the stream has been said: later data goes behind it.
    if (command.seqFrom === 'next' && command.seq === 0) this.next = this.model.received;
  }

  synOptions(): number[] {
    const { mss, wscale, sack, timestamps } = this.setting;
    return [
      ...(mss > 0 ? [2, 4, mss >>> 8, mss & 255] : []),
      ...(sack ? [4, 2] : []),
      ...(timestamps ? [8, 10, ...word(this.stampClock()), ...word(this.model.lastStamp)] : []),
      ...(wscale >= 0 ? [3, 3, wscale] : []),
    ];
  }

  private stampClock(): number {
    return (PEER_STAMP + Math.floor(this.clock.now / 1000)) >>> 0;
  }

  private stamp(kind: 'right' | 'old' | 'future' = 'right'): number[] {
    if (!this.setting.timestamps) return [];
    const shift = kind === 'old' ? -100_000 : kind === 'future' ? 100_000 : 0;
    return [1, 1, 8, 10, ...word(this.stampClock() + shift), ...word(this.model.lastStamp)];
  }

  send(fields: Partial<TcpFields> & Pick<TcpFields, 'flags' | 'seq' | 'window'>): void {
    const segment = buildTcp(this.other, this.own, {
      srcPort: PEER_PORT,
      dstPort: PORT,
      ack: (fields.flags & ACK) !== 0 ? this.acked : 0,
      options: this.stamp(),
      ...fields,
    });
    const packet = buildIp({ src: this.other, dst: this.own, protocol: 6, payload: segment });
    this.injected.push(packet);
    this.inject(packet);
  }

  private inject(packet: Uint8Array): void {
    const ip = readIp(packet);
    if (typeof ip !== 'string' && ip.protocol === 6) this.model.toStack(ip);
    this.witness?.step(`  < ${describePacket(packet, 0, packet.length)}`);
    this.witness?.packet({ time: this.clock.now, direction: 'in', bytes: packet });
    this.link.sendFrame(this.clock.now, packet);
  }
}

function word(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}
