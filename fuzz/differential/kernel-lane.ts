// A thread with a network namespace of its own that plays programs on the kernel, many at a time: nearly all of a program
// is waiting. Each has a port pair of its own on the one TUN device. All calls are non-blocking, so that none waits for
// another.

import { parentPort, workerData } from 'node:worker_threads';
import { decodePacket } from '../../conformance/runner/decode.js';
import { ScriptDevice } from '../../conformance/targets/linux/device.js';
import { makeCall } from '../../conformance/targets/linux/make-call.js';
import { LinuxShellHost } from '../../conformance/targets/linux/shell-host.js';
import { decodeMemInfo, decodeTcpInfo } from '../../conformance/targets/linux/tcp-info.js';
import type { CallResult, TargetAddresses } from '../../conformance/targets/target.js';
import { unshareNetwork } from '../../stack/link/linux/namespace.js';
import { NativeMemory } from '../../stack/link/linux/native-memory.js';
import { POLLIN, PollSet } from '../../stack/link/linux/poll.js';
import { Connection, type Host } from './connection.js';
import type { Program, Trace } from './program.js';
import { type Sysctls, USUAL } from './surroundings.js';

export interface LaneSetup {
  readonly addresses: TargetAddresses;
}

/** From main to lane: what to play, and under which sysctls; no programs: the end. */
export interface LaneTask {
  readonly programs: readonly Program[];
  readonly sysctls: Sysctls;
}

/** From lane to main: the traces of a batch, in its order; an error ends the lane. */
export type LaneReply = { readonly traces: readonly Trace[] } | { readonly error: string };

const SOL_SOCKET = 1;
const SO_MEMINFO = 55;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const TCP_CONGESTION = 13;
const MEMORY = 32 << 20;
/** Ports of the first program of a lane. */
const FIRST_LOCAL = 8080;
const FIRST_REMOTE = 20_001;
/** How long a program is watched behind its last step, µs. */
const TAIL = 300_000;
/** Longest stay in poll, µs. */
const SLICE = 100_000;

/** Between two programs that start together, µs: their events do not fall on one moment. */
const STAGGER = 7_000;

/** Each program has a remote address of its own: what the kernel learns of a path stays with it. */
const REMOTES = { ipv4: '198.18.0.0/15', ipv6: 'fd3d:fa7b:d17d::/48' } as const;

function remoteAddress(wire: 'ipv4' | 'ipv6', index: number): string {
  const [high, low] = [(index + 1) >> 8, (index + 1) & 0xff];
  return wire === 'ipv4' ? `198.18.${high}.${low}` : `fd3d:fa7b:d17d::${(index + 1).toString(16)}`;
}

class Run {
  readonly connection: Connection;
  readonly start: number;
  next = 0;
  done = false;
  due: number;

  constructor(connection: Connection, start: number) {
    this.connection = connection;
    this.start = start;
    this.due = start + connection.program.steps[0]!.wait * 1e3;
  }
}

class KernelLane implements Host {
  readonly name = 'linux';
  private readonly device: ScriptDevice;
  private readonly memory = new NativeMemory(MEMORY);
  private readonly poll: PollSet;
  private readonly addresses: TargetAddresses;
  private readonly shell = new LinuxShellHost('cubic', () => null);
  private count = 0;

  constructor({ addresses }: LaneSetup) {
    this.addresses = addresses;
    unshareNetwork();
    this.device = new ScriptDevice({ ...addresses, remote: REMOTES[addresses.wire] });
    this.poll = new PollSet([{ fd: this.device.fd, events: POLLIN }]);
  }

  private readonly now = (): number => Number(process.hrtime.bigint()) / 1e3;

  call(name: string, args: readonly unknown[]): CallResult {
    const result = makeCall(this.memory, name, args);
    if (result === null) throw new Error(`no call ${name}`);
    if (name === 'socket' && result.value >= 0) {
      const cubic = new TextEncoder().encode('cubic');
      makeCall(this.memory, 'setsockopt', [result.value, IPPROTO_TCP, TCP_CONGESTION, cubic, cubic.length]);
    }
    return result;
  }

