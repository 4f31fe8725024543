// The `ip` target's world: one stack with a UDP socket behind one link, and peers made of raw frames. What is put together
// is what was sent, whole and once, or nothing; answers are well-formed, few, and never answer errors; what waits is
// bounded and given up in time; no buffer is lost.

import { type MemoryLink, memoryPair } from '../../stack/link/memory.js';
import { emptyAddress, socketAddress } from '../../stack/socket/address.js';
import * as c from '../../stack/socket/constants.js';
import { createStack, type InlineStack } from '../../stack/stack.js';
import { describeFrame, describePacket } from '../../stack/wire/describe.js';
import {
  buildIcmp,
  buildIp,
  buildUdp,
  internetChecksum,
  pseudoHeader,
  type ReadPacket,
  readIp,
} from '../packets.js';
import { bytesOfHex, invariant, Violation, type Witness } from '../target.js';
import type { Datagram, IpCommand, IpInput } from './ip-commands.js';
import { streamBytes } from './stream-bytes.js';
import { fixedSecrets } from './tcp-world.js';

const PORT = 9;
const MTU = 1500;
const OWN_HARDWARE = [2, 0, 0, 0, 0, 1];
const PEER_HARDWARE = [2, 0, 0, 0, 0, 2];
/** ipfrag_high_thresh, and what one packet may be above it. */
const FRAGMENT_MEMORY = 4 * 1024 * 1024 + 3 * 65_536;

interface Fragments {
  readonly size: number;
  readonly memory: number;
}

export class IpWorld {
  private readonly input: IpInput;
  private readonly witness: Witness | undefined;
  private readonly stack: InlineStack;
  private readonly peer: MemoryLink;
  private readonly sockets: number[] = [];
  private now = 0;
  private sent: { ip: ReadPacket; bytes: Uint8Array }[] = [];
  private received: Uint8Array[] = [];
  /** Keys under which pieces wait, or were given up, and until when. */
  private readonly touched = new Map<string, number>();

  constructor(input: IpInput, witness?: Witness) {
    this.input = input;
    this.witness = witness;
    const framing = input.ethernet ? 'ethernet' : 'ip';
    const [device, peer] = memoryPair({ common: { framing, mtu: MTU } });
    this.peer = peer;
    this.stack = createStack({
      links: [device],
      addresses: [
        { address: '10.0.0.1', prefix: 24 },
        { address: 'fd00::1', prefix: 64, detectDuplicates: false },
      ],
      secrets: fixedSecrets(3),
      seed: 1,
      debugBuffers: true,
      smallBuffers: 256,
      largeBuffers: 8,
      arenaBytes: 4 << 20,
    });
    for (const family of [c.AF_INET, c.AF_INET6]) {
      const fd = this.stack.posix.socket(family, c.SOCK_DGRAM | c.SOCK_NONBLOCK, 0);
      if (family === c.AF_INET6) this.stack.posix.setInt(fd, 41, 26, 1); // IPV6_V6ONLY
      this.stack.posix.bind(fd, socketAddress(family === c.AF_INET ? '0.0.0.0' : '::', PORT));
      this.sockets.push(fd);
    }
    this.stack.run(0);
  }

  step(command: IpCommand): void {
    this.witness?.step(`${(this.now / 1e6).toFixed(6)} ${JSON.stringify(command)}`);
    this.sent = [];
    this.received = [];
    this.perform(command);
    this.fragmentsBounded();
  }

  /** Time passes: what waits is given up, and the stack ends with nothing left. */
  finish(): void {
    this.pass(200e6);
    invariant(
      this.fragments.size === 0,
      'fragments are kept beyond their time',
      () => `${this.fragments.size} packets`,
    );
    const { buffers } = this.stack.usage();
    invariant(buffers === 0, 'packet buffers are lost', () => String(buffers));
    this.stack.close();
    for (const [name, count] of Object.entries(this.stack.usage())) {
      invariant(count === 0, 'something is left behind by close', () => `${name} ${count}`);
    }
  }

  private get fragments(): Fragments {
    return (this.stack as unknown as { fragments: Fragments }).fragments;
  }

