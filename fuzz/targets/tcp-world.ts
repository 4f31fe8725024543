// The `tcp` target's world: one stack over a memory link in virtual time, and a peer made of raw packets that plays a
// list of commands. Every packet goes through the model (tcp-model.ts), every step through the look inside (tcp-inside.ts).

import { SysctlError } from '../../stack/config/sysctls.js';
import { type MemoryLink, memoryPair } from '../../stack/link/memory.js';
import { emptyAddress, socketAddress } from '../../stack/socket/address.js';
import * as c from '../../stack/socket/constants.js';
import * as o from '../../stack/socket/options.js';
import { createStack, type InlineStack } from '../../stack/stack.js';
import { parseAddress } from '../../stack/wire/address.js';
import { describePacket } from '../../stack/wire/describe.js';
import { ACK, buildIcmp, buildIp, buildTcp, FIN, readIp, SYN, type TcpFields } from '../packets.js';
import { invariant, type Witness } from '../target.js';
import { fixedSecrets } from './secrets.js';
import { streamBytes } from './stream-bytes.js';
import type { SegmentCommand, TcpCommand, TcpSetting } from './tcp-commands.js';
import { Inside } from './tcp-inside.js';
import { TcpModel } from './tcp-model.js';
import { writeOption } from './tcp-options-list.js';

const PORT = 8080;
const PEER_PORT = 40_000;
/** Milliseconds on the peer's timestamp clock at time 0. */
const PEER_STAMP = 0xfffffff0;
/** Long enough for every timer of a connection that nobody owns (RFC 1122: R2 of some minutes, twice). */
const FOUR_HOURS = 4 * 3600e6;

export class TcpWorld {
  readonly stack: InlineStack;
  readonly model: TcpModel;
  now = 0;
  fd = -1;
  private listener = -1;
  private readonly setting: TcpSetting;
  private readonly peer: MemoryLink;
  private readonly own: Uint8Array;
  private readonly other: Uint8Array;
  private stackPort = PORT;
  /** The peer's next sequence number, and what it has acknowledged. */
  private next: number;
  private acked = 0;
  private window: number;
  private readonly injected: Uint8Array[] = [];
  private readonly inside = new Inside();
  private readonly witness: Witness | undefined;
  private sentInStep = 0;

  constructor(setting: TcpSetting, witness?: Witness) {
    this.setting = setting;
    this.witness = witness;
    const { v6, mtu, peerIss, wscale, buffers } = setting;
    this.own = parseAddress(v6 ? 'fd3d:a0b:17d6::1' : '192.168.0.1').slice(v6 ? 0 : 12);
    this.other = parseAddress(v6 ? 'fd3d:fa7b:d17d::1' : '192.0.2.1').slice(v6 ? 0 : 12);
    const [device, peer] = memoryPair({ common: { framing: 'ip', mtu } });
    this.peer = peer;
    this.stack = createStack({
      links: [device],
      addresses: [{ address: v6 ? 'fd3d:a0b:17d6::1' : '192.168.0.1', prefix: v6 ? 64 : 16 }],
      routes: [{ destination: v6 ? 'default6' : 'default' }],
      secrets: fixedSecrets(peerIss ^ 0x1234),
      seed: 1,
      debugBuffers: true,
      smallBuffers: buffers,
      largeBuffers: 4,
      arenaBytes: 4 << 20,
    });
    this.model = new TcpModel(peerIss, wscale, mtu, v6);
    for (const [name, value] of setting.sysctls) this.sysctl(name, value);
    this.next = peerIss;
    this.window = setting.window;
  }

  /** Sockets, and the handshake if it is wanted. */
  begin(): void {
    const { posix } = this.stack;
    const family = this.setting.v6 ? c.AF_INET6 : c.AF_INET;
    const fd = posix.socket(family, c.SOCK_STREAM | c.SOCK_NONBLOCK, 0);
    posix.setInt(fd, o.SOL_SOCKET, o.SO_OOBINLINE, 1);
    posix.setInt(fd, o.SOL_SOCKET, o.SO_REUSEADDR, 1);
    if (this.setting.sendBuffer > 0)
      posix.setInt(fd, o.SOL_SOCKET, o.SO_SNDBUF, this.setting.sendBuffer >>> 1);
    if (this.setting.receiveBuffer > 0)
      posix.setInt(fd, o.SOL_SOCKET, o.SO_RCVBUF, this.setting.receiveBuffer >>> 1);
    posix.bind(fd, socketAddress(this.setting.v6 ? '::' : '0.0.0.0', PORT));
    if (this.setting.active) {
      this.fd = fd;
      posix.connect(fd, socketAddress(this.setting.v6 ? 'fd3d:fa7b:d17d::1' : '192.0.2.1', PEER_PORT));
    } else {
      this.listener = fd;
      posix.listen(fd, 4);
    }
    this.settle();
    if (!this.setting.handshake) return;
    const flags = this.setting.active ? SYN | ACK : SYN;
    this.send({ flags, seq: this.next, window: this.setting.window, options: this.synOptions() });
    this.next = (this.next + 1) >>> 0;
    this.settle();
    if (!this.setting.active) this.send({ flags: ACK, seq: this.next, window: this.window });
    this.settle();
    this.acceptOne();
  }

