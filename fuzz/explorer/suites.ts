// Which models, parameters and strategies are run: for `explore` as a whole, and per module for the mutation proof.
// The small configurations listed in EXHAUSTED are searched to their end.

import { DfsStrategy, PctStrategy, RandomStrategy, type Strategy } from './strategies.js';

export interface Task {
  model: string;
  params: Record<string, number>;
  strategy: (seed: number) => Strategy;
  runs: number;
  /** Scheduling points: atomic accesses, or every shared access (plain ones are race-checked either way). */
  points: 'atomics' | 'all';
}

const random = (seed: number): Strategy => new RandomStrategy(seed);
const pct =
  (depth: number) =>
  (seed: number): Strategy =>
    new PctStrategy(seed, depth);
const dfs = (): Strategy => new DfsStrategy();
const dfs2 = (): Strategy => new DfsStrategy(2);

function exhaust(
  model: string,
  params: Record<string, number>,
  strategy: () => Strategy,
  points: 'atomics' | 'all',
): Task {
  return { model, params, strategy, runs: Infinity, points };
}

function readyTasks(runs: number): Task[] {
  return [
    { model: 'ready', params: {}, strategy: random, runs, points: 'all' },
    {
      model: 'ready',
      params: { packets: 6, move: 3, batch: 2, others: 3 },
      strategy: random,
      runs,
      points: 'all',
    },
    { model: 'ready', params: { packets: 6, names: 4, others: 6 }, strategy: pct(3), runs, points: 'all' },
  ];
}

/** Searched to the end. */
export const EXHAUSTED: readonly Task[] = [
  // Every interleaving of every shared access.
  exhaust('ring', { pushes: 3, pops: 3 }, dfs, 'all'),
  exhaust('ring', { pushes: 3, pops: 3, capacity: 1, first: -1 }, dfs, 'all'),
  exhaust('ring', { pushes: 4, pops: 4, batch: 2 }, dfs, 'all'),
  exhaust('ring', { pushes: 5, pops: 5 }, dfs, 'all'),
  exhaust('doorbell', { packets: 1 }, dfs, 'all'),
  // Every interleaving of the atomic accesses, plain ones race-checked.
  exhaust('ring', {}, dfs, 'atomics'),
  exhaust('ring', { pushes: 6, pops: 6, batch: 2 }, dfs, 'atomics'),
  exhaust('ring', { pushes: 6, pops: 4, batch: 3, take: 3, capacity: 4 }, dfs, 'atomics'),
  exhaust('ring', { pushes: 8, pops: 5, bulk: 2, take: 2, capacity: 4 }, dfs, 'atomics'),
  exhaust('ring', { pushes: 8, pops: 8, capacity: 4 }, dfs, 'atomics'),
  exhaust('doorbell', { packets: 1 }, dfs, 'atomics'),
  exhaust('doorbell', { packets: 2 }, dfs, 'atomics'),
  // Every interleaving with at most two preemptions.
  exhaust('bells', { packets: 1 }, dfs2, 'atomics'),
  exhaust('bells', { packets: 1, kernel: 1 }, dfs2, 'atomics'),
  exhaust('pool', { packets: 2 }, dfs2, 'atomics'),
  exhaust('ready', { packets: 2, move: 1, others: 1 }, dfs2, 'atomics'),
];

function ringTasks(runs: number): Task[] {
  const tasks: Task[] = [
    { model: 'ring', params: {}, strategy: random, runs, points: 'all' },
    {
      model: 'ring',
      params: { pushes: 8, pops: 6, batch: 2, take: 2 },
      strategy: random,
      runs,
      points: 'all',
    },
    {
      model: 'ring',
      params: { pushes: 12, pops: 12, capacity: 8, first: -3 },
      strategy: random,
      runs,
      points: 'all',
    },
    {
      model: 'ring',
      params: { pushes: 12, pops: 6, capacity: 4, bulk: 3, take: 2 },
      strategy: random,
      runs,
      points: 'all',
    },
    {
      model: 'ring',
      params: { pushes: 6, pops: 6, look: 1, batch: 2 },
      strategy: random,
      runs: Math.ceil(runs / 4),
      points: 'all',
    },
    {
      model: 'ring',
      params: { pushes: 12, pops: 4, capacity: 4, batch: 3, take: 4 },
      strategy: random,
      runs,
      points: 'all',
    },
  ];
  return tasks;
}

