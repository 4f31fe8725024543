// TAP version 13, and KTAP version 1 as kernel test tools read it: one line a run, errors as YAML or as diagnostics.

import type { ReportContext, ReportEnd, ReportedRun, Reporter, ReporterKind } from './reporter.js';
import { summaryLine } from './reporter.js';

class TapReporter implements Reporter {
  private readonly context: ReportContext;
  private readonly kernel: boolean;
  private number = 0;

  constructor(context: ReportContext, kernel: boolean) {
    this.context = context;
    this.kernel = kernel;
    context.write(kernel ? 'KTAP version 1\n' : 'TAP version 13\n');
    // With --bail fewer runs than planned may follow: TAP wants the plan at the end then.
    if (kernel) context.write(`1..${context.planned}\n`);
  }

  run(run: ReportedRun): void {
    const { verdict, note, result } = run;
    const title = run.title.replaceAll('\\', '\\\\').replaceAll('#', '\\#');
    const ok = verdict === 'failed' ? 'not ok' : 'ok';
    const directive = verdict === 'skipped' ? ` # SKIP ${oneLine(result.reason)}` : note ? ` # ${note}` : '';
    const separator = this.kernel ? '' : '- ';
    if (this.kernel) this.diagnostics(result.reason, verdict === 'failed');
    this.context.write(`${ok} ${++this.number} ${separator}${title}${directive}\n`);
    if (!this.kernel && verdict === 'failed') this.yaml(run);
  }

  end(end: ReportEnd): void {
    if (!this.kernel) this.context.write(`1..${this.number}\n`);
    this.context.write(`# ${summaryLine(end.totals)}\n`);
  }

  /** KTAP wants diagnostics before the result line. */
  private diagnostics(text: string, wanted: boolean): void {
    if (!wanted || text === '') return;
    for (const line of text.split('\n')) this.context.write(`# ${line}\n`);
  }

  private yaml({ result, note }: ReportedRun): void {
    const { failure } = result;
    const rows: [string, string | number | null][] = [
      ['message', failure?.summary ?? (result.reason || note)],
      ['file', failure?.span?.file ?? result.script],
      ['line', failure?.span?.line ?? null],
      ['column', failure?.span?.column ?? null],
      ['expected', failure?.expected ?? null],
      ['actual', failure?.actual ?? null],
    ];
    this.context.write('  ---\n');
    for (const [key, value] of rows) {
      if (value !== null) this.context.write(`  ${key}: ${JSON.stringify(value)}\n`);
    }
    this.context.write(`  detail: |\n${result.reason.replace(/^/gm, '    ')}\n  ...\n`);
  }
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

export const tap: ReporterKind = {
  readable: false,
  detailed: false,
  create: (context) => new TapReporter(context, false),
};

export const ktap: ReporterKind = {
  readable: false,
  detailed: false,
  create: (context) => new TapReporter(context, true),
};
