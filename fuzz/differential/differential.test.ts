import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseScript } from '../../conformance/language/index.js';
import { runScript } from '../../conformance/runner/run.js';
import { targetFactory } from '../../conformance/targets/registry.js';
import { skipWithoutTun } from '../../stack/link/require-tun.test.helper.js';
import { programs } from './arbitrary.js';
import { type Divergence, firstDivergence } from './compare.js';
import { ADDRESSES } from './index.js';
import { justification } from './justified.js';
import { Lane } from './lanes.js';
import type { Observation, Program, Trace } from './program.js';
import { scriptOf } from './script.js';
import { playOnStack } from './stack-lane.js';
import { SYSCTLS } from './surroundings.js';

const setup = (family: Program['family']) => ({ addresses: ADDRESSES[family], sysctls: SYSCTLS });
const generated = (family: Program['family'], runs: number) =>
  fc.sample(programs(family), { numRuns: runs, seed: 1 });

/** A trace in which one packet's text is another. */
function altered(trace: Trace, index: number, change: (text: string) => string): Trace {
  const packets = trace.seen.filter((o) => o.kind === 'packet');
  const seen = trace.seen.map((o): Observation => {
    return o.kind === 'packet' && o === packets[index] ? { ...o, text: change(o.text) } : o;
  });
  return { ...trace, seen };
}

it('plays what was played again at the same moments, and finds nothing to tell', () => {
  for (const family of ['ipv4', 'ipv6'] as const) {
    for (const program of generated(family, 15)) {
      const once = playOnStack(program, setup(family), null);
      expect(once.steps).toHaveLength(program.steps.length);
      expect(firstDivergence(once, playOnStack(program, setup(family), once))).toBeNull();
    }
  }
});

it('tells the first field that differs and what one alone did, and lets a timer be a little off', () => {
  const program = generated('ipv4', 10).find((p) => p.role === 'server')!;
  const trace = playOnStack(program, setup('ipv4'), null);
  const window = firstDivergence(
    trace,
    altered(trace, 0, (t) => t.replace(/win \d+/, 'win 7')),
  );
  expect(window?.kind).toBe('packet S. win');
  const gone = { ...trace, seen: trace.seen.filter((o) => o.kind !== 'packet') };
  expect(firstDivergence(trace, gone)?.kind).toBe('packet S. / nothing');
  const late = trace.seen.map((o) => (o.kind === 'packet' ? { ...o, at: o.at + 4000 } : o));
  expect(firstDivergence(trace, { ...trace, seen: late })).toBeNull();
});

it('writes scripts that parse and that the target which they are of passes', async () => {
  const none: Divergence = { kind: 'none', step: 0, at: 0, linux: '', stack: '' };
  let passed = 0;
  for (const program of generated('ipv4', 12)) {
    const trace = playOnStack(program, setup('ipv4'), null);
    const text = scriptOf(program, trace, trace, none, SYSCTLS);
    expect(() => parseScript(text)).not.toThrow();
    const target = await targetFactory('stack:hz=250');
    const result = await runScript(text, {
      target,
      targetName: 'stack',
      options: { tcp_ts_ecr_scaled: true },
    });
    if (result.verdict === 'passed') passed++;
  }
  expect(passed).toBeGreaterThanOrEqual(9);
});

it('justifies only what its rows describe', () => {
  const of = (kind: string, linux: string, stack: string): boolean =>
    justification({ kind, linux, stack, step: 0, at: 0 }) !== undefined;
  expect(of('packet S. options', '+0ms S. <mss 88,nop,wscale 10>', '+0ms S. <mss 88,nop,wscale 0>')).toBe(
    true,
  );
  expect(of('packet S. options', '+0ms S. <mss 88,nop,wscale 10>', '+0ms S. <mss 88>')).toBe(false);
  const ecr = (n: number): string => `+0ms . 1:1(0) ack 1 win 63 <nop,nop,TS val ${n} ecr ${n}>`;
  expect(of('packet . options', ecr(1), ecr(2))).toBe(true);
  expect(of('packet . options', ecr(1), ecr(2).replace('ack 1', 'ack 2'))).toBe(false);
});

it.skipIf(skipWithoutTun())(
  'plays programs side by side on the kernel and resolves what they refer to',
  async () => {
    const lane = new Lane({ addresses: ADDRESSES.ipv4 });
    try {
      const list = generated('ipv4', 10);
      const traces = await lane.play(list, SYSCTLS);
      expect(traces.map((t) => t.steps.length)).toEqual(list.map((p) => p.steps.length));
      for (const [i, trace] of traces.entries()) {
        const syn = trace.seen.find((o) => o.kind === 'packet');
        expect(syn?.kind === 'packet' && syn.text).toMatch(
          list[i]!.role === 'server' ? /^S\.E? 0:0/ : /^S 0:0/,
        );
      }
    } finally {
      await lane.close();
    }
  },
);
