// The explorer itself: it sees what it must see, its schedules replay, and what was filed stays fixed.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { runExplore } from './index.js';
import { build, INSTRUMENTED, type Program, prepare, sourceOf } from './load.js';
import { MODELS } from './models/index.js';
import { type Mutant, mutants } from './mutate.js';
import { checkRegression, filedSchedules, replay } from './regression.js';
import { explore, Session } from './run.js';
import { parseSchedule, scheduleOf } from './schedule.js';
import { shrink } from './shrink.js';
import { DfsStrategy, PctStrategy, RandomStrategy, type Strategy } from './strategies.js';
import { instrument } from './transform.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const clock = () => performance.now();
let shipped: Program;
let all: Mutant[];
beforeAll(async () => {
  await prepare();
  shipped = build();
  all = mutants();
});

function session(name: string, params: Record<string, number> = {}, program: Program = shipped): Session {
  const model = MODELS.find((m) => m.name === name);
  if (!model) throw new Error(name);
  return new Session(program, model, params);
}
function broken(id: string): Program {
  const mutant = all.find((m) => m.id === id);
  if (!mutant) throw new Error(`no mutant ${id}`);
  return build(mutant.edits);
}
function find(
  program: Program,
  name: string,
  params: Record<string, number>,
  strategy: Strategy,
  runs: number,
) {
  const s = session(name, params, program);
  return { s, ...explore(s, strategy, { runs }, clock) };
}

describe('hosts in threads', () => {
  it('hold while names of ready channels are lost, and fail when the order of rings or a loss is ignored', () => {
    const module = 'threaded/ready-readers.js';
    const source = sourceOf(module);
    const without = (from: string, text: string): Program => {
      const start = source.indexOf(from);
      expect(start).toBeGreaterThan(0);
      return build([{ module, start, end: start + from.length, text }]);
    };
    const kind = (program: Program) =>
      find(program, 'ready', {}, new RandomStrategy(3), 500).finding?.kind ?? 'nothing';
    expect(kind(shipped)).toBe('nothing');
    expect(kind(without('entry.allowance = entry.reader.ring.length();', 'entry.allowance = 9;'))).toBe(
      'order',
    );
    expect(kind(without('if (lost !== this.lost)', 'if (false)'))).toBe('lost');
  });
});

describe('source transform', () => {
  it('splits what would be fused: operands first, one access a yield', () => {
    const source = `export function f(words, i) { Atomics.store(words, i, Atomics.load(words, i + 1)); words[i] = words[3]; words[2] += 1; }`;
    const { bodies, sites } = instrument([{ name: 'x.js', source }]);
    const text = bodies.get('x.js') ?? '';
    expect(text).toContain('(yield $.store(');
    expect(text).toMatch(/\(yield \$\.store\(\d, words, i, \(yield \$\.load\(\d, words, i \+ 1\)\)\)\)/);
    expect(text).toMatch(/\$\.w\(\d, words, i, \$\.r\(\d, words, 3\)\)/);
    expect(sites.length).toBe(5);
  });

  it('refuses shared access in a nested function, which it could not yield from', () => {
    const source = 'export function f(words) { return [1].map((i) => Atomics.load(words, i)); }';
    expect(() => instrument([{ name: 'x.js', source }])).toThrow('nested function');
  });

  it('guards every loop, so that broken code cannot hang', () => {
    const source = 'export function f(words) { for (;;) words[0] = 1; }';
    expect(instrument([{ name: 'x.js', source }]).bodies.get('x.js')).toContain('$.spun()');
  });

  it('covers every file that touches shared memory: nobody else in stack/ indexes it or uses Atomics', () => {
    // Plain data of other files may be called `bytes` (packet bytes are handed over by rings); words and Atomics not.
    const offenders: string[] = [];
    const walk = (folder: string): void => {
      for (const entry of readdirSync(`${root}stack/${folder}`, { withFileTypes: true })) {
        const path = folder ? `${folder}/${entry.name}` : entry.name;
        if (entry.isDirectory()) walk(path);
        else if (path.endsWith('.ts') && !path.includes('.test.') && !/^(channel|flows)\//.test(path)) {
          const text = readFileSync(`${root}stack/${path}`, 'utf8').replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '');
          if (/\bAtomics\./.test(text)) offenders.push(path);
        }
      }
    };
    walk('');
    // The register of endpoints, and what the driver attaches by it, is the driver's shared memory; threads of the driver start and stop by a flag.
    const allowed =
      /^(driver\/(endpoints|attached-ends|driver|thread|worker|control|runtime)[a-z-]*|link\/linux\/.*|link\/.*)\.ts$/;
    expect(offenders.filter((path) => !allowed.test(path))).toEqual([]);
    for (const module of INSTRUMENTED)
      expect(readFileSync(`${root}dist/stack/${module}`, 'utf8').length).toBeGreaterThan(0);
  });
});

