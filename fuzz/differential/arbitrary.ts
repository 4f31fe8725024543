// Programs by chance, biased so that most of them come deep into a connection's life: a handshake that usually succeeds,
// then a mix of calls and segments in one of several manners.

import * as fc from 'fast-check';
import type { ActionRef, CallRef, Program, SegmentRef, Step, SynRef } from './program.js';

/** Milliseconds between steps: none falls where one of Linux's timers would (40, 200, 1000 and their doubles). */
const WAITS = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 6, arbitrary: fc.constantFrom(10, 20) },
  { weight: 4, arbitrary: fc.constantFrom(80, 120) },
  { weight: 2, arbitrary: fc.constantFrom(310, 520) },
  { weight: 1, arbitrary: fc.constantFrom(1300) },
);
const ROUND_TRIP = fc.constantFrom(0, 20, 60, 100);

const call = (name: CallRef['name'], more: Partial<CallRef> = {}): CallRef => ({
  ...{ do: 'call', name, value: 0, flags: 0, option: '' },
  ...more,
});

const MSG_OOB = 1;
const MSG_EOR = 0x80;
const MSG_MORE = 0x8000;
const MSG_NOSIGNAL = 0x4000;
const MSG_DONTWAIT = 0x40;

const writes = fc
  .record({
    value: fc.oneof(
      fc.constantFrom(1, 100, 999, 1000, 1460, 2000, 3000, 5000, 10_000, 20_000, 40_000),
      fc.integer({ min: 1, max: 70_000 }),
    ),
    flags: fc.oneof(
      { weight: 8, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.constantFrom(MSG_MORE, MSG_EOR, MSG_OOB) },
    ),
  })
  .map(({ value, flags }) => call('write', { value, flags: flags | MSG_NOSIGNAL }));

const reads = fc
  .constantFrom(1, 500, 1000, 4000, 65_536)
  .map((value) => call('read', { value, flags: MSG_DONTWAIT }));

const options = fc
  .oneof(
    fc.tuple(
      fc.constantFrom('TCP_NODELAY', 'TCP_CORK', 'TCP_QUICKACK', 'SO_KEEPALIVE', 'SO_OOBINLINE'),
      fc.constantFrom(0, 1),
    ),
    fc.tuple(fc.constant('TCP_MAXSEG'), fc.constantFrom(88, 500, 1000, 1460)),
    fc.tuple(fc.constant('SO_RCVBUF'), fc.constantFrom(1, 3000, 8000, 20_000, 100_000)),
    fc.tuple(fc.constant('SO_SNDBUF'), fc.constantFrom(1, 5000, 20_000, 100_000)),
    fc.tuple(fc.constant('SO_RCVLOWAT'), fc.constantFrom(1, 2000, 20_000)),
    fc.tuple(fc.constant('SO_LINGER'), fc.constantFrom(0)),
    fc.tuple(fc.constant('TCP_WINDOW_CLAMP'), fc.constantFrom(1000, 3000, 30_000)),
    fc.tuple(fc.constant('TCP_USER_TIMEOUT'), fc.constantFrom(500, 1500)),
    fc.tuple(fc.constant('TCP_LINGER2'), fc.constantFrom(-1, 1)),
    fc.tuple(fc.constant('TCP_KEEPIDLE'), fc.constant(1)),
    fc.tuple(fc.constant('TCP_KEEPINTVL'), fc.constant(1)),
    fc.tuple(fc.constant('TCP_NOTSENT_LOWAT'), fc.constantFrom(1, 4000)),
    fc.tuple(fc.constant('TCP_SYNCNT'), fc.constantFrom(1, 3)),
    fc.tuple(fc.constant('TCP_DEFER_ACCEPT'), fc.constantFrom(1, 5)),
    fc.tuple(fc.constant('TCP_CONGESTION'), fc.constantFrom(0, 1, 2)),
    fc.tuple(fc.constant('TCP_THIN_LINEAR_TIMEOUTS'), fc.constant(1)),
    fc.tuple(fc.constant('TCP_RTO_MAX_MS'), fc.constant(1000)),
    fc.tuple(fc.constant('TCP_RTO_MIN_US'), fc.constantFrom(20_000, 200_000)),
    fc.tuple(fc.constant('TCP_DELACK_MAX_US'), fc.constant(12_000)),
    fc.tuple(fc.constant('SO_MAX_PACING_RATE'), fc.constantFrom(20_000, 1_000_000)),
  )
  .map(([option, value]) => call('set', { option, value }));

