// A character a run; the failures at the end.

import type { ReportContext, ReportEnd, ReportedRun, Reporter, ReporterKind } from './reporter.js';

const WIDTH = 80;
const MARKS = { passed: '.', failed: 'F', skipped: 's' } as const;

class DotReporter implements Reporter {
  private readonly context: ReportContext;
  private readonly failures: ReportedRun[] = [];
  private column = 0;

  constructor(context: ReportContext) {
    this.context = context;
  }

  run(run: ReportedRun): void {
    this.context.write(MARKS[run.verdict]);
    if (++this.column % WIDTH === 0) this.context.write('\n');
    if (run.verdict === 'failed') this.failures.push(run);
  }

  end(end: ReportEnd): void {
    if (this.column % WIDTH !== 0) this.context.write('\n');
    for (const { title, result, note } of this.failures) {
      this.context.write(`\nFAIL ${title}${note ? `  [${note}]` : ''}\n${result.reason}\n`);
    }
    for (const c of end.changes) {
      this.context.write(`changed ${c.name} (${c.ipVersion}): ${c.before} -> ${c.after}\n`);
    }
  }
}

export const dot: ReporterKind = {
  readable: true,
  detailed: false,
  create: (context) => new DotReporter(context),
};
