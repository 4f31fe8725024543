// `--parse-only`: every script parses, prints, and parses again to the same tree. Nothing is run.

import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { parseScript, printScript, ScriptError, withoutPositions } from '../conformance/language/index.js';
import { summaryLine } from '../conformance/report/index.js';
import { PRESET_DEFINES } from '../conformance/runner/presets.js';
import { discover, type ScriptFile } from '../conformance/suite/discover.js';
import type { ConformOptions } from './conform-options.js';
import { EXIT_OK, EXIT_USAGE } from './exit.js';

export function parseOnly(options: ConformOptions): number {
  const { scripts, problems } = discover(options.paths, process.cwd());
  for (const problem of problems) process.stderr.write(`netchannel conform: ${problem}\n`);
  const chosen = options.grep ? scripts.filter((s) => options.grep!.test(s.file)) : scripts;
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const script of chosen) {
    const problem = check(script, options);
    totals[problem === null ? 'passed' : 'failed']++;
    if (problem !== null) process.stdout.write(`FAIL ${script.file}\n${problem.replace(/^/gm, '     ')}\n\n`);
  }
  process.stdout.write(`${summaryLine(totals)}\n`);
  return totals.failed > 0 || problems.length > 0 ? EXIT_USAGE : EXIT_OK;
}

/** Null when all is well. */
function check(script: ScriptFile, options: ConformOptions): string | null {
  const defines = { ...PRESET_DEFINES[options.versions[0] ?? 'ipv4'], ...options.defines };
  const parse = (text: string): ReturnType<typeof parseScript> =>
    parseScript(text, { file: script.file, dialect: options.dialect, defines });
  try {
    const first = parse(readFileSync(script.path, 'utf8'));
    const again = parse(printScript(first));
    return isDeepStrictEqual(withoutPositions(first), withoutPositions(again))
      ? null
      : `${script.file}: what is printed does not parse to the same tree`;
  } catch (error) {
    if (error instanceof ScriptError) return error.message;
    return `${script.file}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
