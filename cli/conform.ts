// `netchannel conform`: plans the runs, hands them to the pool, feeds the reporters and says how it ended.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { REPORTERS, type Reporter, summaryLine, type Totals } from '../conformance/report/index.js';
import type { RunResult } from '../conformance/runner/result.js';
import { discover, type PlannedRun, planRuns, type ScriptFile } from '../conformance/suite/discover.js';
import {
  Baseline,
  type Change,
  ExpectationsError,
  ExpectedFailures,
} from '../conformance/suite/expectations.js';
import { writeCapture } from '../conformance/suite/pcap.js';
import { runPlan } from '../conformance/suite/pool.js';
import { targetFactory, UnknownTarget } from '../conformance/targets/registry.js';
import { type ConformOptions, conformParser } from './conform-options.js';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, UsageError } from './exit.js';
import { fileSink, Progress, type Sink, streamSink } from './output.js';
import { parseOnly } from './parse-only.js';
import { watchAndRepeat } from './watch.js';

/** Runs for which another thread is worth its start. */
const RUNS_A_THREAD = 40;

export function conformCommand(): Command {
  return conformParser(async (options) => {
    process.exitCode = await conform(options);
  });
}

async function conform(options: ConformOptions): Promise<number> {
  try {
    if (options.parseOnly) return parseOnly(options);
    await targetFactory(options.target);
    const once = (): Promise<number> => new Suite(options).run();
    return options.watch ? await watchAndRepeat(options.paths, once) : await once();
  } catch (error) {
    const known =
      error instanceof UsageError || error instanceof UnknownTarget || error instanceof ExpectationsError;
    if (!known) throw error;
    process.stderr.write(`netchannel conform: ${error.message}\n`);
    return EXIT_USAGE;
  }
}

function readText(path: string, option: string): string {
  if (!existsSync(path)) throw new UsageError(`${option}: no such file: ${path}`);
  return readFileSync(path, 'utf8');
}

/** One pass over the scripts. */
class Suite {
  private readonly options: ConformOptions;
  private readonly totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  private readonly changes: Change[] = [];
  private readonly seen: { run: PlannedRun; verdict: RunResult['verdict'] }[] = [];
  private readonly expected: ExpectedFailures | null;
  private readonly baseline: Baseline | null;
  private badScript = false;
  private unexpected = 0;
  private reporters: { reporter: Reporter; sink: Sink }[] = [];
  private readonly detailed: boolean;

  constructor(options: ConformOptions) {
    this.options = options;
    const { expectFail, baseline, updateBaseline } = options;
    this.expected = expectFail
      ? new ExpectedFailures(readText(expectFail, '--expect-fail'), expectFail)
      : null;
    this.baseline =
      baseline && !(updateBaseline && !existsSync(baseline))
        ? new Baseline(readText(baseline, '--baseline'), baseline)
        : null;
    this.detailed = options.reporters.some((r) => REPORTERS[r.name]!.detailed);
  }

  async run(): Promise<number> {
    const { options } = this;
    const began = performance.now();
    const { scripts, problems } = discover(options.paths, process.cwd());
    for (const problem of problems) process.stderr.write(`netchannel conform: ${problem}\n`);
    const plan = this.plan(scripts);
    if (plan.length === 0 && problems.length === 0) {
      throw new UsageError('no run is left: --grep or --ip-version excludes every script');
    }
    const progress = process.stderr.isTTY ? new Progress(process.stderr, plan.length) : null;
    this.openReporters(plan.length, progress);
    const threads = Math.max(1, Math.min(options.jobs, Math.ceil(plan.length / RUNS_A_THREAD)));
    await runPlan(
      plan,
      {
        target: options.target,
        dialect: options.dialect,
        defines: options.defines,
        options: options.options,
        strictEnd: options.strictEnd,
        record: this.detailed || options.pcap !== null,
        compare: options.compare,
      },
      {
        jobs: threads,
        onResult: (result, run) => this.take(result, run),
        onProgress: (done) => progress?.update(done, summaryLine(this.totals)),
      },
    );
    progress?.clear();
    this.finish(performance.now() - began);
    if (problems.length > 0 || this.badScript) return EXIT_USAGE;
    return this.failing() ? EXIT_FAILED : EXIT_OK;
  }

