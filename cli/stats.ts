// `netchannel stats`: a script on the stack, and what its SNMP and TcpExt counters say afterwards, under Linux's names.

import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { DEFAULT_VERSIONS, IP_VERSIONS, type IpVersion } from '../conformance/runner/presets.js';
import { runScript } from '../conformance/runner/run.js';
import { StackTarget } from '../conformance/targets/stack/index.js';
import { EXIT_FAILED, EXIT_OK, UsageError } from './exit.js';

interface StatsFlags {
  readonly ipVersion: string;
  readonly zeros?: true;
  readonly json?: true;
}

export function statsCommand(): Command {
  return new Command('stats')
    .description('Run a script on the stack and print its counters, as nstat does for the kernel')
    .argument('<script>', 'a packetdrill script')
    .argument('[names...]', 'only counters of these names; * stands for anything')
    .option('--ip-version <version>', `one of ${IP_VERSIONS.join(', ')}`, DEFAULT_VERSIONS[0])
    .option('--zeros', 'counters that did not move as well')
    .option('--json', 'one object instead of lines')
    .addHelpText(
      'after',
      `
The counters are those of one stack, from its beginning to the end of the script (with the resets by which a run ends what
the script left open), under the names that nstat has. A running
stack of your own has the same ones: stack.counters.snapshot().
Exit status: 0 the script passed, 1 it failed (the counters are printed all the same), 2 it cannot be read.

  netchannel stats conformance/scripts/retransmission/karn.pkt
  netchannel stats script.pkt 'TcpExt*' TcpRetransSegs --zeros`,
    )
    .exitOverride()
    .action(async (path: string, names: string[], flags: StatsFlags) => {
      process.exitCode = await stats(path, names, flags);
    });
}

async function stats(path: string, names: readonly string[], flags: StatsFlags): Promise<number> {
  const ipVersion = IP_VERSIONS.find((version) => version === flags.ipVersion) as IpVersion | undefined;
  if (ipVersion === undefined)
    throw new UsageError(`--ip-version ${flags.ipVersion}: one of ${IP_VERSIONS.join(', ')}`);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}`);
  }
  let made: StackTarget | null = null;
  const result = await runScript(text, {
    file: path,
    ipVersion,
    record: false,
    target: (setup) => {
      made = new StackTarget(setup);
      return made;
    },
  });
  if (result.verdict !== 'passed')
    process.stderr.write(`${result.failure?.text ?? `${path}: ${result.verdict}`}\n`);
  const counters = (made as StackTarget | null)?.stack.counters.snapshot() ?? {};
  const shown = Object.entries(counters).filter(
    ([name, value]) => (value !== 0 || flags.zeros) && selected(name, names),
  );
  if (flags.json) process.stdout.write(`${JSON.stringify(Object.fromEntries(shown))}\n`);
  else for (const [name, value] of shown) process.stdout.write(`${name.padEnd(31)} ${value}\n`);
  return result.verdict === 'passed' ? EXIT_OK : EXIT_FAILED;
}

/** Whether a name is asked for: all are when none is named. */
function selected(name: string, patterns: readonly string[]): boolean {
  if (patterns.length === 0) return true;
  return patterns.some((pattern) => {
    const [head, ...parts] = pattern.split('*');
    if (parts.length === 0) return name === pattern;
    if (!name.startsWith(head)) return false;
    const tail = parts.pop()!;
    let at = head.length;
    for (const part of parts) {
      at = name.indexOf(part, at);
      if (at < 0) return false;
      at += part.length;
    }
    return name.length - tail.length >= at && name.endsWith(tail);
  });
}
