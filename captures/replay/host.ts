// Our stack in the recorded host's place: one socket, and an application that writes, reads and closes as the recorded one
// did. Virtual time; packets go to the observer. It knows nothing of the peer.

import { fixedSecrets } from '../../conformance/targets/stack/secrets.js';
import {
  constants,
  createStack,
  type InlineStack,
  type MemoryLink,
  memoryPair,
  options,
} from '../../stack/index.js';
import type { PendingCall, SocketAddress } from '../../stack/socket/types.js';
import type { TimedAction } from './application.js';
import { Observer } from './observer.js';
import type { Situation } from './situation.js';
import { LOCAL4, LOCAL6, REMOTE4, REMOTE6, Translator } from './translate.js';

const MOST_TURNS = 200_000;
const { AF_INET, AF_INET6, SOCK_STREAM, SOCK_NONBLOCK, MSG_DONTWAIT, MSG_MORE, SHUT_WR } = constants;

export class RecordedHost {
  protected readonly stack: InlineStack;
  protected readonly peer: MemoryLink;
  protected readonly observer: Observer;
  protected readonly parts: Uint8Array[] = [];
  protected readonly buffer = new Uint8Array(65_536);
  protected readonly ourPort: number;
  protected readonly peerPort: number;
  protected time = 0;
  protected listener = -1;
  protected fd = -1;
  protected connecting: PendingCall | null = null;
  protected accepting: PendingCall | null = null;
  protected connected = false;
  protected closed = false;
  protected endOfFile = false;
  protected error = 0;
  /** What the application still has to do, in order: writes that found no room keep what follows waiting. */
  protected readonly todo: TimedAction['action'][] = [];
  protected offset = 0;
  protected readonly situation: Situation;
  protected readonly translator: Translator;

  constructor(situation: Situation) {
    this.situation = situation;
    const { recording, side } = situation;
    const [device, peer] = memoryPair({ common: { framing: 'ip', mtu: situation.mtu, name: 'tun0' } });
    this.peer = peer;
    this.ourPort = recording.ports[side] || 1;
    this.peerPort = recording.ports[1 - side] || 1;
    this.translator = new Translator(recording);
    this.observer = new Observer(recording.isn[1 - side]!, situation.application.bytes);
    this.observer.mayReset = !situation.opens;
    const six = recording.ipv6;
    this.stack = createStack({
      links: [device],
      addresses: [{ address: six ? LOCAL6 : LOCAL4, prefix: six ? 48 : 16 }],
      routes: [
        { destination: six ? `${REMOTE6}/128` : `${REMOTE4}/32`, initcwnd: situation.initialWindow },
        { destination: six ? 'default6' : 'default' },
      ],
      sysctls: situation.sysctls,
      clock: () => this.time,
      seed: 1,
      secrets: fixedSecrets(0x7265_706c),
      smallBuffers: 2048,
      largeBuffers: 128,
    });
  }

  close(): void {
    this.stack.close();
  }

  protected address(which: 'local' | 'remote', port: number): SocketAddress {
    return {
      family: this.situation.recording.ipv6 ? AF_INET6 : AF_INET,
      address: this.translator[which],
      port,
    };
  }

