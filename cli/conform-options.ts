// `netchannel conform`: its options as a user writes them, and what they come to.

import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { nearest } from '../conformance/language/suggest.js';
import { REPORTERS } from '../conformance/report/index.js';
import { PACKETDRILL_OPTIONS } from '../conformance/runner/config.js';
import { DEFAULT_VERSIONS, IP_VERSIONS, type IpVersion } from '../conformance/runner/presets.js';
import { UsageError } from './exit.js';

export interface ReporterChoice {
  readonly name: string;
  /** Null: standard output. */
  readonly file: string | null;
}

export interface ConformOptions {
  readonly paths: readonly string[];
  readonly target: string;
  readonly reporters: readonly ReporterChoice[];
  readonly pcap: string | null;
  readonly jobs: number;
  /** 0: every run; n: end after n failures. */
  readonly bail: number;
  readonly grep: RegExp | null;
  readonly watch: boolean;
  readonly baseline: string | null;
  readonly updateBaseline: boolean;
  readonly expectFail: string | null;
  readonly parseOnly: boolean;
  /** On the stack and on the kernel; the verdict is of the comparison. */
  readonly compare: boolean;
  readonly strictEnd: boolean | number;
  readonly defines: Readonly<Record<string, string>>;
  readonly versions: readonly IpVersion[];
  readonly dialect: 'google' | 'nplab';
  /** packetdrill's own options. */
  readonly options: Readonly<Record<string, string | true>>;
}

const collect = (value: string, before: string[] = []): string[] => [...before, value];

/** The command with all its options; `run` gets them checked. */
export function conformParser(run: (options: ConformOptions) => Promise<void>): Command {
  const command = new Command('conform')
    .description('Run packetdrill scripts')
    .argument('<paths...>', 'scripts, or folders with .pkt files')
    .option('--target <name>', 'stack, silent, echo, linux, or a module with createTarget()', 'stack')
    .option(
      '--reporter <name[=file]>',
      `${Object.keys(REPORTERS).join(', ')}; may be given several times`,
      collect,
    )
    .option('--out <file>', 'where the last reporter writes')
    .option('--json', 'short for --reporter json')
    .option('--pcap <folder>', 'write a capture of each run')
    .option('--jobs <n>', 'threads (default: as many as processors, fewer for few scripts)')
    .option('--bail [n]', 'end after n failures (default 1)')
    .option('--grep <pattern>', 'only runs whose "path (version)" matches this regular expression')
    .option('--watch', 'run again whenever a script changes')
    .option('--baseline <file>', 'compare verdicts with those of this file and fail for what got worse')
    .option('--update-baseline', 'write the file given with --baseline')
    .option('--expect-fail <file>', 'known failures; one that passes is reported')
    .option('--compare', 'run each script on stack and linux and show where they differ; needs root')
    .option('--parse-only', 'parse, print and parse again; run nothing')
    .option(
      '--strict-end [seconds]',
      'fail for packets that no event asks for, up to 3 s behind the last one',
    )
    .option('-D, --define <NAME=VALUE>', 'a symbol; may be given several times', collect)
    .addOption(
      new Option('--dialect <name>', 'which language').choices(['google', 'nplab']).default('google'),
    )
    .optionsGroup("packetdrill's own options (they win over the script's):")
    .option(
      '--ip-version, --ip_version <list>',
      `${IP_VERSIONS.join(', ')} or all (default ${DEFAULT_VERSIONS.join(',')})`,
    )
    .exitOverride();
  for (const [name, takesValue] of PACKETDRILL_OPTIONS) {
    if (name === 'define' || name === 'ip_version') continue;
    command.addOption(packetdrillOption(name, takesValue));
  }
  command.action(async (paths: string[], given: Record<string, unknown>) => {
    await run(check(paths, given));
  });
  return command;
}

const SHORT: Readonly<Record<string, string>> = { verbose: '-v, ' };

