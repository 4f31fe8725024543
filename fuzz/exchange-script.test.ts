// Scripts of random runs of the targets that exchange packets: what the stack did is what the script expects, calls, packets and
// times; and what no script can say is told.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkExchangeScript, exchangeScript } from './exchange-script.js';
import type { Regression } from './filing.js';
import { ScriptlessError } from './script-witness.js';
import type { Json, Place } from './target.js';
import { networkInput } from './targets/network-commands.js';
import { tcpTarget } from './targets/tcp.js';
import { tcpInput } from './targets/tcp-commands.js';

const regression = (target: string, input: unknown, place?: Place): Regression => ({
  format: 1,
  target,
  id: 'made up',
  invariant: '',
  found: '2026-01-01',
  input: input as Json,
  ...(place === undefined ? {} : { place }),
});

/** How many became scripts that pass, why others cannot become any, and what is wrong with those that do not pass. */
async function tally(files: readonly Regression[]) {
  const lacks: string[] = [];
  const problems: string[] = [];
  for (const file of files) {
    try {
      const problem = await checkExchangeScript(await exchangeScript(file));
      if (problem !== undefined) problems.push(problem);
    } catch (error) {
      if (!(error instanceof ScriptlessError)) throw error;
      lacks.push(error.message);
    }
  }
  return { passed: files.length - lacks.length - problems.length, lacks, problems };
}

test('of a hundred runs of one connection nearly all become a script that passes', async () => {
  const inputs = fc.sample(tcpInput, { seed: 5, numRuns: 100 });
  const { passed, lacks, problems } = await tally(
    inputs.map((input) => regression('tcp', tcpTarget.encode(input))),
  );
  expect(passed, [...lacks, ...problems].join('\n')).toBeGreaterThanOrEqual(90);
}, 120_000);

test('both ends of connections between hosts become scripts that pass, or it is known why not', async () => {
  const inputs = fc.sample(networkInput, { seed: 5, numRuns: 15 });
  const { passed, lacks, problems } = await tally(
    inputs.flatMap((input) => {
      const client = `client ${input.flows[0].client % input.links.length}`;
      return ['server', client].map((host) => regression('network', input, { host, port: 20_000 }));
    }),
  );
  expect(problems.length, problems.join('\n')).toBeLessThanOrEqual(2);
  expect(passed, lacks.join('\n')).toBeGreaterThanOrEqual(15);
  expect(new Set(lacks)).toContain(
    'packets wait until a neighbour has said where it is, and scripts know none',
  );
}, 120_000);

test('another answer of the stack fails the script', async () => {
  const [input] = fc.sample(tcpInput, { seed: 5, numRuns: 1 });
  const setting = { ...input.setting, active: false, handshake: true, peerIss: 100, v6: false, sysctls: [] };
  const text = await exchangeScript(
    regression('tcp', { setting, commands: [{ op: 'data', n: 10, gap: 0 }] }),
  );
  expect(await checkExchangeScript(text)).toBeUndefined();
  expect(text).toMatch(/^\+0 > \. 1:1\(0\) ack 11 /m);
  expect(await checkExchangeScript(text.replace('ack 11 ', 'ack 12 '))).toContain('tcp_ack_seq');
});

test('what is no segment comes in byte by byte, and an answer to it is one that the script does not ask for', async () => {
  const datagram = { v6: false, source: 0, id: 0, size: 0, cuts: [] };
  // An echo reply that nobody asked for, to 10.0.0.1.
  const bytes = '4500001c00000000400166df0a0000020a0000010000975312345678';
  const input = { ethernet: false, datagrams: [datagram], commands: [{ op: 'raw', bytes, ethernet: false }] };
  const text = await exchangeScript(regression('ip', input));
  expect(text).toContain(`< raw ${bytes}\n`);
  expect(await checkExchangeScript(text)).toBeUndefined();
  expect(await checkExchangeScript(text.replace('00009753', '08008f53'))).toContain(
    'no event of the script asks for',
  );
});

test('targets without calls, and inputs that nobody can read', async () => {
  await expect(exchangeScript(regression('wire', {}))).rejects.toThrow('its input cannot be read any more');
  await expect(exchangeScript(regression('captures', { bytes: '00', piece: 1 }))).rejects.toThrow(
    'no program makes a call',
  );
});