  step(command: TcpCommand): void {
    this.witness?.step(`${(this.now / 1e6).toFixed(6)} ${JSON.stringify(command)}`);
    this.sentInStep = 0;
    const bound = this.bound(command);
    this.perform(command);
    this.settle();
    if (this.fd < 0) this.acceptOne();
    invariant(
      this.sentInStep <= bound,
      'one step makes too many packets',
      () => `${this.sentInStep} of at most ${bound}`,
    );
  }

  /** Closes everything and lets time pass with a silent peer: all must end. */
  finish(): void {
    this.witness?.step('close, and time passes');
    for (const fd of [...this.stack.posix.descriptors]) this.close(fd);
    this.settle();
    const end = this.now + FOUR_HOURS;
    for (let steps = 0; ; steps++) {
      const next = this.stack.nextTimeout();
      if (next > end) break;
      invariant(
        steps < 20_000,
        'timers of closed sockets go on and on',
        () => `next in ${next - this.now} µs`,
      );
      this.now = Math.max(this.now, next);
      this.settle();
    }
    this.now = end;
    this.settle();
    const { connections, requests, timeWaits, listeners, timers, buffers, pendingCalls, flows } =
      this.stack.usage();
    const left = { connections, requests, timeWaits, listeners, flows, timers, buffers, pendingCalls };
    for (const [name, count] of Object.entries(left)) {
      invariant(
        count === 0,
        name === 'buffers' ? 'packet buffers are lost' : 'a closed socket does not end',
        () => `${name} ${count}`,
      );
    }
    this.stack.close();
    for (const [name, count] of Object.entries(this.stack.usage())) {
      invariant(count === 0, 'something is left behind by close', () => `${name} ${count}`);
    }
  }

  private bound(command: TcpCommand): number {
    if (command.op === 'time') return 20 + command.us / 200;
    let cwnd = 10;
    for (const { tcb } of this.stack.tcp.handles) cwnd = Math.max(cwnd, tcb.cc.cwnd);
    const times = 'times' in command ? command.times : 1;
    return 400 + 8 * cwnd + times * 60;
  }

  private perform(command: TcpCommand): void {
    const { posix } = this.stack;
    switch (command.op) {
      case 'write': {
        if (this.fd < 0) return;
        const data = streamBytes(this.model.written, command.n);
        const sent = posix.send(this.fd, data, c.MSG_DONTWAIT | c.MSG_NOSIGNAL).result;
        invariant(sent !== null, 'a call that must not block does');
        if (sent > 0) this.model.written += sent;
        return;
      }
      case 'read': {
        if (this.fd < 0) return;
        const room = new Uint8Array(command.n);
        const got = posix.recv(this.fd, room, c.MSG_DONTWAIT).result;
        invariant(got !== null, 'a call that must not block does');
        if (got > 0) this.model.read(room.subarray(0, got));
        return;
      }
      case 'close':
        if (this.fd >= 0) this.close(this.fd);
        this.fd = -1;
        return;
      case 'shutdown':
        if (this.fd < 0) return;
        if (command.how !== 0) this.model.mayEnd = true;
        posix.shutdown(this.fd, command.how);
        return;
      case 'option':
        if (this.fd >= 0) writeOption(posix, this.fd, command.name, command.value);
        return;
      case 'sysctl':
        this.sysctl(command.name, command.value);
        return;
      case 'time':
        this.pass(command.us);
        return;
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
        this.send({ flags: ACK, seq, window: this.window, payload: this.bytes(seq, command.n) });
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
      case 'sameAck':
        this.sameAck(command.times);
        return;
      case 'icmp':
        this.icmp(command.type, command.code, command.mtu, command.seq);
        return;
      case 'segment':
        this.segment(command);
    }
  }

