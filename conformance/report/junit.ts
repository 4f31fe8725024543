// JUnit XML as CI servers read it: a suite per folder, a case per run, the first line of an error as its message.

import { dirname } from 'node:path';
import {
  escapeXml,
  type ReportContext,
  type ReportEnd,
  type ReportedRun,
  type Reporter,
  type ReporterKind,
} from './reporter.js';

const seconds = (milliseconds: number): string => (milliseconds / 1000).toFixed(6);

class JunitReporter implements Reporter {
  private readonly context: ReportContext;
  private readonly suites = new Map<string, ReportedRun[]>();

  constructor(context: ReportContext) {
    this.context = context;
  }

  run(run: ReportedRun): void {
    const name = dirname(run.result.script);
    const suite = this.suites.get(name);
    if (suite) suite.push(run);
    else this.suites.set(name, [run]);
  }

  end(end: ReportEnd): void {
    const { passed, failed, skipped } = end.totals;
    const { write } = this.context;
    write('<?xml version="1.0" encoding="UTF-8"?>\n');
    write(
      `<testsuites name="netchannel conform" tests="${passed + failed + skipped}" failures="${failed}" skipped="${skipped}" errors="0" time="${seconds(end.milliseconds)}">\n`,
    );
    for (const [name, runs] of this.suites) write(suiteXml(name, runs));
    write('</testsuites>\n');
  }
}

function suiteXml(name: string, runs: readonly ReportedRun[]): string {
  const count = (verdict: ReportedRun['verdict']): number => runs.filter((r) => r.verdict === verdict).length;
  const time = runs.reduce((sum, r) => sum + r.result.milliseconds, 0);
  const attributes = `name="${escapeXml(name)}" tests="${runs.length}" failures="${count('failed')}" skipped="${count('skipped')}" errors="0" time="${seconds(time)}"`;
  return `  <testsuite ${attributes}>\n${runs.map(caseXml).join('')}  </testsuite>\n`;
}

function caseXml({ result, verdict, note, title }: ReportedRun): string {
  const line = result.failure?.span?.line;
  const place = line === undefined ? '' : ` line="${line}"`;
  const head = `    <testcase name="${escapeXml(title)}" classname="${escapeXml(result.script)}" file="${escapeXml(result.script)}"${place} time="${seconds(result.milliseconds)}"`;
  if (verdict === 'passed') return `${head}/>\n`;
  if (verdict === 'skipped')
    return `${head}>\n      <skipped message="${escapeXml(result.reason)}"/>\n    </testcase>\n`;
  const summary = note === '' ? (result.failure?.summary ?? result.reason) : note;
  const type = escapeXml(result.failure?.kind ?? 'verdict');
  return `${head}>\n      <failure message="${escapeXml(summary)}" type="${type}">${escapeXml(result.reason)}</failure>\n    </testcase>\n`;
}

export const junit: ReporterKind = {
  readable: false,
  detailed: false,
  create: (context) => new JunitReporter(context),
};