  inject(packet: Uint8Array): void {
    this.device.write(packet, 0);
    this.drain();
  }

  info(fd: number): Record<string, number> {
    const read = (level: number, name: number, room: number): Uint8Array | null => {
      const result = makeCall(this.memory, 'getsockopt', [fd, level, name, room])!;
      return result.value < 0 ? null : (result.out![0] as Uint8Array);
    };
    const [tcp, memory] = [read(IPPROTO_TCP, TCP_INFO, 512), read(SOL_SOCKET, SO_MEMINFO, 64)];
    return { ...(tcp && decodeTcpInfo(tcp)), ...(memory && decodeMemInfo(memory)) };
  }

  private runs: Run[] = [];
  private readonly byPort = new Map<number, Run>();

  /** Plays programs side by side and returns their traces. */
  play({ programs, sysctls }: LaneTask): Trace[] {
    for (const [name, value] of Object.entries({ ...USUAL, ...sysctls })) this.shell.setSysctl(name, value);
    const { local, wire } = this.addresses;
    const begin = this.now() + 20_000;
    this.byPort.clear();
    this.runs = programs.map((program, i) => {
      const index = this.count++;
      const ends = {
        local: { address: local, port: FIRST_LOCAL + (index % 10_000) },
        remote: { address: remoteAddress(wire, index % 10_000), port: FIRST_REMOTE + (index % 10_000) },
        family: wire,
      };
      const run = new Run(new Connection(program, ends, this), begin + i * STAGGER);
      this.byPort.set(ends.local.port, run);
      run.connection.open();
      return run;
    });
    for (let left = this.runs.length; left > 0; left = this.runs.filter((r) => !r.done).length) this.turn();
    const traces = this.runs.map((r) => r.connection.trace);
    for (const run of this.runs) run.connection.end();
    this.drain();
    return structuredClone(traces);
  }

  private turn(): void {
    this.drain();
    let next = Number.POSITIVE_INFINITY;
    for (const run of this.runs) {
      while (!run.done && run.due <= this.now()) this.step(run);
      if (!run.done) next = Math.min(next, run.due);
    }
    const left = next - this.now();
    if (left > 0 && left !== Number.POSITIVE_INFINITY) this.poll.waitMicros(Math.min(SLICE, left));
  }

  private step(run: Run): void {
    const { connection } = run;
    this.drain();
    const at = this.now() - run.start;
    connection.sample(at);
    if (run.next === connection.program.steps.length) {
      run.done = true;
      return;
    }
    connection.perform(run.next++, at);
    const wait = connection.program.steps[run.next]?.wait;
    // Waits count from when the step really happened: what a late step leaves to the timers is what the next one finds.
    run.due = this.now() + (wait === undefined ? TAIL : wait * 1e3);
    this.drain();
  }

  private drain(): void {
    for (let packet = this.device.read(this.now); packet; packet = this.device.read(this.now)) {
      const tcp = decodePacket(packet.bytes, 0).transport;
      const run = tcp.kind === 'tcp' ? this.byPort.get(tcp.sourcePort) : undefined;
      if (run && !run.done && run.connection.owns(decodePacket(packet.bytes, 0)))
        run.connection.onPacket(packet.bytes, packet.time - run.start);
    }
  }

  close(): void {
    this.device.close();
    this.memory.free();
  }
}

if (parentPort !== null) serve(workerData as LaneSetup);

function serve(setup: LaneSetup): void {
  const port = parentPort!;
  let lane: KernelLane | null = null;
  port.on('message', (task: LaneTask) => {
    if (task.programs.length === 0) {
      lane?.close();
      port.close();
      return;
    }
    let reply: LaneReply;
    try {
      lane ??= new KernelLane(setup);
      reply = { traces: lane.play(task) };
    } catch (error) {
      reply = { error: (error as Error).stack ?? String(error) };
    }
    port.postMessage(reply);
  });
}
