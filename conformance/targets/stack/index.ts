// Our own stack as a target: inline, over a memory link with IP framing that takes super-packets as a TUN device with
// offloads does, in virtual time. Two runs of one script give the same bytes.

import { createStack, type Stack } from '../../../stack/index.js';
import { type MemoryLink, memoryPair } from '../../../stack/link/memory.js';
import type { Feature } from '../../language/features.js';
import type { TargetSetup } from '../../runner/run.js';
import { helperFileReader, Shell, ShellError } from '../../shell/index.js';
import { type CapturedPacket, type PendingCall, type Target, TargetUnsupported } from '../target.js';
import { callPosix } from './calls.js';
import { fixedSecrets } from './secrets.js';
import { StackShellHost } from './shell-host.js';
import { NO_VARIATION, type Variation } from './variation.js';

const GSO_MAX_SIZE = 65_535;
const MOST_TURNS_AT_ONE_TIME = 100_000;

export class StackTarget implements Target {
  readonly name = 'stack';
  readonly virtual = true;
  readonly wallEpoch = 0;
  /** The stack ends TCP and UDP; it opens no tunnels. */
  readonly lacks: readonly Feature[] = [
    'encapsulation:ipv4',
    'encapsulation:ipv6',
    'encapsulation:gre',
    'encapsulation:mpls',
    'psp',
    'tcp-over-udp',
  ];
  readonly stack: Stack;
  private readonly peer: MemoryLink;
  private readonly shell: Shell;
  private readonly host: StackShellHost;
  private time: number;
  private readonly variation: Variation;
  private injected = 0;
  private readonly waiting = new Set<PendingCall>();
  private closed = false;

  /** @param variation what must not change a verdict: seeds, epochs, ticks, small delays */
  constructor(setup: TargetSetup, variation: Variation = NO_VARIATION) {
    const { addresses, file } = setup;
    this.variation = variation;
    this.time = variation.start;
    const [device, peer] = memoryPair({
      common: { framing: 'ip', mtu: addresses.mtu },
      a: { name: 'tun0', gsoMaxSize: GSO_MAX_SIZE },
    });
    this.peer = peer;
    const v6 = addresses.wire === 'ipv6';
    this.stack = createStack({
      links: [device],
      addresses: [{ address: addresses.local, prefix: addresses.prefix }],
      routes: [
        { destination: `${addresses.remote}/${v6 ? 128 : 32}` },
        { destination: v6 ? 'default6' : 'default' },
      ],
      clock: () => this.time,
      seed: variation.seed,
      secrets: fixedSecrets(0x6e63_6861 ^ (variation.seed - 1)),
      timestampEpoch: variation.timestampEpoch,
      config: { hz: variation.hz },
      ...(variation.isn === null ? {} : { fixedInitialSequence: variation.isn }),
      files: { read: (path) => this.shell.files.read(path) ?? null },
    });
    this.host = new StackShellHost(
      this.stack,
      (microseconds) => {
        this.pass(microseconds);
      },
      helperFileReader(file),
    );
    this.shell = new Shell(this.host);
  }

  now(): number {
    return this.time;
  }

  advance(until: number): number {
    let turns = 0;
    while (!this.closed) {
      const next = this.stack.nextTimeout();
      if (!(next < until)) {
        this.time = Math.max(this.time, until);
        break;
      }
      if (next > this.time) {
        this.time = next;
        turns = 0;
      } else if (++turns > MOST_TURNS_AT_ONE_TIME) {
        throw new Error(`the stack asks to be run at ${next} µs for ever`);
      }
      this.stack.run(this.time);
      if (this.peer.pending > 0 || this.hasReturned()) break;
    }
    return this.time;
  }

  call(name: string, args: readonly unknown[]): PendingCall {
    const pending = callPosix(this.stack.posix, name, args, () => this.time);
    this.stack.run(this.time);
    if (pending.result === null) this.waiting.add(pending);
    return pending;
  }

  inject(packet: Uint8Array): void {
    // A delay that differs from packet to packet and is the same in every run.
    if (this.variation.delay > 0) this.pass((this.injected++ * 377) % (this.variation.delay + 1));
    this.peer.sendFrame(this.time, packet);
    this.stack.run(this.time);
  }

  take(): CapturedPacket[] {
    const packets: CapturedPacket[] = [];
    for (let frame = this.peer.takeFrame(this.time); frame; frame = this.peer.takeFrame(this.time)) {
      packets.push({ time: frame.time, bytes: frame.bytes });
    }
    return packets;
  }

  info(fd: number): Record<string, number> {
    const { posix } = this.stack;
    return { ...posix.memInfo(fd), ...posix.ccInfo(fd), ...posix.tcpInfo(fd) };
  }

  command(text: string, where: { file: string; line: number }): void {
    try {
      this.shell.runOrFail(text, where);
    } catch (error) {
      if (!(error instanceof ShellError)) throw error;
      if (error.cause instanceof TargetUnsupported) throw error.cause;
      throw error.code === 'LACKING' ? new TargetUnsupported(error.problem) : new Error(error.problem);
    }
    this.stack.run(this.time);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.stack.close();
  }

  /** For `sleep` in a command: time passes with everything that is due in it. */
  private pass(microseconds: number): void {
    const until = this.time + microseconds;
    while (this.time < until) this.advance(until);
  }

  private hasReturned(): boolean {
    for (const pending of this.waiting) {
      if (pending.result === null) continue;
      this.waiting.delete(pending);
      return true;
    }
    return false;
  }
}