const queries = fc.constantFrom(
  ...[call('error'), call('poll'), call('inq'), call('outq'), call('peek', { value: 2000 })],
  ...['TCP_MAXSEG', 'SO_RCVBUF', 'SO_SNDBUF', 'TCP_WINDOW_CLAMP', 'TCP_USER_TIMEOUT'].map((option) =>
    call('get', { option }),
  ),
);

const endings = fc.constantFrom(
  ...[call('shutdown', { value: 1 }), call('shutdown', { value: 1 }), call('shutdown', { value: 0 })],
  ...[call('shutdown', { value: 2 }), call('close'), call('close')],
);

const segment = (more: Partial<SegmentRef>): SegmentRef => ({
  do: 'segment',
  flags: '.',
  sequence: { base: 'next', delta: 0 },
  length: 0,
  ack: { base: 'next', segments: 0, delta: 0 },
  window: 1000,
  urgent: 0,
  timestamp: 'normal',
  sack: [],
  ecn: 0,
  ...more,
});

const window = fc.oneof(
  { weight: 6, arbitrary: fc.constant(1000) },
  { weight: 3, arbitrary: fc.constantFrom(0, 1, 10, 100, 65_535) },
);

const inOrder = fc
  .record({
    length: fc.constantFrom(1, 100, 500, 1000, 1000, 1000, 1460),
    flags: fc.constantFrom('.', 'P.', 'P.'),
    ecn: fc.constantFrom<0 | 2 | 3>(0, 0, 0, 2, 3),
  })
  .map(segment);

const outOfOrder = fc
  .record({
    length: fc.constantFrom(1, 500, 1000, 1000),
    delta: fc.constantFrom(1000, 1000, 2000, 3000, 500, 5000, -500, -1000, -2000),
    flags: fc.constantFrom('.', 'P.', 'F.'),
    base: fc.constantFrom<'next' | 'edge' | 'zero'>('next', 'next', 'next', 'next', 'edge', 'zero'),
  })
  .map(({ length, delta, flags, base }) =>
    segment({ length, flags, sequence: { base, delta: base === 'edge' ? delta - 1000 : delta } }),
  );

const acks = fc
  .record({
    ack: fc.oneof(
      { weight: 4, arbitrary: fc.constant({ base: 'next' as const, segments: 0, delta: 0 }) },
      {
        weight: 6,
        arbitrary: fc
          .integer({ min: 0, max: 6 })
          .map((segments) => ({ base: 'una' as const, segments, delta: 0 })),
      },
      {
        weight: 1,
        arbitrary: fc
          .constantFrom(1, -1, -1000, -100_000, 1000, 200_000)
          .map((delta) => ({ base: 'next' as const, segments: 0, delta })),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom(100, 500).map((delta) => ({ base: 'una' as const, segments: 0, delta })),
      },
    ),
    window,
    flags: fc.constantFrom('.', '.', '.', '.', '.', '.E'),
    timestamp: fc.constantFrom<SegmentRef['timestamp']>(
      ...([
        'normal',
        'normal',
        'normal',
        'normal',
        'normal',
        'normal',
        'old',
        'ahead',
        'zero-echo',
        'none',
      ] as const),
    ),
  })
  .map(segment);