  private fragmentsBounded(): void {
    const { size, memory } = this.fragments;
    invariant(
      size <= 256 && memory <= FRAGMENT_MEMORY,
      'fragments take too much memory',
      () => `${size} packets, ${memory} bytes`,
    );
    invariant(memory >= 0, 'memory of fragments is below zero', () => String(memory));
  }

  private perform(command: IpCommand): void {
    switch (command.op) {
      case 'whole':
        this.whole(command.datagram, command.order, command.twice);
        return;
      case 'mixed':
        this.mixed(this.datagram(command.datagram));
        return;
      case 'overlap':
        this.overlap(this.datagram(command.datagram), command.by);
        return;
      case 'piece': {
        const d = this.datagram(command.datagram);
        const pieces = this.pieces(d);
        this.touch(d);
        this.inject(pieces[command.piece % pieces.length]);
        return;
      }
      case 'echo':
        this.echo(command.v6, command.size, command.group);
        return;
      case 'raw':
        this.raw(bytesOfHex(command.bytes), command.ethernet);
        return;
      case 'arp':
        this.arp(command.operation, command.own, command.hardware);
        return;
      case 'send': {
        const to = command.v6 ? `fd00::${command.to}` : `10.0.0.${command.to}`;
        const fd = this.sockets[command.v6 ? 1 : 0];
        this.stack.posix.sendto(fd, new Uint8Array(command.size), c.MSG_DONTWAIT, socketAddress(to, PORT));
        this.settle();
        return;
      }
      case 'time':
        this.pass(command.us);
    }
  }

  private datagram(i: number): Datagram {
    return this.input.datagrams[i % this.input.datagrams.length];
  }

  private source(d: { v6: boolean; source: number }): Uint8Array {
    const last = 2 + d.source;
    return d.v6 ? Uint8Array.of(0xfd, ...new Array<number>(14).fill(0), last) : Uint8Array.of(10, 0, 0, last);
  }

  private own(v6: boolean): Uint8Array {
    return v6 ? Uint8Array.of(0xfd, ...new Array<number>(14).fill(0), 1) : Uint8Array.of(10, 0, 0, 1);
  }

  private payload(d: Datagram): Uint8Array {
    const size = Math.min(d.size, d.v6 ? 65_000 : 65_480);
    return streamBytes(d.source * 7919, size);
  }

  /** The datagram's fragments in order; one packet when it is not cut. */
  private pieces(d: Datagram): Uint8Array[] {
    const [src, dst] = [this.source(d), this.own(d.v6)];
    const whole = buildUdp(src, dst, 1000 + d.source, PORT, this.payload(d));
    const places = [
      ...new Set(d.cuts.map((cut) => cut * 8).filter((at) => at >= 8 && at < whole.length)),
    ].sort((a, b) => a - b);
    // What a link can carry.
    const cuts: number[] = [];
    let from = 0;
    const cut = (at: number): void => {
      cuts.push(at);
      from = at;
    };
    for (const place of [...places, whole.length]) {
      while (place - from > 1400) cut(from + 1400);
      if (place < whole.length && place !== from) cut(place);
    }
    if (cuts.length === 0) return [buildIp({ src, dst, protocol: 17, payload: whole, id: d.id })];
    const edges = [0, ...cuts, whole.length];
    return edges.slice(1).map((end, i) => {
      const fragment = { offset: edges[i], more: end < whole.length };
      return buildIp({ src, dst, protocol: 17, payload: whole.subarray(edges[i], end), id: d.id, fragment });
    });
  }

  private key(d: Datagram): string {
    return `${d.v6} ${d.source} ${d.id}`;
  }

  /** Pieces of it are there from now on, for longer than any timeout. */
  private touch(d: Datagram): void {
    this.touched.set(this.key(d), this.now + 61e6);
  }

  private clean(d: Datagram): boolean {
    return (this.touched.get(this.key(d)) ?? -1) < this.now && this.fragments.size < 60;
  }

  private whole(index: number, order: number, twice: boolean): void {
    const d = this.datagram(index);
    const clean = this.clean(d);
    const pieces = shuffled(this.pieces(d), order);
    for (const [i, piece] of pieces.entries()) {
      this.inject(piece);
      // A duplicate of the last piece would begin the packet anew.
      if (twice && i < pieces.length - 1) this.inject(piece);
    }
    if (!clean) {
      this.touch(d);
      return;
    }
    const right = this.payload(d);
    invariant(
      this.received.length === 1,
      'a fragmented packet is not put together once',
      () => `${this.received.length} times, ${pieces.length} pieces`,
    );
    invariant(Buffer.compare(this.received[0], right) === 0, 'a packet is put together wrongly');
  }

