// What every reporter is: told of the beginning, of each run in order, and of the end; it writes text.

import type { RunResult, Verdict } from '../runner/result.js';
import type { Change } from '../suite/expectations.js';

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

/** A run as a report sees it. */
export interface ReportedRun {
  readonly result: RunResult;
  /** Name for people and machines: `path (version)`. */
  readonly title: string;
  /** Verdict after expected failures: an expected one counts as passed, an unexpected pass as failed. */
  readonly verdict: Verdict;
  /** `expected failure`, `unexpected pass`, or empty. */
  readonly note: string;
  /** The script's text; empty when it could not be read. Only reporters that ask for it get it. */
  readonly source: string;
}

export interface ReportEnd {
  readonly totals: Totals;
  readonly milliseconds: number;
  readonly changes: readonly Change[];
}

export interface ReportContext {
  write(text: string): void;
  /** Escape sequences may be used. */
  readonly color: boolean;
  readonly target: string;
  /** Runs that are planned. */
  readonly planned: number;
}

export interface Reporter {
  run(run: ReportedRun): void;
  end(end: ReportEnd): void;
}

export interface ReporterKind {
  /** Made for reading by people: the summary line may follow on the same stream. */
  readonly readable: boolean;
  /** Needs packets, events and source of every run. */
  readonly detailed: boolean;
  create(context: ReportContext): Reporter;
}

/** `12 passed, 1 failed, 0 skipped` */
export function summaryLine(totals: Totals): string {
  return `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`;
}

/** XML text without what XML 1.0 cannot hold. */
export function escapeXml(text: string): string {
  return (
    text
      .replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to go
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
  );
}
