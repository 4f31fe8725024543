// A run of a target that exchanges packets as a packetdrill script beside the filed failure (script-witness.ts takes it down).
// What a stack that is whole answers is what the script expects, so it is written by the stack that passes, and fails on the one
// that failed. It is run before it is kept.

import { runScript, targetFactory } from '../conformance/index.js';
import type { Regression } from './filing.js';
import { replayRegression } from './replay.js';
import { ScriptlessError, ScriptWitness } from './script-witness.js';

/** The script of a filed failure, as this stack goes through it. Throws ScriptlessError. */
export async function exchangeScript(file: Regression): Promise<string> {
  const witness = new ScriptWitness(file.place);
  const { failure, error } = await replayRegression(file, witness);
  if (error instanceof ScriptlessError) throw error;
  if (failure !== undefined)
    throw new ScriptlessError(`this stack still fails, and a script says what a whole one does: ${failure}`);
  witness.finish();
  const { v6, mtu, own } = witness.told;
  const { host, port } = file.place ?? {};
  const end = host === undefined ? '' : `, at the ${host}, of the connection with port ${port}`;
  const head = [
    `// ${file.id}.`,
    `// Made by netchannel fuzz --replay --script from what the fuzzers filed on ${file.found}: what the whole stack does${end}.`,
    `--ip_version=${v6 ? 'ipv6' : 'ipv4'}`,
    ...(mtu === 1500 ? [] : [`--mtu=${mtu}`]),
    ...(own === undefined ? [] : [`--local_ip=${own.address}`, `--bind_port=${own.port}`]),
    '',
  ];
  return `${[...head, ...witness.lines].join('\n')}\n`;
}

/** Runs a script that `exchangeScript` made on this stack; why it does not pass, or undefined. */
export async function checkExchangeScript(text: string): Promise<string | undefined> {
  const { verdict, reason } = await runScript(text, {
    file: 'exchange.pkt',
    target: await targetFactory('stack'),
    ipVersion: /^--ip_version=ipv6$/m.test(text) ? 'ipv6' : 'ipv4',
    strictEnd: true,
  });
  return verdict === 'passed' ? undefined : (reason ?? verdict);
}