function doorbellTasks(runs: number): Task[] {
  return [
    { model: 'doorbell', params: {}, strategy: random, runs, points: 'all' },
    { model: 'doorbell', params: { packets: 4 }, strategy: pct(3), runs, points: 'all' },
    { model: 'bells', params: {}, strategy: random, runs, points: 'all' },
    { model: 'bells', params: { kernel: 1 }, strategy: random, runs, points: 'all' },
    { model: 'bells', params: {}, strategy: pct(3), runs, points: 'all' },
    { model: 'bells', params: { kernel: 1 }, strategy: pct(3), runs, points: 'all' },
  ];
}

function poolTasks(runs: number): Task[] {
  return [
    { model: 'pool', params: {}, strategy: random, runs, points: 'all' },
    { model: 'pool', params: { quota: 1, buffers: 3, packets: 6 }, strategy: random, runs, points: 'all' },
    {
      model: 'pool',
      params: { packets: 6, buffers: 4, slots: 8, quota: 3, take: 3 },
      strategy: random,
      runs,
      points: 'all',
    },
    { model: 'pool', params: { packets: 6, buffers: 3, slots: 4 }, strategy: pct(3), runs, points: 'all' },
  ];
}

function tableTasks(runs: number, seeds: number): Task[] {
  const tasks: Task[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    for (const operation of [0, 1, 2]) {
      tasks.push({
        model: 'table',
        params: { operation, seed, linger: seed % 2 },
        strategy: random,
        runs,
        points: 'atomics',
      });
      tasks.push({
        model: 'table',
        params: {
          operation,
          seed,
          readers: 1,
          stable: 2,
          moving: 2,
          lookups: 8,
          updates: 6,
          again: seed % 2,
        },
        strategy: pct(3),
        runs,
        points: 'atomics',
      });
    }
  }
  // Few keys, many updates: an update seen and then undone by a reader that moves between the two bucket arrays.
  for (const seed of [8, 9, 12]) {
    for (const operation of [0, 1]) {
      const params = { operation, seed, readers: 1, stable: 0, moving: 3, lookups: 10, updates: 8 };
      tasks.push({ model: 'table', params, strategy: pct(3), runs: Math.max(1000, runs), points: 'atomics' });
    }
  }
  return tasks;
}

/** What a mutant of `module` must survive to count as not noticed. `scale` multiplies the runs. */
export function tasksFor(module: string, scale = 1): Task[] {
  const n = (runs: number) => Math.ceil(runs * scale);
  if (module.endsWith('ring.js'))
    return [
      ...ringTasks(n(20_000)),
      ...poolTasks(n(3000)),
      ...doorbellTasks(n(3000)),
      ...readyTasks(n(3000)),
    ];
  if (module.startsWith('threaded/')) return readyTasks(n(15_000));
  if (module.endsWith('doorbell.js')) return doorbellTasks(n(30_000));
  if (module.startsWith('channel/')) return poolTasks(n(15_000));
  return tableTasks(n(400), 14);
}

/** What `explore` runs when it is given no models. */
export function allTasks(scale: number): Task[] {
  const n = (runs: number) => Math.ceil(runs * scale);
  return [
    ...ringTasks(n(20_000)),
    ...doorbellTasks(n(10_000)),
    ...poolTasks(n(5000)),
    ...readyTasks(n(5000)),
    ...tableTasks(n(200), 8),
  ];
}
