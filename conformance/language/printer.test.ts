import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseScript } from './parser.js';
import { printScript, printSeconds } from './printer.js';
import { withoutPositions } from './same-tree.js';
import { script } from './script-arbitrary.test.support.js';

const OWN_SCRIPTS = fileURLToPath(new URL('../../../conformance/scripts', import.meta.url));
/** google/packetdrill, where somebody has unpacked it; it is not part of this project. */
const PUBLIC_SCRIPTS = process.env.PACKETDRILL_DIR ?? '/work/pd';

function scriptsIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pkt'))
    .sort()
    .map((name) => join(directory, name));
}

/** What run_all.py defines, so that both forms of a script are tried: with and without. */
const DEFINES = {
  MSS: '1460',
  CODE: 'host_unreachable',
  TFO_COOKIE: '3021b9d889017eeb',
  CMSG_LEVEL_IP: 'SOL_IP',
  CMSG_TYPE_RECVERR: 'IP_RECVERR',
};

function roundTrip(file: string): void {
  for (const defines of [{}, DEFINES]) {
    const first = parseScript(readFileSync(file, 'utf8'), { file, defines });
    const printed = printScript(first);
    const second = parseScript(printed, { file: `${file} (printed)`, defines });
    expect(withoutPositions(second)).toEqual(withoutPositions(first));
    expect(printScript(second)).toBe(printed);
  }
}

describe('printing and parsing are inverses', () => {
  test('for generated scripts', () => {
    fc.assert(
      fc.property(script, (tree) => {
        const printed = printScript(tree);
        const parsed = parseScript(printed, { file: 'generated', dialect: tree.dialect });
        expect(withoutPositions(parsed), printed).toEqual(withoutPositions(tree));
      }),
      { numRuns: 1500 },
    );
  });

  const own = scriptsIn(OWN_SCRIPTS);
  test(`for the ${own.length} scripts of the project`, () => {
    expect(own.length).toBeGreaterThan(0);
    for (const file of own) roundTrip(file);
  });

  const others = scriptsIn(PUBLIC_SCRIPTS);
  test.skipIf(others.length === 0)(
    others.length === 0
      ? `for google's scripts (skipped: none at ${PUBLIC_SCRIPTS}; set PACKETDRILL_DIR)`
      : `for google's ${others.length} scripts`,
    () => {
      for (const file of others) roundTrip(file);
    },
  );
});

test('seconds are exact and short', () => {
  for (const [microseconds, text] of [
    [0, '0'],
    [1, '0.000001'],
    [1_500_000, '1.5'],
    [10_000_000, '10'],
    [29, '0.000029'],
  ] as const) {
    expect(printSeconds(microseconds)).toBe(text);
    const { events } = parseScript(`+${text} close(3) = 0`);
    expect(events[0]!.time.at).toBe(microseconds);
  }
});
