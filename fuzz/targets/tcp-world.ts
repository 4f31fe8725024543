// The `tcp` target's world: one stack over a memory link in virtual time, and a peer made of raw packets that plays a
// list of commands. Every packet goes through the model (tcp-model.ts), every step through the look inside (tcp-inside.ts).

import { fixedSecrets } from '../../conformance/targets/stack/secrets.js';
import { SysctlError } from '../../stack/config/sysctls.js';
import { type MemoryLink, memoryPair } from '../../stack/link/memory.js';
import { emptyAddress, socketAddress } from '../../stack/socket/address.js';
import * as c from '../../stack/socket/constants.js';
import * as o from '../../stack/socket/options.js';
import { createStack, type InlineStack } from '../../stack/stack.js';
import { describePacket } from '../../stack/wire/describe.js';
import { ACK, SYN } from '../packets.js';
import { invariant, type Witness } from '../target.js';
import { streamBytes } from './stream-bytes.js';
import type { TcpCommand, TcpSetting } from './tcp-commands.js';
import { Inside } from './tcp-inside.js';
import { TcpModel } from './tcp-model.js';
import { writeOption } from './tcp-options-list.js';
import { OWN_ADDRESS, PEER_ADDRESS, PEER_PORT, PORT, TcpPeer } from './tcp-peer.js';

/** Long enough for every timer of a connection that nobody owns (RFC 1122: R2 of some minutes, twice). */
const FOUR_HOURS = 4 * 3600e6;
const HOW = ['SHUT_RD', 'SHUT_WR', 'SHUT_RDWR'];

export class TcpWorld {
  readonly stack: InlineStack;
  readonly model: TcpModel;
  now = 0;
  fd = -1;
  private listener = -1;
  private readonly setting: TcpSetting;
  private readonly link: MemoryLink;
  private readonly peer: TcpPeer;
  private readonly inside = new Inside();
  private readonly witness: Witness | undefined;
  private sentInStep = 0;

  constructor(setting: TcpSetting, witness?: Witness) {
    this.setting = setting;
    this.witness = witness;
    const { v6, mtu, peerIss, wscale, buffers } = setting;
    witness?.network?.({ v6, mtu });
    // The device takes no super-packets.
    witness?.command?.(0, 'ethtool -K tun0 tso off gso off');
    const [device, link] = memoryPair({ common: { framing: 'ip', mtu } });
    this.link = link;
    this.stack = createStack({
      links: [device],
      addresses: [{ address: OWN_ADDRESS[v6 ? 6 : 4], prefix: v6 ? 64 : 16 }],
      routes: [{ destination: v6 ? 'default6' : 'default' }],
      secrets: fixedSecrets(peerIss ^ 0x1234),
      seed: 1,
      debugBuffers: true,
      smallBuffers: buffers,
      largeBuffers: 4,
      arenaBytes: 4 << 20,
    });
    this.model = new TcpModel(peerIss, wscale, mtu, v6);
    this.peer = new TcpPeer(setting, this.model, link, this, witness);
    for (const [name, value] of setting.sysctls) this.sysctl(name, value);
  }