/** Both spellings are one option, as commander allows; it is stored under the second, the original's. */
function packetdrillOption(name: string, takesValue: boolean): Option {
  const dashed = name.replaceAll('_', '-');
  const value = takesValue ? ' <value>' : '';
  const long = dashed === name ? `--${name}` : `--${dashed}, --${name}`;
  return new Option(`${SHORT[name] ?? ''}${long}${value}`);
}

function check(paths: readonly string[], given: Record<string, unknown>): ConformOptions {
  const text = (name: string): string | null => (given[name] === undefined ? null : String(given[name]));
  if (given.updateBaseline && !given.baseline)
    throw new UsageError('--update-baseline needs --baseline FILE');
  return {
    paths,
    target: text('target')!,
    reporters: reporters(given),
    pcap: text('pcap'),
    jobs: given.jobs === undefined ? availableParallelism() : count(text('jobs')!, '--jobs'),
    bail: given.bail === undefined ? 0 : given.bail === true ? 1 : count(text('bail')!, '--bail'),
    grep: pattern(text('grep')),
    watch: given.watch === true,
    baseline: text('baseline'),
    updateBaseline: given.updateBaseline === true,
    expectFail: text('expectFail'),
    parseOnly: given.parseOnly === true,
    compare: given.compare === true,
    strictEnd: strictEnd(given.strictEnd),
    defines: defines((given.define as string[] | undefined) ?? []),
    versions: versions(text('ip_version')),
    dialect: given.dialect as 'google' | 'nplab',
    options: packetdrillOptions(given),
  };
}

function reporters(given: Record<string, unknown>): ReporterChoice[] {
  const names = [...((given.reporter as string[] | undefined) ?? []), ...(given.json ? ['json'] : [])];
  const chosen = (names.length > 0 ? names : ['list']).map((word): ReporterChoice => {
    const [name, ...rest] = word.split('=');
    if (!Object.hasOwn(REPORTERS, name!)) {
      const near = nearest(name!, Object.keys(REPORTERS));
      throw new UsageError(`unknown reporter '${name}'${near ? `: did you mean ${near}?` : ''}`);
    }
    return { name: name!, file: rest.length > 0 ? rest.join('=') : null };
  });
  const out = given.out as string | undefined;
  if (out !== undefined) chosen[chosen.length - 1] = { ...chosen.at(-1)!, file: out };
  return chosen;
}

function count(text: string, option: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new UsageError(`${option} needs a number from 1, not '${text}'`);
  return Number(text);
}

function pattern(text: string | null): RegExp | null {
  if (text === null) return null;
  try {
    return new RegExp(text);
  } catch (error) {
    throw new UsageError(`--grep: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function strictEnd(given: unknown): boolean | number {
  if (given === undefined) return false;
  if (given === true) return true;
  const seconds = Number(given);
  if (!(seconds >= 0)) throw new UsageError(`--strict-end needs seconds, not '${String(given)}'`);
  return seconds * 1e6;
}

function defines(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      if (at <= 0) throw new UsageError(`-D needs NAME=VALUE, not '${text}'`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

function versions(text: string | null): readonly IpVersion[] {
  if (text === null) return DEFAULT_VERSIONS;
  if (text === 'all') return IP_VERSIONS;
  return text.split(',').map((word) => {
    const found = IP_VERSIONS.find((v) => v === word);
    if (found) return found;
    throw new UsageError(`unknown IP version '${word}' (${IP_VERSIONS.join(', ')} or all)`);
  });
}

function packetdrillOptions(given: Record<string, unknown>): Record<string, string | true> {
  const options: Record<string, string | true> = {};
  for (const [name, takesValue] of PACKETDRILL_OPTIONS) {
    const value = given[name];
    if (value === undefined || name === 'define' || name === 'ip_version') continue;
    options[name] = takesValue ? String(value) : true;
  }
  return options;
}
