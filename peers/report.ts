// What a run of peer cases looks like: a line a case, the matrix, JUnit XML, one JSON object a line.
import type { CaseResult } from './types.js';

const MARK = { passed: 'ok', failed: 'FAILED', skipped: 'skipped' } as const;

const column = (r: Pick<CaseResult, 'family' | 'condition'>): string => `IPv${r.family} ${r.condition}`;

const suiteOf = (r: CaseResult): string => `${column(r)} ${r.device}`;

/** One case: its verdict, and below it what was noted. */
export function resultLine(r: CaseResult): string {
  const head = `${MARK[r.status].padEnd(8)} ${r.name} (${column(r)}, ${r.device}) ${r.seconds.toFixed(2)} s`;
  const reason = r.reason === undefined ? [] : [r.reason];
  return [head, ...[...reason, ...r.notes].map((text) => `         ${text}`)].join('\n');
}

/** A table for each device: cases down, families and conditions across; an empty cell was not asked for or makes no sense. */
export function matrix(results: readonly CaseResult[]): string {
  const devices = [...new Set(results.map((r) => r.device))];
  return devices
    .map((device) =>
      table(
        device,
        results.filter((r) => r.device === device),
      ),
    )
    .join('\n\n');
}

function table(device: string, results: readonly CaseResult[]): string {
  const columns = [...new Set(results.map(column))].sort();
  const names = [...new Set(results.map((r) => r.name))];
  const first = Math.max(6 + device.length, ...names.map((name) => name.length));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text, i) => text.padEnd(i === 0 ? first : (columns[i - 1] ?? '').length)).join(' | ')} |`;
  const rule = `|${[first, ...columns.map((c) => c.length)].map((n) => '-'.repeat(n + 2)).join('|')}|`;
  const rows = names.map((name) =>
    line([
      name,
      ...columns.map((c) => {
        const found = results.find((r) => r.name === name && column(r) === c);
        return found === undefined ? '' : MARK[found.status];
      }),
    ]),
  );
  return [line([`case, ${device}`, ...columns]), rule, ...rows].join('\n');
}

export function totals(results: readonly CaseResult[]): { passed: number; failed: number; skipped: number } {
  const count = (status: CaseResult['status']): number => results.filter((r) => r.status === status).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}

/** The last line of every run. */
export function totalsLine(results: readonly CaseResult[]): string {
  const { passed, failed, skipped } = totals(results);
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** JUnit XML: a suite per family, condition and device. */
export function junitXml(results: readonly CaseResult[]): string {
  const { failed, skipped } = totals(results);
  const suites = [...new Set(results.map(suiteOf))].sort().map((name) =>
    suite(
      name,
      results.filter((r) => suiteOf(r) === name),
    ),
  );
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="netchannel peers" tests="${results.length}" failures="${failed}" skipped="${skipped}" errors="0" time="${time(results)}">`,
    ...suites,
    '</testsuites>\n',
  ].join('\n');
}

function suite(name: string, results: readonly CaseResult[]): string {
  const { failed, skipped } = totals(results);
  const cases = results.map((r) => {
    const head = `    <testcase name="${xml(r.name)}" classname="${xml(`peers.${name}`)}" time="${r.seconds.toFixed(3)}"`;
    const notes = r.notes.length === 0 ? '' : `<system-out>${xml(r.notes.join('\n'))}</system-out>`;
    const reason = r.reason ?? '';
    if (r.status === 'failed') {
      return `${head}><failure message="${xml(reason.split('\n')[0])}">${xml(reason)}</failure>${notes}</testcase>`;
    }
    if (r.status === 'skipped') return `${head}><skipped message="${xml(reason)}"/></testcase>`;
    return notes === '' ? `${head}/>` : `${head}>${notes}</testcase>`;
  });
  return [
    `  <testsuite name="${xml(name)}" tests="${results.length}" failures="${failed}" skipped="${skipped}" errors="0" time="${time(results)}">`,
    ...cases,
    '  </testsuite>',
  ].join('\n');
}

const time = (results: readonly CaseResult[]): string =>
  results.reduce((sum, r) => sum + r.seconds, 0).toFixed(3);

/** Text in XML 1.0: control characters have no place there. */
function xml(text: string): string {
  const entity: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return (
    text
      .replace(/[&<>"]/g, (c) => entity[c])
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not stay
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '\ufffd')
  );
}