  protected socket(): number {
    const { posix } = this.stack;
    const family = this.situation.recording.ipv6 ? AF_INET6 : AF_INET;
    const fd = posix.socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) throw new Error(`socket() answers ${fd}`);
    return fd;
  }

  protected prepare(fd: number): void {
    const { posix } = this.stack;
    // When to send is in the recording: nothing of ours is to hold a segment back.
    posix.setInt(fd, options.SOL_TCP, options.TCP_NODELAY, 1);
    posix.setInt(fd, options.SOL_SOCKET, options.SO_OOBINLINE, 1);
  }

  protected open(): void {
    const { posix } = this.stack;
    if (this.situation.role === 'client' || !this.situation.opens) return;
    this.listener = this.socket();
    this.check(posix.bind(this.listener, this.address('local', this.ourPort)), 'bind');
    if (this.situation.fastOpen) posix.setInt(this.listener, options.SOL_TCP, options.TCP_FASTOPEN, 5);
    this.prepare(this.listener);
    this.check(posix.listen(this.listener, 5), 'listen');
  }

  protected check(result: number, call: string): void {
    if (result < 0) throw new Error(`${call}() answers ${result}`);
  }

  protected act(timed: TimedAction): void {
    this.todo.push(timed.action);
    if (timed.action.kind === 'abort' || timed.action.kind === 'close') this.observer.mayReset = true;
    this.pump();
  }

  /** Does what the application has to do as far as the socket lets it. */
  protected work(): void {
    const { posix } = this.stack;
    while (this.todo.length > 0 && this.fd >= 0 && !this.closed) {
      const action = this.todo[0]!;
      if (action.kind === 'write') {
        const rest = action.bytes.subarray(this.offset);
        const flags = MSG_DONTWAIT | constants.MSG_NOSIGNAL | (action.more ? MSG_MORE : 0);
        const taken = rest.length === 0 ? 0 : (posix.send(this.fd, rest, flags).result ?? 0);
        if (taken < 0) {
          // EAGAIN, or not connected yet: later. Anything else ends what can be written.
          if (taken === -11 || taken === -115 || taken === -107) return;
          this.error ||= -taken;
        } else if (taken < rest.length) {
          this.offset += taken;
          return;
        }
        this.offset = 0;
      } else if (action.kind === 'shutdown') {
        const result = posix.shutdown(this.fd, SHUT_WR);
        if (result === -107 && !this.connected) return;
      } else this.leave(action.kind === 'abort');
      this.todo.shift();
    }
  }

  protected leave(abort: boolean): void {
    const { posix } = this.stack;
    this.readAll();
    if (abort)
      posix.setsockopt(this.fd, options.SOL_SOCKET, options.SO_LINGER, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    posix.close(this.fd);
    this.closed = true;
  }

  protected readAll(): void {
    if (this.fd < 0 || this.closed || this.endOfFile) return;
    for (let i = 0; i < 10_000; i++) {
      const n = this.stack.posix.recv(this.fd, this.buffer, MSG_DONTWAIT).result ?? -11;
      if (n > 0) this.parts.push(this.buffer.slice(0, n));
      else {
        if (n === 0) this.endOfFile = true;
        else if (n !== -11 && n !== -107) this.error ||= -n;
        return;
      }
    }
  }

  /** Runs the stack at this time until it, its application and the wire have nothing more to do. */
  protected pump(): void {
    const { posix } = this.stack;
    for (let i = 0; i < 1000; i++) {
      const handled = this.stack.run(this.time);
      let busy = handled > 0;
      for (let frame = this.peer.takeFrame(this.time); frame; frame = this.peer.takeFrame(this.time)) {
        this.observer.left(frame.bytes, this.time);
        busy = true;
      }
      if (this.fd < 0 && this.listener >= 0) {
        this.accepting ??= posix.accept4(
          this.listener,
          { family: 0, address: new Uint8Array(16), port: 0 },
          SOCK_NONBLOCK,
        );
        const result = this.accepting.result;
        if (result !== null) {
          this.accepting = null;
          if (result >= 0) {
            this.fd = result;
            this.connected = true;
            this.prepare(this.fd);
            busy = true;
          }
        }
      }
      if (this.connecting?.result != null) {
        const result = this.connecting.result;
        if (result < 0 && result !== -115) this.error ||= -result;
        this.connecting = null;
      }
      if (this.fd >= 0 && !this.closed) {
        if (!this.connected && this.observer.acked >= 1) this.connected = true;
        this.work();
        this.readAll();
      }
      if (!busy && !(this.stack.nextTimeout() <= this.time)) return;
    }
  }

  /** Lets time pass, with everything that is due in it. */
  protected until(end: number): void {
    for (let turns = 0; ; turns++) {
      if (turns > MOST_TURNS) throw new Error(`the stack is never done at ${this.time} µs`);
      this.pump();
      const next = this.stack.nextTimeout();
      if (!(next <= end)) break;
      this.time = Math.max(this.time, next);
    }
    this.time = Math.max(this.time, end);
    this.pump();
  }
}
