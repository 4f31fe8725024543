// `netchannel replay`: plays recorded conversations into the stack and says what it did in another way.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { CaptureError } from '../captures/errors.js';
import { isCapture, STANDARD_INPUT } from '../captures/read/open.js';
import { collect } from '../captures/replay/recording.js';
import { ReplayPage } from '../captures/replay/report-html.js';
import { jsonOf, textOf } from '../captures/replay/report-text.js';
import type { Role } from '../captures/replay/situation.js';
import { replayStream } from '../captures/replay/verdict.js';
import { summaryLine } from '../conformance/report/reporter.js';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, UsageError } from './exit.js';
import { frameProgress } from './frames.js';
import { fileSink } from './output.js';
import { unread } from './streams.js';

interface ReplayFlags {
  readonly stream: string;
  readonly as: Role | 'both';
  readonly json?: true;
  readonly html?: string;
  readonly quiet?: true;
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('Play one side of recorded TCP conversations into the stack, which takes the other side')
    .argument(
      '<captures...>',
      'pcap or pcapng files, in gzip or not, or folders of them (whatever they are called); - reads standard input',
    )
    .option('--stream <n>', "one stream by its number (Wireshark's tcp.stream), or all", 'all')
    .addOption(
      new Option('--as <side>', "which side's place the stack takes")
        .choices(['client', 'server', 'both'])
        .default('both'),
    )
    .option('--json', 'one object a line instead of text')
    .option('--html <file>', 'write a report with time-sequence diagrams')
    .option('--quiet', 'only what failed or was skipped')
    .addHelpText(
      'after',
      `
A stream passes when the same bytes went both ways and no packet of the stack breaks a rule of TCP. What the stack did
in another way than the recorded host is listed; so is what the capture lacks and what was made up for it.
Exit status: 0 nothing failed, 1 a stream failed, 2 a capture cannot be read or the usage is wrong.

  netchannel replay captures/corpus
  netchannel replay trace.pcapng --stream 3 --as server --html trace.html`,
    )
    .exitOverride()
    .action(async (paths: string[], flags: ReplayFlags) => {
      process.exitCode = await replay(paths, flags);
    });
}

async function replay(paths: readonly string[], flags: ReplayFlags): Promise<number> {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const page = flags.html === undefined ? null : new ReplayPage();
  const color = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  let unreadable = false;
  try {
    const stream = streamNumber(flags.stream);
    const roles: readonly Role[] = flags.as === 'both' ? ['client', 'server'] : [flags.as];
    for (const path of capturesOf(paths)) {
      let streams = 0;
      let read = true;
      const progress = frameProgress(path);
      try {
        const table = await collect(
          path,
          (recording) => {
            streams++;
            progress.clear();
            for (const role of roles) {
              const result = replayStream(path, recording, role);
              totals[result.verdict]++;
              page?.add(result);
              if (flags.json) process.stdout.write(jsonOf(result));
              else if (!flags.quiet || result.verdict !== 'passed')
                process.stdout.write(textOf(result, color));
            }
          },
          { stream, onFrames: progress.onFrames },
        );
        for (const line of unread(table.counters))
          process.stderr.write(`netchannel replay: ${path}: ${line}\n`);
      } catch (error) {
        if (!(error instanceof CaptureError)) throw error;
        process.stderr.write(`netchannel replay: ${error.message}\n`);
        unreadable = true;
        read = false;
      } finally {
        progress.clear();
      }
      if (streams === 0 && read) {
        const which = stream === undefined ? 'no TCP stream' : `no stream ${stream}`;
        process.stderr.write(`netchannel replay: ${path}: ${which} in it\n`);
        totals.skipped++;
      }
    }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`netchannel replay: ${error.message}\n`);
    return EXIT_USAGE;
  }
  if (page && flags.html !== undefined) {
    const sink = fileSink(flags.html);
    sink.write(page.text(totals));
    sink.close();
  }
  (flags.json ? process.stderr : process.stdout).write(`${summaryLine(totals)}\n`);
  if (unreadable) return EXIT_USAGE;
  return totals.failed > 0 ? EXIT_FAILED : EXIT_OK;
}

/** @throws UsageError */
export function streamNumber(text: string): number | undefined {
  if (text === 'all') return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--stream: a number or all, not ${text}`);
  return Number(text);
}

/** The files named, and in the folders named those that are captures by what they begin with or by their names. @throws UsageError */
export function capturesOf(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (path === STANDARD_INPUT) return [path];
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) throw new UsageError(`no such file or folder: ${path}`);
    if (!stat.isDirectory()) return [path];
    const inside = readdirSync(path, { recursive: true, encoding: 'utf8' })
      .map((name) => join(path, name))
      .filter((name) => statSync(name, { throwIfNoEntry: false })?.isFile());
    // What is called a capture and is none is an error to be told.
    const found = inside.filter((name) => /\.(pcap|pcapng|cap)(\.gz)?$/.test(name) || isCapture(name));
    if (found.length === 0) throw new UsageError(`no capture in ${path}`);
    return found.sort();
  });
}
