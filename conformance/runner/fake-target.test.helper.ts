// A target for tests of the runner: it sends given packets at given times and answers calls as a test says.

import type { PacketBody } from '../language/ast.js';
import { parseScript } from '../language/index.js';
import { HollowTarget } from '../targets/hollow.js';
import type { CallResult, PendingCall } from '../targets/target.js';
import { buildPacket } from './build.js';
import type { RunResult } from './result.js';
import { type RunOptions, runScript, type TargetSetup } from './run.js';

/** A packet that the target sends: in a script's words, with the wire's own numbers. */
export interface Emission {
  /** µs of target time. */
  at: number;
  text?: string;
  bytes?: Uint8Array;
  /** Default 8080 > 52001, the first connection's. */
  ports?: [from: number, to: number];
  /** Bytes to change after building: offset to value. */
  patch?: Record<number, number>;
}

export type CallHandler = (
  name: string,
  args: readonly unknown[],
  now: number,
) => CallResult | PendingCall | undefined;

export class FakeTarget extends HollowTarget {
  override readonly name = 'fake';
  readonly injected: Uint8Array[] = [];
  readonly calls: [string, readonly unknown[]][] = [];
  readonly commands: string[] = [];
  closed = 0;
  tcpInfo: Record<string, number> = {};
  failCommand: string | null = null;
  /** Times at which something happens that ends a wait: a call returns. */
  stops: number[] = [];
  private readonly pendingOut: { at: number; bytes: Uint8Array }[];
  private readonly handler: CallHandler;

  constructor(setup: TargetSetup, emissions: readonly Emission[], handler: CallHandler = () => undefined) {
    super();
    this.handler = handler;
    this.pendingOut = emissions
      .map((e) => ({ at: e.at, bytes: e.bytes ?? packetBytes(e, setup) }))
      .sort((a, b) => a.at - b.at);
  }

  override advance(until: number): number {
    const next = this.pendingOut[0];
    if (next && next.at < until) {
      this.time = Math.max(this.time, next.at);
      this.pendingOut.shift();
      this.outgoing.push({ time: next.at, bytes: next.bytes });
      return this.time;
    }
    const stop = this.stops.find((t) => t > this.time && t < until);
    return super.advance(stop ?? until);
  }

  override call(name: string, args: readonly unknown[]): PendingCall {
    this.calls.push([name, args]);
    const answer = this.handler(name, args, this.time);
    if (answer === undefined) return super.call(name, args);
    return 'value' in answer ? { result: answer, returnedAt: this.time } : answer;
  }

  override inject(packet: Uint8Array): void {
    this.injected.push(packet);
  }

  override info(): Record<string, number> {
    return this.tcpInfo;
  }

  override command(text: string): void {
    this.commands.push(text);
    if (this.failCommand !== null && text.includes(this.failCommand)) throw new Error(`${text} failed`);
  }

  override close(): void {
    this.closed++;
  }
}

/** Bytes of an outbound packet in a script's words, sent by the local end. */
export function packetBytes(e: Emission, setup: TargetSetup): Uint8Array {
  const packet = parseScript(`0 < ${e.text}`).events[0]!.body as PacketBody;
  const [from, to] = e.ports ?? [8080, 52_001];
  const same = (v: number): number => v;
  const bytes = buildPacket(packet, {
    md5Secret: null,
    mapping: {
      source: { address: setup.addresses.local, port: from },
      destination: { address: setup.addresses.remote, port: to },
      remoteSequence: same,
      localSequence: same,
      sackEdge: same,
      echoReply: same,
    },
  });
  for (const [at, value] of Object.entries(e.patch ?? {})) bytes[Number(at)] = value;
  return bytes;
}

export interface FakeRun {
  result: RunResult;
  target: FakeTarget;
}

/** Runs a script against a target that sends `emissions`. */
export async function runFake(
  script: string,
  emissions: readonly Emission[] = [],
  options: Partial<RunOptions> & { handler?: CallHandler; prepare?: (t: FakeTarget) => void } = {},
): Promise<FakeRun> {
  let target: FakeTarget | undefined;
  const { handler, prepare, ...rest } = options;
  const result = await runScript(script, {
    file: 'test.pkt',
    target: (setup) => {
      target = new FakeTarget(setup, emissions, handler);
      prepare?.(target);
      return target;
    },
    ...rest,
  });
  return { result, target: target! };
}

/** A listener and its first SYN; the target's initial sequence number in the emissions is 1000. */
export const LISTEN = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000 <mss 1000>
`;
export const SYNACK = 'S. 1000:1000(0) ack 1 win 5000 <mss 1460>';
/** LISTEN, the handshake, and an accepted connection. */
export const ESTABLISHED = `${LISTEN}+0 > S. 0:0(0) ack 1 win 5000 <mss 1460>
+0 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
`;
export const acceptAll: CallHandler = (name) =>
  name === 'accept' ? { value: 7, out: [{ family: 2, address: '192.0.2.1', port: 52_001 }] } : undefined;
