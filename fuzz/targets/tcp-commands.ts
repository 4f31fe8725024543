// What the `tcp` target does to a connection: its setting and its commands, as plain JSON, and their generators. Numbers
// near the boundaries of sequence space, windows and sizes are frequent. Knows no stack.

import * as fc from 'fast-check';
import { ACK, FIN, PSH, RST, SYN, URG } from '../packets.js';

export interface TcpSetting {
  readonly v6: boolean;
  readonly active: boolean;
  /** The harness does the handshake before the first command. */
  readonly handshake: boolean;
  readonly peerIss: number;
  /** 0: no option. */
  readonly mss: number;
  /** -1: no option. */
  readonly wscale: number;
  readonly sack: boolean;
  readonly timestamps: boolean;
  readonly window: number;
  readonly mtu: number;
  /** 0: the default. */
  readonly sendBuffer: number;
  readonly receiveBuffer: number;
  readonly buffers: number;
  readonly sysctls: readonly (readonly [string, string])[];
}

/** A segment relative to what the peer knows: sequence and acknowledgment numbers are offsets from one of its variables. */
export interface SegmentCommand {
  readonly op: 'segment';
  readonly flags: number;
  readonly seqFrom: 'next' | 'acked' | 'edge' | 'zero';
  readonly seq: number;
  readonly ackFrom: 'all' | 'una' | 'zero';
  readonly ack: number;
  readonly length: number;
  readonly window: number;
  readonly stamp: 'right' | 'old' | 'future' | 'none';
  readonly urgent: number;
}

export type TcpCommand =
  | SegmentCommand
  | { readonly op: 'write' | 'read'; readonly n: number }
  | { readonly op: 'close' }
  | { readonly op: 'shutdown'; readonly how: number }
  | { readonly op: 'option'; readonly name: OptionName; readonly value: number }
  | { readonly op: 'ack'; readonly window: number; readonly parts: number }
  | { readonly op: 'sack'; readonly from: number; readonly to: number }
  /** The peer takes in what has come, but for the segments of which `lost` has the bit, and says so as a receiver does. */
  | { readonly op: 'receive'; readonly lost: number }
  /** The stream goes on, or on from what the stack acknowledges, in pieces that come in any order. */
  | {
      readonly op: 'burst';
      readonly acked: boolean;
      readonly sizes: readonly number[];
      readonly order: number;
    }
  | { readonly op: 'data'; readonly n: number; readonly gap: number }
  | { readonly op: 'fin' }
  | { readonly op: 'again'; readonly which: number; readonly times: number }
  | { readonly op: 'sameAck'; readonly times: number }
  | { readonly op: 'time'; readonly us: number }
  | {
      readonly op: 'icmp';
      readonly type: number;
      readonly code: number;
      readonly mtu: number;
      readonly seq: number;
    }
  | { readonly op: 'sysctl'; readonly name: string; readonly value: string };

export interface TcpInput {
  readonly setting: TcpSetting;
  readonly commands: readonly TcpCommand[];
}

export type OptionName =
  | 'nodelay'
  | 'cork'
  | 'keepalive'
  | 'keepidle'
  | 'userTimeout'
  | 'linger'
  | 'rcvbuf'
  | 'sndbuf'
  | 'lowat'
  | 'quickack';

const SYSCTLS: readonly (readonly [string, readonly string[]])[] = [
  ['net.ipv4.tcp_sack', ['0', '1']],
  ['net.ipv4.tcp_timestamps', ['0', '1']],
  ['net.ipv4.tcp_window_scaling', ['0', '1']],
  ['net.ipv4.tcp_recovery', ['0', '1']],
  ['net.ipv4.tcp_early_retrans', ['0', '3']],
  ['net.ipv4.tcp_ecn', ['0', '1', '2']],
  ['net.ipv4.tcp_congestion_control', ['reno', 'cubic', 'bbr']],
  ['net.ipv4.tcp_frto', ['0', '2']],
  ['net.ipv4.tcp_autocorking', ['0', '1']],
  ['net.ipv4.tcp_moderate_rcvbuf', ['0', '1']],
  ['net.ipv4.tcp_rmem', ['4096 8192 16384', '4096 131072 6291456']],
  ['net.ipv4.tcp_wmem', ['4096 8192 16384', '4096 16384 4194304']],
  ['net.ipv4.tcp_mem', ['1 2 4', '100 200 300', '100000 200000 300000']],
  ['net.ipv4.tcp_mtu_probing', ['0', '2']],
  ['net.ipv4.tcp_slow_start_after_idle', ['0', '1']],
  ['net.ipv4.tcp_syncookies', ['0', '1', '2']],
  ['net.ipv4.tcp_tw_reuse', ['0', '1']],
  ['net.ipv4.tcp_retries2', ['2', '15']],
  ['net.ipv4.tcp_fin_timeout', ['1', '60']],
];

const sysctl = fc
  .constantFrom(...SYSCTLS)
  .chain(([name, values]) => fc.constantFrom(...values).map((value) => [name, value] as const));
const size = fc.oneof(
  fc.constantFrom(1, 2, 536, 1000, 1448, 1460, 1461, 2920, 10_000),
  fc.integer({ min: 1, max: 40_000 }),
);
const small = fc.oneof(fc.constantFrom(0, 1, 2, 100, 536, 1000, 1400, 1448, 1460), fc.nat(1460));
const delta = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0, 1, -1, 2, -2) },
  { weight: 2, arbitrary: fc.constantFrom(100, -100, 1000, -1000, 1460, -1460, 65_535, -65_536) },
  { weight: 1, arbitrary: fc.constantFrom(0x7fffffff, -0x7fffffff, -0x80000000, 0x40000000) },
  { weight: 1, arbitrary: fc.integer({ min: -100_000, max: 100_000 }) },
);
const window = fc.oneof(fc.constantFrom(0, 1, 10, 1000, 5000, 65_535), fc.nat(65_535));
const flags = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(ACK, ACK | PSH, ACK | FIN, RST, RST | ACK, SYN, SYN | ACK) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(0, FIN, ACK | URG, SYN | FIN, SYN | RST, ACK | 0x40, ACK | 0x80, SYN | 0xc0),
  },
  { weight: 1, arbitrary: fc.nat(0x1ff) },
);

