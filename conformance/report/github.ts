// GitHub Actions: an annotation at the failing line of the script for each failed run.

import type { ReportContext, ReportEnd, ReportedRun, Reporter, ReporterKind } from './reporter.js';

/** Workflow commands have escapes of their own. */
const data = (text: string): string =>
  text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');

class GithubReporter implements Reporter {
  private readonly context: ReportContext;

  constructor(context: ReportContext) {
    this.context = context;
  }

  run({ result, verdict, note, title }: ReportedRun): void {
    if (verdict !== 'failed') return;
    const span = result.failure?.span;
    const place = span
      ? `,line=${span.line},endLine=${span.endLine},col=${span.column},endColumn=${span.endColumn}`
      : '';
    const file = property(span?.file ?? result.script);
    const message = data(note === '' ? result.reason : note);
    this.context.write(`::error file=${file}${place},title=${property(title)}::${message}\n`);
  }

  end(end: ReportEnd): void {
    for (const c of end.changes) {
      const level = c.worse ? 'error' : 'notice';
      this.context.write(
        `::${level} file=${property(c.name)}::${data(`${c.ipVersion}: ${c.before} -> ${c.after}`)}\n`,
      );
    }
  }
}

export const github: ReporterKind = {
  readable: true,
  detailed: false,
  create: (context) => new GithubReporter(context),
};