  private plan(scripts: readonly ScriptFile[]): PlannedRun[] {
    const { grep, versions } = this.options;
    const plan = planRuns(scripts, versions);
    return grep ? plan.filter((run) => grep.test(titleOf(run))) : plan;
  }

  private openReporters(planned: number, progress: Progress | null): void {
    this.reporters = this.options.reporters.map(({ name, file }) => {
      const sink = file === null ? streamSink(process.stdout, progress) : openFile(file);
      const color = file === null && process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
      const context = {
        write: (text: string) => sink.write(text),
        color,
        target: this.options.target,
        planned,
      };
      return { reporter: REPORTERS[name]!.create(context), sink };
    });
  }

  /** False when the suite is to end here. */
  private take(result: RunResult, run: PlannedRun): boolean {
    const { options } = this;
    if (options.pcap !== null && result.packets.length > 0) this.capture(options.pcap, run, result);
    if (result.failure?.kind === 'script') this.badScript = true;
    this.seen.push({ run, verdict: result.verdict });
    const { verdict, note } = this.judge(result, run);
    this.totals[verdict]++;
    const change = this.baseline?.compare(run, result) ?? null;
    if (change) this.changes.push(change);
    const source = this.detailed ? sourceOf(run) : '';
    for (const { reporter } of this.reporters)
      reporter.run({ result, title: titleOf(run), verdict, note, source });
    if (verdict === 'failed') this.unexpected++;
    return options.bail === 0 || this.unexpected < options.bail;
  }

  private capture(folder: string, run: PlannedRun, result: RunResult): void {
    try {
      writeCapture(folder, run, result);
    } catch (error) {
      throw new UsageError(`--pcap: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private judge(result: RunResult, run: PlannedRun): { verdict: RunResult['verdict']; note: string } {
    if (!this.expected?.expects(run) || result.verdict === 'skipped')
      return { verdict: result.verdict, note: '' };
    if (result.verdict === 'failed') return { verdict: 'passed', note: 'expected failure' };
    return { verdict: 'failed', note: 'unexpected pass: take it off the list of expected failures' };
  }

  private finish(milliseconds: number): void {
    const { options, totals, changes } = this;
    for (const { reporter, sink } of this.reporters) {
      reporter.end({ totals, milliseconds, changes });
      sink.close();
    }
    if (options.baseline && options.updateBaseline) {
      writeFileSync(options.baseline, Baseline.write(this.seen));
    }
    const machine = options.reporters.some((r) => r.file === null && !REPORTERS[r.name]!.readable);
    const stream = machine ? process.stderr : process.stdout;
    if (this.baseline && !options.updateBaseline) {
      const worse = changes.filter((c) => c.worse).length;
      stream.write(`baseline: ${worse} worse, ${changes.length - worse} better\n`);
    }
    stream.write(`${summaryLine(totals)}\n`);
  }

  /** With a baseline what counts is what got worse; without, every failure. */
  private failing(): boolean {
    if (this.options.updateBaseline) return false;
    if (this.baseline) return this.changes.some((c) => c.worse);
    return this.totals.failed > 0;
  }
}

function openFile(path: string): Sink {
  try {
    return fileSink(path);
  } catch (error) {
    throw new UsageError(
      `cannot write the report: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function titleOf(run: PlannedRun): string {
  return `${run.file} (${run.ipVersion})`;
}

function sourceOf(run: PlannedRun): string {
  try {
    return readFileSync(run.path, 'utf8');
  } catch {
    return '';
  }
}