const sacks = fc
  .record({
    segments: fc.integer({ min: 0, max: 2 }),
    sack: fc.array(
      fc
        .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 4 }))
        .map(([from, n]) => [from, from + n] as const),
      { minLength: 1, maxLength: 3 },
    ),
    duplicate: fc.constantFrom(false, false, false, true),
    window,
  })
  .map(({ segments, sack, duplicate, window }) =>
    segment({
      ack: { base: 'una', segments, delta: 0 },
      sack: duplicate ? [[-1, 0] as const, ...sack] : sack,
      window,
    }),
  );

const odd = fc
  .record({
    flags: fc.constantFrom(
      '',
      'S',
      'S.',
      'F',
      'R',
      'R.',
      'F.',
      'FP.',
      'SF',
      'P',
      'U.',
      'SR',
      'PU.',
      'SEW',
      'FSP.',
      'FR.',
      '.W',
    ),
    length: fc.constantFrom(0, 0, 0, 1, 1000),
    delta: fc.constantFrom(0, 0, 0, 1, -1, 1000, -1000, 100_000),
    base: fc.constantFrom<'next' | 'edge' | 'zero'>('next', 'next', 'next', 'edge', 'zero'),
    ackDelta: fc.constantFrom(0, 0, 0, 1, -1, 100_000),
    urgent: fc.constantFrom(0, 0, 1, 500),
    timestamp: fc.constantFrom<SegmentRef['timestamp']>(
      'normal',
      'normal',
      'none',
      'old',
      'stale',
      'future-echo',
    ),
    window,
  })
  .map(({ flags, length, delta, base, ackDelta, urgent, timestamp, window }) =>
    segment({
      ...{ flags, length, timestamp, window },
      urgent: flags.includes('U') ? urgent : 0,
      sequence: { base, delta },
      ack: { base: 'next', segments: 0, delta: ackDelta },
    }),
  );

const old = fc
  .record({
    length: fc.constantFrom(0, 1, 1000),
    timestamp: fc.constantFrom<SegmentRef['timestamp']>('old', 'stale', 'ahead', 'none'),
    delta: fc.constantFrom(0, 0, 1000),
  })
  .map(({ length, timestamp, delta }) =>
    segment({ length, timestamp, flags: 'P.', sequence: { base: 'next', delta } }),
  );

const icmps = fc.record({
  do: fc.constant('icmp' as const),
  type: fc.constantFrom(
    ...([
      'frag_needed',
      'frag_needed',
      'net_unreachable',
      'host_unreachable',
      'port_unreachable',
      'source_quench',
      'time_exceeded',
    ] as const),
  ),
  mtu: fc.constantFrom(1400, 1300, 1280, 1000, 576, 500, 68, 0),
  delta: fc.constantFrom(0, 0, 1000, -1000, 1_000_000),
});

const fins = fc
  .constantFrom('F.', 'F.', 'FP.')
  .chain((flags) => fc.constantFrom(0, 0, 500).map((length) => segment({ flags, length })));
const resets = fc
  .tuple(fc.constantFrom('R', 'R.'), fc.constantFrom(0, 0, 1, 1000, -1))
  .map(([flags, delta]) => segment({ flags, sequence: { base: 'next', delta } }));

const w = <T>(
  weight: number,
  arbitrary: fc.Arbitrary<T>,
): { weight: number; arbitrary: fc.Arbitrary<T> } => ({ weight, arbitrary });

const MANNERS: Readonly<Record<string, fc.Arbitrary<ActionRef>>> = {
  sender: fc.oneof(w(5, writes), w(6, acks), w(6, sacks), w(1, options), w(1, queries), w(1, icmps)),
  receiver: fc.oneof(
    w(6, inOrder),
    w(5, outOfOrder),
    w(3, reads),
    w(1, options),
    w(1, queries),
    w(1, old),
    w(1, writes),
  ),
  ends: fc.oneof(
    w(3, endings),
    w(3, fins),
    w(1, resets),
    w(3, acks),
    w(2, inOrder),
    w(2, writes),
    w(2, reads),
    w(1, queries),
    w(1, outOfOrder),
  ),
  wild: fc.oneof(
    w(4, odd),
    w(2, acks),
    w(2, inOrder),
    w(1, outOfOrder),
    w(2, writes),
    w(1, sacks),
    w(1, icmps),
    w(1, old),
    w(1, reads),
    w(1, endings),
    w(1, fins),
    w(1, resets),
    w(1, options),
    w(1, queries),
  ),
};