  /** Sockets, and the handshake if it is wanted. */
  begin(): void {
    const { posix } = this.stack;
    const family = this.setting.v6 ? c.AF_INET6 : c.AF_INET;
    const fd = posix.socket(family, c.SOCK_STREAM | c.SOCK_NONBLOCK, 0);
    this.told('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP)', fd);
    const set = (name: string, option: number, value: number): void =>
      this.told(
        `setsockopt(${fd}, SOL_SOCKET, ${name}, [${value}], 4)`,
        posix.setInt(fd, o.SOL_SOCKET, option, value),
      );
    set('SO_OOBINLINE', o.SO_OOBINLINE, 1);
    set('SO_REUSEADDR', o.SO_REUSEADDR, 1);
    if (this.setting.sendBuffer > 0) set('SO_SNDBUF', o.SO_SNDBUF, this.setting.sendBuffer >>> 1);
    if (this.setting.receiveBuffer > 0) set('SO_RCVBUF', o.SO_RCVBUF, this.setting.receiveBuffer >>> 1);
    this.told(
      `bind(${fd}, ..., ...)`,
      posix.bind(fd, socketAddress(this.setting.v6 ? '::' : '0.0.0.0', PORT)),
    );
    if (this.setting.active) {
      this.fd = fd;
      const peer = socketAddress(PEER_ADDRESS[this.setting.v6 ? 6 : 4], PEER_PORT);
      this.told(`connect(${fd}, ..., ...)`, posix.connect(fd, peer).result);
    } else {
      this.listener = fd;
      this.told(`listen(${fd}, 4)`, posix.listen(fd, 4));
    }
    this.settle();
    if (!this.setting.handshake) return;
    const flags = this.setting.active ? SYN | ACK : SYN;
    this.peer.send({
      flags,
      seq: this.peer.next,
      window: this.setting.window,
      options: this.peer.synOptions(),
    });
    this.peer.next = (this.peer.next + 1) >>> 0;
    this.settle();
    if (!this.setting.active) this.peer.send({ flags: ACK, seq: this.peer.next, window: this.peer.window });
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
    let cwnd = 10;
    for (const { tcb } of this.stack.tcp.handles) cwnd = Math.max(cwnd, tcb.cc.cwnd);
    // What was paced may leave when its time comes, a window of it.
    if (command.op === 'time') return 20 + command.us / 200 + cwnd;
    const times = command.op === 'burst' ? command.sizes.length : 'times' in command ? command.times : 1;
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
        this.told(`send(${this.fd}, ..., ${command.n}, MSG_DONTWAIT|MSG_NOSIGNAL)`, sent);
        if (sent > 0) this.model.written += sent;
        return;
      }
      case 'read': {
        if (this.fd < 0) return;
        const room = new Uint8Array(command.n);
        const got = posix.recv(this.fd, room, c.MSG_DONTWAIT).result;
        invariant(got !== null, 'a call that must not block does');
        this.told(`recv(${this.fd}, ..., ${command.n}, MSG_DONTWAIT)`, got);
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
        this.told(`shutdown(${this.fd}, ${HOW[command.how]})`, posix.shutdown(this.fd, command.how));
        return;
      case 'option':
        if (this.fd >= 0) this.told(...writeOption(posix, this.fd, command.name, command.value));
        return;
      case 'sysctl':
        this.sysctl(command.name, command.value);
        return;
      case 'time':
        this.pass(command.us);
        return;
      case 'sameAck':
        this.sameAck(command.times);
        return;
      case 'burst':
        for (const send of this.peer.burst(command)) {
          send();
          this.settle();
        }
        return;
      default:
        this.peer.play(command);
    }
  }

  /** A value that this stack does not offer is refused, and that is all. */
  private sysctl(name: string, value: string): void {
    // Only a listener answers with cookies; in a simultaneous open there is none.
    const listens = !this.setting.active;
    if (name === 'net.ipv4.tcp_syncookies' && value !== '0' && listens) this.model.cookies = true;
    try {
      this.stack.setSysctl(name, value);
      this.witness?.command?.(this.now, `sysctl -q ${name}="${value}"`);
    } catch (error) {
      if (!(error instanceof SysctlError)) throw error;
    }
  }

  private close(fd: number): void {
    if (fd === this.fd) this.model.mayEnd = true;
    this.told(`close(${fd})`, this.stack.posix.close(fd).result);
  }

  /** Tells a call and what it returned. */
  private told(text: string, result: number | null): void {
    this.witness?.call?.(this.now, text, result ?? 0);
  }

  private acceptOne(): void {
    if (this.listener < 0 || !this.stack.posix.descriptors.includes(this.listener)) return;
    const fd = this.stack.posix.accept4(this.listener, emptyAddress(), c.SOCK_NONBLOCK).result;
    if (fd === null || fd < 0) return;
    this.told(`accept4(${this.listener}, ..., ..., SOCK_NONBLOCK)`, fd);
    this.fd = fd;
    // One connection at a time: what comes later finds nobody.
    this.told(`close(${this.listener})`, this.stack.posix.close(this.listener).result);
    this.listener = -1;
  }

  /** ACKs that say nothing new must not be answered over and over (RFC 9293 section 3.10.7.4, RFC 5961). */
  private sameAck(times: number): void {
    this.peer.acked = this.model.stackNext;
    this.peer.send({ flags: ACK, seq: this.peer.next, window: this.peer.window });
    this.settle();
    const before = this.model.pureAcks;
    for (let i = 0; i < times; i++) {
      this.peer.send({ flags: ACK, seq: this.peer.next, window: this.peer.window });
      this.settle();
    }
    const answers = this.model.pureAcks - before;
    invariant(answers <= 2, 'ACKs that say nothing new are answered', () => `${answers} answers to ${times}`);
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
    for (let frame = this.link.takeFrame(this.now); frame !== null; frame = this.link.takeFrame(this.now)) {
      this.sentInStep++;
      const { bytes } = frame;
      this.witness?.step(`  > ${describePacket(bytes, 0, bytes.length)}`);
      this.witness?.packet({ time: this.now, direction: 'out', bytes });
      const first = this.model.stackIss === undefined;
      const segment = this.model.fromStack(bytes);
      if (segment !== undefined) this.peer.take(segment);
      if (first && this.model.stackIss !== undefined) this.peer.acked = (this.model.stackIss + 1) >>> 0;
    }
    this.inside.check(this.stack, this.now);
  }
}
