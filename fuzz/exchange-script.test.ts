// Scripts of random runs of the `tcp` target: what the stack did is what the script expects, calls, packets and times.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkExchangeScript, exchangeScript, ScriptlessError } from './exchange-script.js';
import type { Regression } from './filing.js';
import { tcpTarget } from './targets/tcp.js';
import { tcpInput } from './targets/tcp-commands.js';

const regression = (input: unknown): Regression => ({
  format: 1,
  target: 'tcp',
  id: 'made up',
  invariant: '',
  found: '2026-01-01',
  input: tcpTarget.encode(input as never),
});

test('three of four runs become a script that passes; of the others it is known', async () => {
  const reasons: string[] = [];
  const inputs = fc.sample(tcpInput, { seed: 5, numRuns: 100 });
  for (const input of inputs) {
    const file = regression(input);
    try {
      const reason = await checkExchangeScript(await exchangeScript(file), file);
      if (reason !== undefined) reasons.push(reason);
    } catch (error) {
      if (!(error instanceof ScriptlessError)) throw error;
      reasons.push(error.message);
    }
  }
  expect(reasons.length, reasons.join('\n')).toBeLessThanOrEqual(inputs.length / 4);
}, 120_000);

test('another answer of the stack fails the script', async () => {
  const [input] = fc.sample(tcpInput, { seed: 5, numRuns: 1 });
  const setting = { ...input.setting, active: false, handshake: true, peerIss: 100, v6: false, sysctls: [] };
  const file = regression({ setting, commands: [{ op: 'data', n: 10, gap: 0 }] });
  const text = await exchangeScript(file);
  expect(await checkExchangeScript(text, file)).toBeUndefined();
  expect(text).toMatch(/^\+0 > \. 1:1\(0\) ack 11 /m);
  expect(await checkExchangeScript(text.replace('ack 11 ', 'ack 12 '), file)).toContain('tcp_ack_seq');
});

test('other targets and unreadable inputs are refused', async () => {
  await expect(exchangeScript({ ...regression({}), target: 'wire' })).rejects.toThrow(
    'no calls and segments',
  );
});