describe('strategies', () => {
  it('exhaust the small configurations, with and without reduction, and agree that they are clean', () => {
    const full = find(shipped, 'ring', { pushes: 3, pops: 3 }, new DfsStrategy(), Infinity);
    expect(full).toMatchObject({ exhausted: true, finding: undefined, runs: 62 });
    const reduced = find(shipped, 'ring', { pushes: 3, pops: 3 }, new DfsStrategy(Infinity, true), Infinity);
    expect(reduced).toMatchObject({ exhausted: true, finding: undefined });
    expect(reduced.runs).toBeLessThan(62);
    const bounded = find(shipped, 'ring', { pushes: 3, pops: 3 }, new DfsStrategy(1), Infinity);
    expect(bounded.runs).toBeLessThan(62);
    expect(find(shipped, 'ring', {}, new DfsStrategy(), Infinity)).toMatchObject({
      exhausted: true,
      finding: undefined,
    });
    expect(find(shipped, 'doorbell', { packets: 1 }, new DfsStrategy(), Infinity).exhausted).toBe(true);
  });

  it('visit as many different schedules by chance as there are', () => {
    const s = session('ring', { pushes: 3, pops: 3 });
    const r = explore(s, new RandomStrategy(5), { runs: 20_000, distinct: true }, clock);
    expect(r.distinct).toBe(62);
  });

  it('find each kind of fault: race, lost wakeup, false miss, disorder, stuck writer', () => {
    const cases: [string, string, Record<string, number>, Strategy, string][] = [
      ['ring.publish weaken TAIL', 'ring', {}, new RandomStrategy(1), 'race'],
      ['ring.pop remove TAIL', 'ring', {}, new RandomStrategy(1), 'lost'],
      ['ring.release remove HEAD', 'ring', {}, new RandomStrategy(1), 'false-full'],
      ['doorbell.prepare remove ASK', 'doorbell', {}, new PctStrategy(1, 2), 'lost-wakeup'],
      ['doorbell.force remove BELL', 'doorbell', {}, new RandomStrategy(1), 'lost-wakeup'],
      ['epochs.quiescent remove store', 'table', { linger: 1 }, new RandomStrategy(1), 'stuck'],
    ];
    for (const [id, name, params, strategy, kind] of cases) {
      const { finding } = find(broken(id), name, params, strategy, 20_000);
      expect(`${id}: ${finding?.kind}`).toBe(`${id}: ${kind}`);
    }
  });

  it('agree when every plain access is a scheduling point too', () => {
    const every = build([], true);
    const small = find(every, 'ring', { pushes: 3, pops: 3 }, new DfsStrategy(), Infinity);
    expect(small).toMatchObject({ exhausted: true, finding: undefined });
    expect(small.runs).toBeGreaterThan(62);
    for (const name of ['doorbell', 'pool', 'table']) {
      expect(find(every, name, {}, new RandomStrategy(4), 500).finding, name).toBeUndefined();
    }
    const mutant = all.find((m) => m.id === 'ring.publish weaken TAIL');
    const r = find(build(mutant?.edits, true), 'ring', {}, new RandomStrategy(1), 1000);
    expect(r.finding?.kind).toBe('race');
  });

  it('find by exhaustion what is broken, within the smallest configuration', () => {
    for (const id of ['ring.publish weaken TAIL', 'ring.pop remove TAIL', 'ring.push weaken HEAD']) {
      const r = find(broken(id), 'ring', { pushes: 3, pops: 3 }, new DfsStrategy(), Infinity);
      expect(r.finding, id).toBeDefined();
    }
  });
});

