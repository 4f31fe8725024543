// One connection of a differential run on either target: makes calls and packets of steps, keeps the numbers of both ends,
// and writes down what the target does. Knows nothing of time beyond the stamps that it is given.

import { buildPacket } from '../../conformance/runner/build.js';
import { ACK, type DecodedPacket, decodePacket, RST, SYN } from '../../conformance/runner/decode.js';
import { packetText } from '../../conformance/runner/print-packet.js';
import { OPTION_SACK, OPTION_TIMESTAMP, u32At } from '../../conformance/runner/tcp-options.js';
import type { CallResult } from '../../conformance/targets/target.js';
import { callArguments, returnText } from './calls.js';
import { packetOf } from './packets.js';
import type { Action, CallRef, NumberedStep, Observation, Program, Segment, Trace } from './program.js';
import { resolve } from './resolve.js';

/** What a connection is played on. */
export interface Host {
  readonly name: string;
  call(name: string, args: readonly unknown[]): CallResult;
  inject(packet: Uint8Array): void;
  info(fd: number): Record<string, number>;
}

export interface Ends {
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
  readonly family: 'ipv4' | 'ipv6';
}

/** The remote's initial sequence number on the wire: any; this one shows when somebody forgets to subtract it. */
const REMOTE_ISN = 0x1000_0000;
/** µs by which a time read off a timestamp may be wrong. */
const CLOCK_GRAIN = 5_000;

export class Connection {
  readonly program: Program;
  readonly ends: Ends;
  readonly host: Host;
  private readonly seen: Observation[] = [];
  private readonly steps: NumberedStep[] = [];
  listener = -1;
  fd = -1;
  /** The local initial sequence number; null before it was seen. */
  localIsn: number | null = null;
  /** Behind everything that the local end has sent, in its own numbers (its SYN is 0). */
  localNext = 0;
  /** What the remote has acknowledged. */
  una = 0;
  /** Behind what the remote has sent in order. */
  remoteNext = 0;
  /** The right edge that the local end advertised, and its scale. */
  edge = 0;
  localScale = 0;
  mss = 536;
  timestamps = false;
  sackOk = false;
  /** TSval of each outbound packet that had one. */
  readonly values: number[] = [];
  private clock: { readonly tsVal: number; readonly at: number } | null = null;

  constructor(program: Program, ends: Ends, host: Host) {
    this.program = program;
    this.ends = ends;
    this.host = host;
  }

  get trace(): Trace {
    return { target: this.host.name, steps: this.steps, seen: this.seen };
  }

  /** True when a packet from the target is of this connection. */
  owns(packet: DecodedPacket): boolean {
    const { transport, ip } = packet;
    if (transport.kind !== 'tcp' || ip === null) return false;
    return (
      transport.sourcePort === this.ends.local.port && transport.destinationPort === this.ends.remote.port
    );
  }

  /** A packet of this connection has left the target. */
  onPacket(bytes: Uint8Array, at: number): void {
    const packet = decodePacket(bytes, at);
    const tcp = packet.transport;
    if (tcp.kind !== 'tcp') return;
    // A SYN with another number is the beginning of another connection.
    if (tcp.flags & SYN) this.localIsn = tcp.sequence;
    const isn = this.localIsn ?? 0;
    // A RST of number 0 answers what had no acknowledgement (RFC 9293, section 3.10.7.1): the number is no number of the flow.
    const number = tcp.flags & RST && tcp.sequence === 0 ? 0 : (tcp.sequence - isn) >>> 0;
    const relative = { ...tcp, sequence: number };
    if (tcp.flags & ACK) {
      relative.ack = (tcp.ack - REMOTE_ISN) >>> 0;
      relative.options = tcp.options.map((o) => (o.kind === OPTION_SACK ? shiftSack(o) : o));
    }
    let tsVal: number | null = null;
    let left = at;
    for (const o of tcp.options) {
      if (o.kind === 3 && tcp.flags & SYN) this.localScale = o.data[0]!;
      if (o.kind === OPTION_TIMESTAMP && o.length === 10) {
        tsVal = u32At(o.data, 0);
        this.values.push(tsVal);
        left = this.whenSent(tsVal, at);
      }
    }
    const length = packet.payloadLength + (tcp.flags & SYN ? 1 : 0) + (tcp.flags & 1);
    this.localNext = Math.max(this.localNext, (relative.sequence + length) | 0);
    if (tcp.flags & ACK && !(tcp.flags & 4)) {
      const scale = tcp.flags & SYN ? 0 : this.localScale;
      this.edge = Math.max(this.edge, relative.ack + tcp.window * 2 ** scale);
    }
    const text = packetText({ ...packet, transport: relative });
    this.seen.push({ kind: 'packet', at: left, text, tsVal });
  }

  /** A busy machine reads packets late; a timestamp says when one was sent. Small differences are the clock's grain. */
  private whenSent(tsVal: number, at: number): number {
    this.clock ??= { tsVal, at };
    const sent = this.clock.at + ((tsVal - this.clock.tsVal) | 0) * 1e3;
    return sent < at - CLOCK_GRAIN ? sent : at;
  }

