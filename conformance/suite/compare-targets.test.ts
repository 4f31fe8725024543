import { expect, it } from 'vitest';
import type { RunResult } from '../runner/result.js';
import { runScript } from '../runner/run.js';
import { EchoTarget } from '../targets/echo.js';
import { targetFactory } from '../targets/registry.js';
import { compareTargets } from './compare-targets.js';

const SCRIPT = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.02 < . 1:1(0) ack 1 win 257
`;

async function onStack(command = ''): Promise<RunResult> {
  return await runScript(command + SCRIPT, { target: await targetFactory('stack'), targetName: 'stack' });
}

const late = async (summary: string): Promise<RunResult> => {
  const result = await onStack();
  const none = { span: null, field: null, expected: null, actual: null, scriptPacket: null };
  const failure = { ...none, kind: 'time', text: summary, summary, actualPackets: [], since: [] } as const;
  return { ...result, target: 'linux', verdict: 'failed', reason: summary, failure };
};

it('says nothing of two runs that did the same, whatever their clocks said', async () => {
  const result = await compareTargets(async (target) => ({ ...(await onStack()), target }));
  expect([result.verdict, result.reason, result.output]).toEqual(['passed', '', []]);
});

it('shows both traces when a field differs that the script did not write', async () => {
  const result = await compareTargets(async (target) =>
    target === 'stack'
      ? onStack()
      : { ...(await onStack('`sysctl -q net.ipv4.tcp_rmem="4096 20000 20000"`\n')), target },
  );
  expect(result.verdict).toBe('failed');
  expect(result.reason).toMatch(/^outbound packet 1 differs\n {2}stack: S\. 0:0\(0\) ack 1 win 64240 /);
  const rows = result.reason.split('\n').slice(3);
  expect(rows).toHaveLength(4);
  expect(rows[0]).toMatch(/^ {2}stack +\| linux$/);
  expect(rows.map((row) => row[0])).toEqual([' ', ' ', '!', ' ']);
  expect(rows[2]).toMatch(/> S\. .* win 64240 .* \| .*> S\. .* win \d+ /);
});

it('does not take a script that makes no sense for agreement', async () => {
  const result = await compareTargets(async (target) =>
    runScript(`${SCRIPT}+0 frobnicate(4) = 0\n`, {
      target: await targetFactory('stack'),
      targetName: target,
    }),
  );
  expect([result.verdict, result.failure?.kind]).toEqual(['failed', 'script']);
  expect(result.reason).toContain("unknown system call 'frobnicate'");
});

it('tells verdicts that differ from packets that do', async () => {
  const result = await compareTargets(async (target) =>
    target === 'stack'
      ? onStack()
      : runScript(SCRIPT, { target: () => new EchoTarget(), targetName: 'linux' }),
  );
  expect(result.verdict).toBe('failed');
  expect(result.reason).toMatch(/^verdicts differ\n {2}stack: passed\n {2}echo: failed: /);
});

it('tries a miss of time again with more tolerance, reports each, and calls nothing a difference that is none', async () => {
  const asked: (number | null)[] = [];
  const once = await compareTargets(async (target, tolerance) => {
    if (target === 'stack') return onStack();
    asked.push(tolerance);
    return asked.length === 1 ? late('9 ms late') : { ...(await onStack()), target };
  });
  expect(asked).toEqual([null, 25_000]);
  expect([once.verdict, once.output.length]).toEqual(['passed', 1]);
  expect(once.output[0]).toContain('9 ms late');
  const always = await compareTargets(async (target) =>
    target === 'stack' ? onStack() : late('500 ms late'),
  );
  expect(always.verdict).toBe('skipped');
  expect(always.reason).toContain('missed a time in every try: 500 ms late');
});