  private mixed(d: Datagram): void {
    const other = { ...d, source: 1 - d.source };
    const clean = this.clean(d) && this.clean(other);
    const [a, b] = [this.pieces(d), this.pieces(other)];
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      if (i < a.length) this.inject(a[i]);
      if (i < b.length) this.inject(b[i]);
    }
    if (!clean) {
      this.touch(d);
      this.touch(other);
    } else
      invariant(
        this.received.length === 2,
        'fragments of two senders are mixed up',
        () => `${this.received.length} arrived`,
      );
  }

  /** One piece reaches into the next with the same bytes: nothing of the packet may arrive (RFC 5722). */
  private overlap(d: Datagram, by: number): void {
    const pieces = this.pieces(d);
    const clean = this.clean(d);
    this.touch(d);
    if (pieces.length < 2) return;
    const read = pieces.map((piece) => readIp(piece) as ReadPacket);
    const [first, second] = read;
    if (second.payload.length < by + 8) return;
    const { src, dst } = first;
    const joined = Uint8Array.from([...first.payload, ...second.payload.subarray(0, by)]);
    this.inject(
      buildIp({ src, dst, protocol: 17, payload: joined, id: d.id, fragment: { offset: 0, more: true } }),
    );
    for (const piece of pieces.slice(1)) this.inject(piece);
    if (clean)
      invariant(this.received.length === 0, 'overlapping fragments are put together', () => `${by} bytes`);
  }

  private echo(v6: boolean, size: number, group: boolean): void {
    const src = this.source({ v6, source: 0 });
    const dst = group
      ? v6
        ? Uint8Array.of(0xff, 2, ...new Array<number>(13).fill(0), 1)
        : Uint8Array.of(10, 0, 0, 255)
      : this.own(v6);
    const data = streamBytes(0, size);
    const payload = buildIcmp(src, dst, v6 ? 128 : 8, 0, 0x12345678, data);
    this.inject(buildIp({ src, dst, protocol: v6 ? 58 : 1, payload }));
    if (this.input.ethernet) return;
    const answers = this.sent.filter(({ ip }) => ip.payload[0] === (v6 ? 129 : 0));
    if (group && !v6) {
      invariant(answers.length === 0, 'a broadcast echo request is answered');
      return;
    }
    if (group) return;
    invariant(answers.length === 1, 'an echo request is not answered once', () => String(answers.length));
    const got = answers[0].ip.payload;
    invariant(
      Buffer.compare(got.subarray(4), payload.subarray(4)) === 0,
      'an echo reply carries something else',
    );
  }

  private raw(bytes: Uint8Array, framed: boolean): void {
    for (const d of this.input.datagrams) this.touch(d);
    const ip = readIp(bytes);
    if (this.input.ethernet && framed) this.deliver(bytes);
    else this.inject(bytes);
    const errors = this.sent.filter(({ ip: out }) => isError(out));
    // A packet that waits for a neighbour may bring others with it.
    if (!this.input.ethernet)
      invariant(this.sent.length <= 2, 'one packet makes many', () => String(this.sent.length));
    if (typeof ip === 'string') return;
    invariant(
      errors.length === 0 || !isError(ip),
      'an error is answered with an error',
      () => `type ${ip.payload[0]}`,
    );
    const later = ip.fragment !== undefined && ip.fragment.offset > 0;
    const made = this.input.ethernet ? 0 : errors.length;
    invariant(made === 0 || !later, 'an error answers a later fragment');
  }

  private arp(operation: number, own: boolean, hardware: number): void {
    const sender = [2, 0, 0, 0, 3, hardware];
    const frame = [
      ...(own ? OWN_HARDWARE : [255, 255, 255, 255, 255, 255]),
      ...sender,
      ...[8, 6, 0, 1, 8, 0, 6, 4, 0, operation],
      ...sender,
      ...[10, 0, 0, hardware % 10],
      ...[0, 0, 0, 0, 0, 0],
      ...[10, 0, 0, own ? 1 : 7],
    ];
    if (this.input.ethernet) this.deliver(Uint8Array.from(frame));
  }

  private inject(packet: Uint8Array): void {
    if (!this.input.ethernet) this.deliver(packet);
    else {
      const type = packet[0] >>> 4 === 6 ? [0x86, 0xdd] : [8, 0];
      this.deliver(Uint8Array.from([...OWN_HARDWARE, ...PEER_HARDWARE, ...type, ...packet]));
    }
  }

  private deliver(frame: Uint8Array): void {
    this.show('<', frame);
    this.witness?.packet({ time: this.now, direction: 'in', bytes: frame, ethernet: this.input.ethernet });
    this.peer.sendFrame(this.now, frame);
    this.settle();
  }

  private pass(us: number): void {
    const end = this.now + us;
    for (let steps = 0; ; steps++) {
      const next = this.stack.nextTimeout();
      if (next > end) break;
      invariant(steps < 50_000, 'time stands still', () => `at ${next}`);
      this.now = Math.max(this.now, next);
      this.settle();
    }
    this.now = end;
    this.settle();
  }

  private settle(): void {
    this.stack.run(this.now);
    for (let frame = this.peer.takeFrame(this.now); frame !== null; frame = this.peer.takeFrame(this.now)) {
      this.show('>', frame.bytes);
      this.witness?.packet({
        time: this.now,
        direction: 'out',
        bytes: frame.bytes,
        ethernet: this.input.ethernet,
      });
      this.judge(frame.bytes);
    }
    for (const fd of this.sockets) this.read(fd);
  }

  private judge(frame: Uint8Array): void {
    let bytes = frame;
    if (this.input.ethernet) {
      const type = (frame[12] << 8) | frame[13];
      invariant(
        frame.length >= 14 && (type === 0x0806 || type === 0x0800 || type === 0x86dd),
        'a senseless frame is sent',
        () => String(type),
      );
      if (type === 0x0806) return;
      bytes = frame.subarray(14);
    }
    const ip = readIp(bytes);
    if (typeof ip === 'string') throw new Violation('a malformed packet is sent', ip);
    invariant(bytes.length <= MTU, 'a packet is larger than the MTU', () => String(bytes.length));
    if (ip.fragment === undefined || (ip.fragment.offset === 0 && !ip.fragment.more)) this.checksum(ip);
    this.sent.push({ ip, bytes });
  }

  private checksum(ip: ReadPacket): void {
    const { payload, protocol } = ip;
    if (protocol === 1) {
      invariant(internetChecksum(payload) === 0, 'an ICMP message has a wrong checksum');
    } else if (protocol === 58 || protocol === 6 || protocol === 17) {
      const sum = internetChecksum(pseudoHeader(ip.src, ip.dst, protocol, payload.length), payload);
      invariant(sum === 0, 'a packet has a wrong checksum', () => `protocol ${protocol}`);
    }
  }

  private read(fd: number): void {
    const room = new Uint8Array(66_000);
    for (;;) {
      const n = this.stack.posix.recvfrom(fd, room, c.MSG_DONTWAIT, emptyAddress()).result;
      if (n === null || n < 0) return;
      this.received.push(room.slice(0, n));
    }
  }

  private show(sign: string, frame: Uint8Array): void {
    if (this.witness === undefined) return;
    const text = this.input.ethernet
      ? describeFrame(frame, 0, frame.length)
      : describePacket(frame, 0, frame.length);
    this.witness.step(`  ${sign} ${text}`);
  }
}

/** RFC 1122 section 3.2.2, RFC 4443 section 2.1. */
function isError({ version, protocol, payload, fragment }: ReadPacket): boolean {
  if (fragment !== undefined && fragment.offset > 0) return false;
  if (version === 6) return protocol === 58 && payload.length > 0 && payload[0] < 128;
  return protocol === 1 && [3, 4, 5, 11, 12].includes(payload[0]);
}

/** The `n`th order of `list`, 0: as it is. */
function shuffled<T>(list: readonly T[], n: number): T[] {
  const rest = [...list];
  const out: T[] = [];
  let code = n;
  while (rest.length > 0) {
    out.push(...rest.splice(code % rest.length, 1));
    code = Math.floor(code / 3);
  }
  return out;
}
