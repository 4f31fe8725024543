// `netchannel peers`: the stack against programs on Linux, over a device in a namespace of its own. The cases are peers/'s.
import { writeFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { type Condition, DEVICE_KINDS, type DeviceKind, IMPAIRMENTS } from '../peers/types.js';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from './exit.js';
import { Progress } from './output.js';

interface Given {
  family?: string;
  link?: string;
  device?: DeviceKind;
  soak?: boolean;
  junit?: string;
  pcap?: string;
  json?: boolean;
  list?: boolean;
}

export function peersCommand(): Command {
  return new Command('peers')
    .description('The stack against Linux and its programs, over TAP, TUN and packet sockets (needs root)')
    .argument('[cases...]', 'cases (default: all; --list names them)')
    .addOption(new Option('--family <n>', 'one IP version only').choices(['4', '6']))
    .addOption(
      new Option('--link <kind>', 'one condition of the link only').choices(Object.keys(IMPAIRMENTS)),
    )
    .addOption(new Option('--device <kind>', 'one kind of device only').choices(DEVICE_KINDS))
    .option('--soak', 'the long form: 10 GiB each way, 50,000 connections')
    .option('--junit <file>', 'write JUnit XML')
    .option('--pcap <folder>', 'leave a capture of each case')
    .option('--json', 'one object a line')
    .option('--list', 'name the cases and end')
    .exitOverride()
    .action(async (cases: string[], given: Given) => {
      process.exitCode = await peers(cases, given);
    });
}

async function peers(names: readonly string[], given: Given): Promise<number> {
  const { CASES } = await import('../peers/cases/index.js');
  const { runPeers, selectCases, UnknownCaseError } = await import('../peers/run.js');
  const report = await import('../peers/report.js');
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (given.list) {
    for (const { name, about } of CASES) print(`${name.padEnd(18)} ${about}`);
    return EXIT_OK;
  }
  const options = {
    cases: names,
    scale: given.soak ? ('soak' as const) : ('full' as const),
    ...(given.pcap === undefined ? {} : { pcap: given.pcap }),
    ...(given.family === undefined ? {} : { families: [given.family === '4' ? (4 as const) : (6 as const)] }),
    ...(given.device === undefined ? {} : { devices: [given.device] }),
    ...(given.link === undefined ? {} : { conditions: [given.link as Condition] }),
  };
  let total = 0;
  try {
    total = selectCases(options).length;
  } catch (error) {
    if (!(error instanceof UnknownCaseError)) throw error;
    process.stderr.write(`netchannel peers: ${error.message}\n`);
    return EXIT_USAGE;
  }
  const progress = process.stderr.isTTY ? new Progress(process.stderr, total) : null;
  const results = await runPeers({
    ...options,
    onResult: (result, done) => {
      progress?.clear();
      print(given.json ? JSON.stringify(result) : report.resultLine(result));
      progress?.update(done, result.name);
    },
  });
  progress?.clear();
  if (given.junit !== undefined) writeFileSync(given.junit, report.junitXml(results));
  if (!given.json) print(`\n${report.matrix(results)}\n`);
  // Whoever reads JSON gets nothing but objects on standard output.
  (given.json ? process.stderr : process.stdout).write(`${report.totalsLine(results)}\n`);
  return report.totals(results).failed > 0 ? EXIT_FAILED : EXIT_OK;
}
