// The reporter for people at a terminal: a line for each run that did not pass, with its error, then the totals.
// Passed runs are shown too when there are few.

import type { ReportContext, ReportEnd, ReportedRun, Reporter, ReporterKind } from './reporter.js';

/** Up to this many runs, each has its line. */
const FEW = 400;

const COLORS = { passed: 32, failed: 31, skipped: 33 } as const;
const MARKS = { passed: 'ok  ', failed: 'FAIL', skipped: 'skip' } as const;

class ListReporter implements Reporter {
  private readonly context: ReportContext;

  constructor(context: ReportContext) {
    this.context = context;
  }

  run(run: ReportedRun): void {
    const { verdict, title, note, result } = run;
    if (verdict === 'passed' && note === '' && this.context.planned > FEW) return;
    const why = note !== '' ? `  [${note}]` : verdict === 'skipped' ? `  ${result.reason}` : '';
    this.context.write(`${this.paint(COLORS[verdict], MARKS[verdict])} ${title}${why}\n`);
    for (const line of result.output) this.context.write(`     ${line}\n`);
    if (verdict === 'failed' && result.reason !== '') this.context.write(`${indent(result.reason)}\n\n`);
  }

  end(end: ReportEnd): void {
    for (const c of end.changes) {
      const color = c.worse ? COLORS.failed : COLORS.passed;
      this.context.write(
        `${this.paint(color, 'changed')} ${c.name} (${c.ipVersion}): ${c.before} -> ${c.after}\n`,
      );
    }
  }

  private paint(color: number, text: string): string {
    return this.context.color ? `\x1b[${color}m${text}\x1b[0m` : text;
  }
}

function indent(text: string): string {
  return text.replace(/^/gm, '     ');
}

export const list: ReporterKind = {
  readable: true,
  detailed: false,
  create: (context) => new ListReporter(context),
};
