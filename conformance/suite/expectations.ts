// Committed lists of verdicts. Expected failures: `path [version…]` a line. Baselines: `verdict version path` a line.
// Both hold names and versions only, `#` begins a comment, and paths may be shorter than the file's: `a/b.pkt` means
// every script whose path ends so.

import { IP_VERSIONS, type IpVersion } from '../runner/presets.js';
import type { RunResult, Verdict } from '../runner/result.js';
import type { PlannedRun } from './discover.js';

export class ExpectationsError extends Error {
  override readonly name = 'ExpectationsError';
  readonly code = 'ERR_EXPECTATIONS';
}

interface Row {
  readonly words: string[];
  readonly line: number;
}

function rows(text: string): Row[] {
  return text
    .split('\n')
    .map((line, i) => ({ words: line.replace(/#.*/, '').trim().split(/\s+/).filter(Boolean), line: i + 1 }))
    .filter((row) => row.words.length > 0);
}

function version(word: string, file: string, line: number): IpVersion {
  const found = IP_VERSIONS.find((v) => v === word);
  if (found) return found;
  throw new ExpectationsError(`${file}:${line}: '${word}' is no IP version (${IP_VERSIONS.join(', ')})`);
}

function means(name: string, path: string): boolean {
  const plain = path.replaceAll('\\', '/');
  return plain === name || plain.endsWith(`/${name}`);
}

/** Failures that a team knows of. */
export class ExpectedFailures {
  private readonly entries: { name: string; versions: readonly IpVersion[]; line: number }[];

  constructor(text: string, file: string) {
    this.entries = rows(text).map(({ words, line }) => ({
      name: words[0]!,
      versions: words.slice(1).map((w) => version(w, file, line)),
      line,
    }));
  }

  expects(run: PlannedRun): boolean {
    return this.entries.some(
      (e) => means(e.name, run.path) && (e.versions.length === 0 || e.versions.includes(run.ipVersion)),
    );
  }
}

export interface Change {
  readonly name: string;
  readonly ipVersion: IpVersion;
  readonly before: Verdict | 'absent';
  readonly after: Verdict;
  /** True for everything that is not a new pass. */
  readonly worse: boolean;
}

const VERDICTS: readonly Verdict[] = ['passed', 'failed', 'skipped'];

/** Verdicts of an earlier run. */
export class Baseline {
  private readonly entries: { verdict: Verdict; ipVersion: IpVersion; name: string }[];

  constructor(text: string, file: string) {
    this.entries = rows(text).map(({ words, line }) => {
      const [verdict, ip, name] = words;
      const known = VERDICTS.find((v) => v === verdict);
      if (!known || words.length !== 3) {
        throw new ExpectationsError(`${file}:${line}: expected 'verdict version path'`);
      }
      return { verdict: known, ipVersion: version(ip!, file, line), name: name! };
    });
  }

  /** Null when the verdict is what it was. */
  compare(run: PlannedRun, result: RunResult): Change | null {
    const entry = this.entries.find((e) => e.ipVersion === run.ipVersion && means(e.name, run.path));
    const before = entry?.verdict ?? 'absent';
    const { verdict: after } = result;
    if (before === after) return null;
    return { name: run.file, ipVersion: run.ipVersion, before, after, worse: after !== 'passed' };
  }

  /** The text of a baseline with these verdicts, sorted, so that a diff shows what changed. */
  static write(results: readonly { run: PlannedRun; verdict: Verdict }[]): string {
    const lines = results
      .map(({ run, verdict }) => ({
        key: `${run.name} ${run.ipVersion}`,
        line: `${verdict} ${run.ipVersion} ${run.name}`,
      }))
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .map(({ line }) => line);
    return `# verdict version path: written by netchannel conform --update-baseline\n${lines.join('\n')}\n`;
  }
}