  /** Before the first step: the sockets. */
  open(): void {
    for (const [name, ...args] of openingCalls(this.program, this.ends)) {
      const result = this.host.call(
        name as string,
        args.map((a) => (a === 'fd' ? this.base : a)),
      );
      if (name === 'socket') {
        if (this.program.role === 'server') this.listener = result.value;
        else this.fd = result.value;
      }
      if (result.value < 0) throw new Error(`${this.host.name}: ${String(name)} failed: ${result.errno}`);
    }
  }

  private get base(): number {
    return this.program.role === 'server' ? this.listener : this.fd;
  }

  /** The info that is compared, as it is before the next step. */
  sample(at: number): void {
    if (this.fd < 0) return;
    const step = this.steps.length;
    this.seen.push({ kind: 'info', at, step, info: this.host.info(this.fd) });
  }

  /** Does a step of the program: numbers first, then the deed. */
  perform(index: number, at: number): void {
    const action = resolve(this.program.steps[index]!.action, this, at);
    this.replay({ at, action });
  }

  /** Does what was done on the other target. */
  replay(step: NumberedStep): void {
    this.steps.push(step);
    const { action, at } = step;
    if (action.do === 'call') this.call(action, at);
    else this.send(action);
  }

  /** Descriptors closed, the connection reset: nothing of it stays behind. */
  end(): void {
    for (const fd of [this.fd, this.listener]) if (fd >= 0) this.host.call('close', [fd]);
    if (this.localIsn !== null) {
      this.send({ ...NOTHING, flags: 'R.', sequence: this.remoteNext, ack: this.localNext });
      const ahead = { ...NOTHING, flags: 'R', sequence: this.remoteNext };
      this.send(ahead);
    }
  }

  private call(action: CallRef, at: number): void {
    const step = this.steps.length - 1;
    const note = (text: string): void => {
      this.seen.push({ kind: 'return', at, step, text });
    };
    const fd = action.name === 'accept' ? this.listener : this.fd;
    if (fd < 0) {
      note('no descriptor');
      return;
    }
    const [name, args] = callArguments(action, fd, this.ends);
    const result = this.host.call(name, args);
    if (action.name === 'accept' && result.value >= 0) {
      this.fd = result.value;
      this.host.call('fcntl', [this.fd, 4, 0o4000]);
      note('a descriptor');
      return;
    }
    if (action.name === 'close') this.fd = -1;
    note(returnText(action, result));
  }

  private send(action: Exclude<Action, CallRef>): void {
    const isn = this.localIsn ?? 0;
    if (action.do === 'segment') this.note(action);
    const echo = (index: number): number => this.values[index] ?? this.values.at(-1) ?? 0;
    const number =
      (base: number) =>
      (value: number): number =>
        (value + base) >>> 0;
    const bytes = buildPacket(packetOf(action, echo, this.ends.family), {
      md5Secret: null,
      mapping: {
        source: this.ends.remote,
        destination: this.ends.local,
        remoteSequence: number(REMOTE_ISN),
        localSequence: number(isn),
        sackEdge: number(isn),
        echoReply: (value) => value,
      },
    });
    this.host.inject(bytes);
  }

  /** Keeps count of what the remote has said. */
  private note(s: Segment): void {
    const syn = s.flags.includes('S') ? 1 : 0;
    const end = s.sequence + s.length + syn + (s.flags.includes('F') ? 1 : 0);
    if (s.sequence <= this.remoteNext && !s.flags.includes('R'))
      this.remoteNext = Math.max(this.remoteNext, end);
    if (s.flags.includes('.') && s.ack > this.una && s.ack <= this.localNext) this.una = s.ack;
    if (syn) this.mss = Math.min(s.mss ?? 536, 1460) - (this.timestamps ? 12 : 0);
  }
}

const NOTHING: Segment = {
  ...{ do: 'segment', flags: '', sequence: 0, length: 0, ack: 0, window: 0, urgent: 0, ecn: 0 },
  ...{ mss: null, wscale: null, sackOk: false, timestamp: null, sack: [] },
};

const AF = { ipv4: 2, ipv6: 10 } as const;
const SOCK_STREAM_NONBLOCK = 1 | 0o4000;

/** Calls before the first step; `fd` stands for the socket. */
export function openingCalls(program: Program, ends: Ends): (readonly unknown[])[] {
  const family = AF[ends.family];
  const one = Uint8Array.of(1, 0, 0, 0);
  const calls: (readonly unknown[])[] = [
    ['socket', family, SOCK_STREAM_NONBLOCK, 6],
    ['setsockopt', 'fd', 1, 2, one, 4],
    ['bind', 'fd', { family, ...ends.local }],
  ];
  if (program.role === 'server') calls.push(['listen', 'fd', 8]);
  return calls;
}

function shiftSack<O extends { readonly data: Uint8Array }>(option: O): O {
  const data = Uint8Array.from(option.data);
  const view = new DataView(data.buffer);
  for (let o = 0; o + 4 <= data.length; o += 4) view.setUint32(o, (u32At(data, o) - REMOTE_ISN) >>> 0);
  return { ...option, data };
}