  /** A value that this stack does not offer is refused, and that is all. */
  private sysctl(name: string, value: string): void {
    if (name === 'net.ipv4.tcp_syncookies') this.model.cookies = true;
    try {
      this.stack.setSysctl(name, value);
    } catch (error) {
      if (!(error instanceof SysctlError)) throw error;
    }
  }

  private close(fd: number): void {
    if (fd === this.fd) this.model.mayEnd = true;
    this.stack.posix.close(fd);
  }

  private acceptOne(): void {
    if (this.listener < 0 || !this.stack.posix.descriptors.includes(this.listener)) return;
    const fd = this.stack.posix.accept4(this.listener, emptyAddress(), c.SOCK_NONBLOCK).result;
    if (fd === null || fd < 0) return;
    this.fd = fd;
    // One connection at a time: what comes later finds nobody.
    this.stack.posix.close(this.listener);
    this.listener = -1;
  }

  /** ACKs that say nothing new must not be answered over and over (RFC 9293 section 3.10.7.4, RFC 5961). */
  private sameAck(times: number): void {
    this.acked = this.model.stackNext;
    this.send({ flags: ACK, seq: this.next, window: this.window });
    this.settle();
    const before = this.model.pureAcks;
    for (let i = 0; i < times; i++) {
      this.send({ flags: ACK, seq: this.next, window: this.window });
      this.settle();
    }
    const answers = this.model.pureAcks - before;
    invariant(answers <= 2, 'ACKs that say nothing new are answered', () => `${answers} answers to ${times}`);
  }

  private icmp(type: number, code: number, mtu: number, seq: number): void {
    const quoted = buildTcp(this.own, this.other, {
      srcPort: this.stackPort,
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
    const payload = this.bytes(seq, syn ? 0 : length);
    this.send({ flags, seq, ack, window, urgent, options, payload });
    // What continues the stream has been said: later data goes behind it.
    if (command.seqFrom === 'next' && command.seq === 0) this.next = this.model.received;
  }

  private bytes(seq: number, length: number): Uint8Array {
    return streamBytes(seq, length);
  }

  private synOptions(): number[] {
    const { mss, wscale, sack, timestamps } = this.setting;
    return [
      ...(mss > 0 ? [2, 4, mss >>> 8, mss & 255] : []),
      ...(sack ? [4, 2] : []),
      ...(timestamps ? [8, 10, ...word(this.clock()), ...word(this.model.lastStamp)] : []),
      ...(wscale >= 0 ? [3, 3, wscale] : []),
    ];
  }

  private clock(): number {
    return (PEER_STAMP + Math.floor(this.now / 1000)) >>> 0;
  }

  private stamp(kind: 'right' | 'old' | 'future' = 'right'): number[] {
    if (!this.setting.timestamps) return [];
    const shift = kind === 'old' ? -100_000 : kind === 'future' ? 100_000 : 0;
    return [1, 1, 8, 10, ...word(this.clock() + shift), ...word(this.model.lastStamp)];
  }

  private send(fields: Partial<TcpFields> & Pick<TcpFields, 'flags' | 'seq' | 'window'>): void {
    const segment = buildTcp(this.other, this.own, {
      srcPort: PEER_PORT,
      dstPort: this.stackPort,
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
    this.witness?.packet({ time: this.now, direction: 'in', bytes: packet });
    this.peer.sendFrame(this.now, packet);
  }

  private pass(us: number): void {
    const end = this.now + us;
    for (let steps = 0; ; steps++) {
      const next = this.stack.nextTimeout();
      if (next > end) break;
      invariant(next > this.now || steps < 10_000, 'time stands still', () => `at ${next}`);
      this.now = Math.max(this.now, next);
      this.settle();
    }
    this.now = end;
    this.settle();
  }

  /** Runs the stack at this time, and judges what it sends and how it stands. */
  private settle(): void {
    this.stack.run(this.now);
    for (let frame = this.peer.takeFrame(this.now); frame !== null; frame = this.peer.takeFrame(this.now)) {
      this.sentInStep++;
      const { bytes } = frame;
      this.witness?.step(`  > ${describePacket(bytes, 0, bytes.length)}`);
      this.witness?.packet({ time: this.now, direction: 'out', bytes });
      const first = this.model.stackIss === undefined;
      this.model.fromStack(bytes);
      if (first && this.model.stackIss !== undefined) this.acked = (this.model.stackIss + 1) >>> 0;
    }
    this.inside.check(this.stack, this.now);
  }
}

function word(value: number): number[] {
  return [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}