describe('schedules', () => {
  it('print a run as a string that replays exactly', () => {
    const s = session('pool', { packets: 2 });
    const strategy = new RandomStrategy(3);
    for (let i = 0; i < 50; i++) {
      expect(s.run(strategy)).toBeUndefined();
      const text = scheduleOf(s);
      const again = replay(text);
      expect(again.complete).toBe(true);
      expect(again.finding).toBeUndefined();
      expect(again.steps.length).toBe(s.steps);
    }
  });

  it('fail when they cannot be read, and when the run diverges from them', () => {
    expect(() => parseSchedule('nothing a:b', MODELS)).toThrow(
      expect.objectContaining({ code: 'SCHEDULE_SYNTAX' }),
    );
    expect(() => parseSchedule('ring{x=1} producer:end', MODELS)).toThrow('no parameter');
    expect(() => parseSchedule('ring writer:end', MODELS)).toThrow('expected thread:label');
    expect(replay('ring{pushes=1,pops=1} producer:end')).toMatchObject({ complete: false });
    expect(replay('ring{pushes=1,pops=1} producer:no:such consumer:end').complete).toBe(false);
    expect(replay('ring{pushes=1,pops=1} producer:end consumer:end').complete).toBe(true);
  });

  it('shrink to few operations and few turns, and still fail the same way', () => {
    const edits = all.find((m) => m.id === 'ring.pop remove TAIL')?.edits ?? [];
    const program = build(edits, true);
    const { s, finding } = find(program, 'ring', { pushes: 6, pops: 6 }, new RandomStrategy(2), 1000);
    if (!finding) throw new Error('not found');
    const small = shrink(program, s, finding);
    expect(small.finding.kind).toBe(finding.kind);
    expect(small.params.pushes).toBe(1);
    expect(small.turns).toBeLessThanOrEqual(2);
    expect(replay(small.schedule, edits).finding?.kind).toBe(finding.kind);
    expect(replay(small.schedule).finding).toBeUndefined();
  });
});

describe('filed schedules', () => {
  it('hold on the shipped code, and fail again where their break is put in', () => {
    const files = filedSchedules(`${root}fuzz/regressions`);
    expect(files.length).toBeGreaterThan(8);
    for (const { path, file } of files)
      expect(`${path}: ${checkRegression(file) ?? 'ok'}`).toBe(`${path}: ok`);
  });

  it('count as failures when they diverge or when their break is gone', () => {
    const base = { format: 1, target: 'explore', id: 'x', invariant: 'x', found: '2026-11-22' } as const;
    expect(checkRegression({ ...base, input: 'ring{pushes=1,pops=1} producer:end' })).toContain('diverged');
    expect(
      checkRegression({ ...base, input: 'ring{pushes=1,pops=1} producer:end consumer:end' }),
    ).toBeUndefined();
    expect(
      checkRegression({ ...base, input: 'ring consumer:end', break: { mutant: 'no such', kind: 'race' } }),
    ).toContain('no longer applies');
    expect(
      checkRegression({
        ...base,
        input: 'ring{pushes=1,pops=1} producer:end consumer:end',
        break: { mutant: 'ring.release remove HEAD', kind: 'race' },
      }),
    ).toContain('not race');
  });
});

describe('runExplore', () => {
  it('reports configurations, counts and a verdict line', async () => {
    const lines: string[] = [];
    const summary = await runExplore({ models: ['ring'], runs: 200, print: (line) => lines.push(line) });
    expect(summary.failed).toBe(0);
    expect(lines.at(-1)).toBe(`${summary.passed} passed, 0 failed, 0 skipped`);
    await expect(runExplore({ models: ['rong'] })).rejects.toThrow('no model "rong"');
    const one = await runExplore({ schedule: 'ring{pushes=1,pops=1} producer:end', json: true });
    expect(one).toMatchObject({ passed: 0, failed: 1 });
  });
});