const segment: fc.Arbitrary<SegmentCommand> = fc.record({
  op: fc.constant('segment' as const),
  flags,
  seqFrom: fc.constantFrom('next', 'next', 'acked', 'edge', 'zero'),
  seq: delta,
  ackFrom: fc.constantFrom('all', 'all', 'una', 'zero'),
  ack: delta,
  length: fc.oneof(fc.constant(0), small),
  window,
  stamp: fc.constantFrom('right', 'right', 'right', 'old', 'future', 'none'),
  urgent: fc.constantFrom(0, 0, 0, 1, 1000, 65_535),
});

const time = fc.oneof(
  fc.constantFrom(0, 1, 1000, 40_000, 200_000, 1_000_000, 3_000_000, 60_000_000),
  fc.nat(2_000_000),
  fc.nat(300_000_000),
);

/** What programs and a well-meaning peer do. */
const friendly: readonly fc.WeightedArbitrary<TcpCommand>[] = [
  { weight: 5, arbitrary: fc.record({ op: fc.constant('write' as const), n: size }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('read' as const), n: size }) },
  {
    weight: 5,
    arbitrary: fc.record({ op: fc.constant('ack' as const), window, parts: fc.constantFrom(1, 1, 2, 3) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ op: fc.constant('sack' as const), from: fc.nat(100), to: fc.nat(100) }),
  },
  {
    weight: 3,
    arbitrary: fc
      .oneof(fc.constantFrom(0, 1, 2, 5, 0x3fffffff), fc.nat(0x3fffffff))
      .map((lost) => ({ op: 'receive' as const, lost })),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('burst' as const),
      acked: fc.boolean(),
      sizes: fc.array(
        fc.oneof(fc.constantFrom(1, 2, 10, 100, 1000, 1448), fc.integer({ min: 1, max: 1460 })),
        {
          minLength: 2,
          maxLength: 6,
        },
      ),
      order: fc.nat(728),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('data' as const),
      n: small,
      gap: fc.constantFrom(0, 0, 0, 1, 100, 1448, 5000, 60_000, -1, -100),
    }),
  },
  { weight: 5, arbitrary: time.map((us) => ({ op: 'time' as const, us })) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('option' as const),
      name: fc.constantFrom<OptionName>(
        'nodelay',
        'cork',
        'keepalive',
        'keepidle',
        'userTimeout',
        'linger',
        'rcvbuf',
        'sndbuf',
        'lowat',
        'quickack',
      ),
      value: fc.constantFrom(0, 1, 2, 10, 1000, 5000, 100_000),
    }),
  },
];

/** What ends connections, or tries to. */
const hostile: readonly fc.WeightedArbitrary<TcpCommand>[] = [
  { weight: 6, arbitrary: segment },
  { weight: 1, arbitrary: fc.constant({ op: 'close' as const }) },
  { weight: 1, arbitrary: fc.constant({ op: 'fin' as const }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('shutdown' as const), how: fc.nat(2) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('again' as const),
      which: fc.nat(30),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant('sameAck' as const), times: fc.integer({ min: 2, max: 12 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('icmp' as const),
      type: fc.constantFrom(3, 3, 3, 4, 5, 11, 12),
      code: fc.nat(15),
      mtu: fc.constantFrom(0, 68, 100, 552, 1280, 1400, 65_535),
      seq: delta,
    }),
  },
  { weight: 1, arbitrary: sysctl.map(([name, value]) => ({ op: 'sysctl' as const, name, value })) },
];

// Near both places where 32-bit arithmetic can go wrong: within a byte, a segment, a burst, a window.
const iss = fc.oneof(
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(0x100000000, 0x80000000), fc.constantFrom(0, 1, 2, 16, 600, 2000, 5000, 65_536))
      .map(([edge, below]) => (edge - below) >>> 0),
  },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffffffff }) },
);

export const tcpInput: fc.Arbitrary<TcpInput> = fc.record({
  setting: fc.record({
    v6: fc.boolean(),
    active: fc.boolean(),
    handshake: fc.constantFrom(true, true, true, false),
    peerIss: iss,
    mss: fc.constantFrom(1460, 1460, 1440, 1000, 536, 88, 48, 1, 0, 65_535),
    wscale: fc.constantFrom(-1, 0, 7, 7, 14, 200),
    sack: fc.boolean(),
    timestamps: fc.boolean(),
    window: fc.constantFrom(65_535, 65_535, 10_000, 1000, 1, 0),
    mtu: fc.constantFrom(1500, 1500, 1280, 9000),
    sendBuffer: fc.constantFrom(0, 0, 2304, 20_000, 200_000),
    receiveBuffer: fc.constantFrom(0, 0, 1152, 4000, 20_000, 200_000),
    buffers: fc.constantFrom(256, 256, 32),
    sysctls: fc.array(sysctl, { maxLength: 2 }),
  }),
  // Among friends a connection lives long enough to come into deep states.
  commands: fc.oneof(
    { weight: 3, arbitrary: fc.array(fc.oneof(...friendly, ...hostile), { maxLength: 40, size: 'max' }) },
    { weight: 2, arbitrary: fc.array(fc.oneof(...friendly), { maxLength: 40, size: 'max' }) },
  ),
});
