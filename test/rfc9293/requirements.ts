// The 119 requirements of RFC 9293, Appendix B, read from their tables. Knows no file of the stack.
import { MUST } from './must.js';
import { MAY, SHOULD } from './should-may.js';

/** How the stack stands to a requirement. `linux`: deliberately as Linux; `moot`: its condition does not arise. */
export type Verdict = 'met' | 'linux' | 'unmet' | 'moot';
export type Level = 'MUST' | 'SHLD' | 'MAY' | 'REC';

export interface Requirement {
  /** As the appendix names it: `MUST-13`. */
  readonly id: string;
  readonly level: Level;
  /** Section of RFC 9293 that asks for it. */
  readonly section: string;
  /** What is asked, in our own words. */
  readonly words: string;
  readonly verdict: Verdict;
  /** Why it is not plainly met; empty when it is. */
  readonly reason: string;
}

/** An id of the appendix, wherever it is written. */
export const ID = /\b(?:MUST|SHLD|MAY|REC)-\d+\b/g;

/** How many ids of each level the appendix has. */
export const LEVELS: Readonly<Record<Level, number>> = { MUST: 69, SHLD: 31, MAY: 18, REC: 1 };

const VERDICTS: readonly string[] = ['met', 'linux', 'unmet', 'moot'];

/** Reads a table: one requirement a line. @throws Error naming the line that breaks the form. */
export function parseRequirements(table: string): Requirement[] {
  return table
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [id = '', section = '', words = '', verdict = '', reason = '', ...rest] = line
        .split('|')
        .map((cell) => cell.trim());
      const level = /^(MUST|SHLD|MAY|REC)-[1-9]\d*$/.exec(id)?.[1] as Level | undefined;
      const formed = level !== undefined && /^3(\.\d+)+$/.test(section) && words.endsWith('.');
      if (
        !formed ||
        !VERDICTS.includes(verdict) ||
        (verdict === 'met') !== (reason === '') ||
        rest.length > 0
      )
        throw new Error(`not a requirement: ${line}`);
      return { id, level, section, words, verdict: verdict as Verdict, reason };
    });
}

/** All of them, in the order of the appendix' numbers. */
export const REQUIREMENTS: readonly Requirement[] = parseRequirements(MUST + SHOULD + MAY);
