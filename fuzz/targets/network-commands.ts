// The `network` target's inputs: a star of stacks around one server, the faults of each link, what flows, and what happens
// meanwhile. Plain JSON. Knows no stack.

import * as fc from 'fast-check';

export interface LinkFaults {
  readonly delay: number;
  readonly loss: number;
  readonly duplicate: number;
  readonly corrupt: number;
  readonly reorder: number;
  readonly jitter: number;
  /** Bits a second, 0: no limit. */
  readonly rate: number;
  readonly queue: number;
}

export interface Flow {
  readonly client: number;
  readonly up: number;
  readonly down: number;
  /** Bytes a call. */
  readonly chunk: number;
  /** µs that the reader waits between reads. */
  readonly slow: number;
  /** 0: the default. */
  readonly receiveBuffer: number;
  /** The client shuts its side down as soon as it has written (else after it has read all). */
  readonly early: boolean;
}

export type Happening =
  | {
      readonly at: number;
      readonly kind: 'partition';
      readonly client: number;
      readonly way: 'up' | 'down' | 'both';
      readonly us: number;
    }
  | { readonly at: number; readonly kind: 'mtu'; readonly client: number; readonly mtu: number }
  | { readonly at: number; readonly kind: 'restart'; readonly client: number }
  | {
      readonly at: number;
      readonly kind: 'mutate';
      readonly client: number;
      readonly frames: number;
      readonly offset: number;
      readonly value: number;
    };

export interface NetworkInput {
  readonly v6: boolean;
  readonly ethernet: boolean;
  readonly gso: boolean;
  readonly control: string;
  readonly sack: boolean;
  readonly timestamps: boolean;
  readonly ecn: boolean;
  readonly links: readonly LinkFaults[];
  readonly flows: readonly Flow[];
  readonly happenings: readonly Happening[];
}

const chance = fc.constantFrom(0, 0, 0, 0.01, 0.05, 0.15);
const faults: fc.Arbitrary<LinkFaults> = fc.record({
  delay: fc.constantFrom(0, 1000, 20_000, 150_000),
  loss: fc.constantFrom(0, 0, 0.01, 0.05, 0.2),
  duplicate: chance,
  corrupt: chance,
  reorder: chance,
  jitter: fc.constantFrom(0, 0, 500, 30_000),
  rate: fc.constantFrom(0, 0, 1_000_000, 100_000_000),
  queue: fc.constantFrom(5, 50, 1000),
});

// Short streams are frequent: what goes wrong at a beginning or an end needs many of them, not long ones.
const bytes = fc.constantFrom(0, 1, 100, 100, 5000, 5000, 40_000, 150_000);
const client = fc.nat(2);
const flow: fc.Arbitrary<Flow> = fc.record({
  client,
  up: bytes,
  down: bytes,
  chunk: fc.constantFrom(100, 1448, 10_000, 100_000),
  slow: fc.constantFrom(0, 0, 1000, 100_000),
  receiveBuffer: fc.constantFrom(0, 0, 3000, 30_000),
  early: fc.boolean(),
});

const at = fc.nat(3_000_000);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.record({
    at,
    kind: fc.constant('partition' as const),
    client,
    way: fc.constantFrom('up', 'down', 'both'),
    us: fc.constantFrom(100_000, 1_000_000, 20_000_000),
  }),
  fc.record({ at, kind: fc.constant('mtu' as const), client, mtu: fc.constantFrom(1280, 1400, 1500) }),
  fc.record({ at, kind: fc.constant('restart' as const), client }),
  fc.record({
    at,
    kind: fc.constant('mutate' as const),
    client,
    frames: fc.integer({ min: 1, max: 8 }),
    offset: fc.nat(59),
    value: fc.nat(255),
  }),
);

export const networkInput: fc.Arbitrary<NetworkInput> = fc.record({
  v6: fc.boolean(),
  ethernet: fc.boolean(),
  gso: fc.boolean(),
  control: fc.constantFrom('cubic', 'reno'),
  sack: fc.constantFrom(true, true, false),
  timestamps: fc.constantFrom(true, true, false),
  ecn: fc.boolean(),
  links: fc.array(faults, { minLength: 1, maxLength: 3 }),
  flows: fc.oneof(
    { weight: 3, arbitrary: fc.array(flow, { minLength: 1, maxLength: 4 }) },
    // Many at once: what a stack keeps for all its connections together, above all its timers.
    { weight: 1, arbitrary: fc.array(flow, { minLength: 5, maxLength: 10 }) },
  ),
  happenings: fc.oneof(
    { weight: 2, arbitrary: fc.constant([] as Happening[]) },
    { weight: 2, arbitrary: fc.array(happening, { minLength: 1, maxLength: 3 }) },
  ),
});