const steps = (actions: fc.Arbitrary<ActionRef>, maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(fc.record({ wait: WAITS, action: actions }), { minLength: 1, maxLength });

const synOptions = fc.record({
  mss: fc.constantFrom(1000, 1000, 1000, 1460, 536, 0),
  wscale: fc.constantFrom(7, 7, 0, 10, -1),
  sackOk: fc.constantFrom(true, true, true, false),
  timestamps: fc.constantFrom(false, true),
  window: fc.constantFrom(32_792, 65_535, 10_000, 1000),
});

const syn = (more: Partial<SynRef>): Omit<SynRef, 'mss' | 'wscale' | 'sackOk' | 'timestamps' | 'window'> => ({
  ...{ do: 'syn', flags: 'S', length: 0, ackDelta: 0, sequenceDelta: 0 },
  ...more,
});

const before = fc.oneof(
  w(3, fc.constant<Step[]>([])),
  w(1, fc.array(fc.record({ wait: fc.constant(0), action: options }), { minLength: 1, maxLength: 2 })),
);

/** A listener's side of the handshake, usually completed; now and then with something odd in the middle. */
const serverOpening = fc
  .record({
    options: synOptions,
    trip: ROUND_TRIP,
    ecn: fc.constantFrom('S', 'S', 'S', 'S', 'SEW'),
    middle: fc.oneof(w(7, fc.constant<Step[]>([])), w(1, steps(odd, 2))),
    last: fc.oneof(w(5, fc.constant(0)), w(1, fc.constantFrom(1, 500, 1000))),
    acceptFirst: fc.constantFrom(true, true, true, false),
  })
  .map(({ options, trip, ecn, middle, last, acceptFirst }): Step[] => [
    { wait: 10, action: { ...syn({ flags: ecn }), ...options } },
    ...middle,
    { wait: trip, action: segment({ flags: last > 0 ? 'P.' : '.', length: last }) },
    ...(acceptFirst ? [{ wait: 0, action: call('accept') }] : []),
  ]);

const clientOpening = fc
  .record({
    before,
    options: synOptions,
    trip: ROUND_TRIP,
    flags: fc.constantFrom('S.', 'S.', 'S.', 'S.', 'S.', 'S.', 'S.E', 'S'),
    ackDelta: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1, -1),
    middle: fc.oneof(w(7, fc.constant<Step[]>([])), w(1, steps(fc.oneof(odd, icmps), 2))),
  })
  .map(({ before, options, trip, flags, ackDelta, middle }): Step[] => [
    ...before,
    { wait: 10, action: call('connect') },
    ...middle,
    { wait: trip, action: { ...syn({ flags, ackDelta }), ...options } },
    ...(flags === 'S' ? [{ wait: 10, action: segment({}) }] : []),
  ]);

const body = fc
  .constantFrom(...Object.keys(MANNERS))
  .chain((manner) =>
    fc.tuple(
      steps(MANNERS[manner]!, 12),
      fc.oneof(w(2, fc.constant<Step[]>([])), w(1, steps(MANNERS.ends!, 5))),
    ),
  );

/** The generator. */
export function programs(family: 'ipv4' | 'ipv6'): fc.Arbitrary<Program> {
  const server = fc.tuple(serverOpening, body).map(
    ([open, [first, second]]): Program => ({
      ...{ role: 'server', family, steps: [...open, ...first, ...second] },
    }),
  );
  const client = fc.tuple(clientOpening, body).map(
    ([open, [first, second]]): Program => ({
      ...{ role: 'client', family, steps: [...open, ...first, ...second] },
    }),
  );
  return fc.oneof(w(3, server), w(2, client));
}
