// The parser against packetdrill itself: whatever packetdrill reads, we read. Our own scripts with a few words
// exchanged are given to `packetdrill --dry_run`, which parses and stops. Set PACKETDRILL_BINARY to a built one.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ScriptError } from './errors.js';
import { parseScript } from './parser.js';
import { printScript } from './printer.js';

const binary = process.env.PACKETDRILL_BINARY;
const RUNS = Number(process.env.PACKETDRILL_RUNS ?? 400);
const SCRIPTS = fileURLToPath(new URL('../../../conformance/scripts', import.meta.url));

const WORDS =
  /\.\.\.|--\w+|\d+\.\d+\.\d+\.\d+|-?\d*\.\d+|-?\d+|0x[0-9a-f]+|\w+|"[^"]*"|`[^`]*`|%\{[\s\S]*?\}%|\s+|(?:\/\/|#)[^\n]*|[\s\S]/g;

/** Words of one sort are exchanged for each other, so that many changed scripts are still scripts. */
function sortOf(word: string): string {
  if (/^-?\d+$/.test(word)) return 'integer';
  if (/^-?\d*\.\d+$/.test(word)) return 'float';
  if (/^[A-Z_]{3,}/.test(word)) return 'symbol';
  return /^\w+$/.test(word) ? 'word' : word[0]!;
}

const EXTRA = (
  '[ect0]|(ce)|[tos 0x1]|[flowlabel 0x5]|[ect1, flowlabel 0x3]|[ttl 5]|udp|(5)|icmp|gre:|.5|P.3|SEWA|urg 5|{fd=3}|' +
  '{..., 5}|...|"a" "b"|"x"...|A=B|5 > 6|*|~|+1~+2|{onoff=1, linger=2}|(abc)|EAGAIN|ENOENT (x y)|inet_addr("1.2.3.4")|' +
  'ipv4 1.2.3.4 > 5.6.7.8:|1:1(0)|<|>|none|id|label|off|FO|flags|ECN e0b 1|md5 ab|eol'
).split('|');

/** What packetdrill lets through and we refuse on purpose: fields cut to their size, addresses that are none. */
function refusedOnPurpose(error: ScriptError): boolean {
  return error.code === 'RANGE' || error.code === 'NOT_ALLOWED' || error.expected.includes("'AF_INET'");
}

function packetdrillReads(directory: string, text: string): boolean {
  const file = join(directory, 'x.pkt');
  writeFileSync(file, text);
  return spawnSync(binary!, ['--dry_run', file], { encoding: 'utf8', timeout: 10_000 }).status === 0;
}

test.skipIf(binary === undefined)(
  binary === undefined
    ? 'whatever packetdrill reads (skipped: PACKETDRILL_BINARY is not set)'
    : 'whatever packetdrill reads, we read, and what we print it reads',
  { timeout: 600_000 },
  () => {
    const directory = mkdtempSync(join(tmpdir(), 'netchannel-oracle-'));
    const files = readdirSync(SCRIPTS, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.pkt'),
    );
    const scripts = files.map((name) => readFileSync(join(SCRIPTS, name), 'utf8').match(WORDS)!);
    const bySort = new Map<string, string[]>();
    for (const word of new Set(scripts.flat())) {
      const sort = sortOf(word);
      bySort.set(sort, [...(bySort.get(sort) ?? []), word]);
    }
    const change = fc.record({ place: fc.nat(), word: fc.nat(), how: fc.nat(9) });
    const samples = fc.sample(fc.tuple(fc.nat(), fc.array(change, { minLength: 1, maxLength: 2 })), RUNS);
    let accepted = 0;
    try {
      for (const [which, changes] of samples) {
        const words = [...scripts[which % scripts.length]!];
        for (const { place, word, how } of changes) {
          const at = place % words.length;
          const same = how < 3 ? EXTRA : bySort.get(sortOf(words[at]!))!;
          const replacement = same[word % same.length]!;
          words.splice(at, how % 3 === 0 ? 0 : 1, ...(how === 9 ? [] : [` ${replacement} `]));
        }
        const text = words.join('');
        if (!packetdrillReads(directory, text)) continue;
        accepted++;
        try {
          const printed = printScript(parseScript(text));
          expect(packetdrillReads(directory, printed), printed).toBe(true);
        } catch (error) {
          if (!(error instanceof ScriptError) || !refusedOnPurpose(error)) throw error;
        }
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
    expect(accepted).toBeGreaterThan(RUNS / 10);
  },
);
