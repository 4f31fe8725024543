// Every requirement of RFC 9293, Appendix B, has its verdict, its code and its proof, and docs/rfc9293.md says so.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { counts, findFaults, renderReport } from './report.js';
import { ID, LEVELS, parseRequirements, REQUIREMENTS, type Requirement } from './requirements.js';
import { codeTags, findTags, scriptTags, type Tags, testTags } from './tags.js';

const root = resolve(import.meta.dirname, '../../..');

// Put together here, so that this file names no requirement by itself.
const id = (level: string, n: number): string => `${level}-${n}`;

describe('RFC 9293, Appendix B', () => {
  const tags = findTags(root);

  it('is listed whole, and every requirement that is met has its code and its proof', () => {
    expect(findFaults(REQUIREMENTS, tags)).toEqual([]);
  });

  it('is what docs/rfc9293.md shows', () => {
    const page = readFileSync(resolve(root, 'docs/rfc9293.md'), 'utf8');
    expect(renderReport(REQUIREMENTS, tags), 'run node scripts/rfc9293.mjs').toBe(page);
  });

  it('leaves no MUST unmet, in the strict profile at least', () => {
    expect(REQUIREMENTS.filter((one) => one.level === 'MUST' && one.verdict === 'unmet')).toEqual([]);
  });
});

describe('the check', () => {
  const every = (verdict: Requirement['verdict']): Requirement[] =>
    Object.entries(LEVELS).flatMap(([level, count]) =>
      Array.from({ length: count }, (_, i) => ({
        id: id(level, i + 1),
        level: level as Requirement['level'],
        section: '3.1',
        words: 'Something.',
        verdict,
        reason: verdict === 'met' ? '' : 'because',
      })),
    );
  const all = (requirements: readonly Requirement[]): Tags => {
    const tags = requirements.map((one) => ({ id: one.id, file: 'stack/tcp/profile.test.ts', within: '' }));
    return { code: tags, proof: tags };
  };
  const met = every('met');

  it('is content when every id has code and proof', () => {
    expect(findFaults(met, all(met))).toEqual([]);
    expect(findFaults(every('moot'), { code: [], proof: [] })).toEqual([]);
  });

  it('names a missing tag, of either kind', () => {
    const tags = all(met);
    expect(findFaults(met, { ...tags, code: tags.code.slice(1) })).toEqual([
      `${id('MUST', 1)} has no tag in the stack's code`,
    ]);
    expect(findFaults(met, { ...tags, proof: tags.proof.slice(1) })).toEqual([
      `${id('MUST', 1)} has no script or test that names it`,
    ]);
  });

  it('names an unknown id, a tag of what is not met, an id that is not listed or listed twice', () => {
    const strange = { id: id('MUST', 70), file: 'stack/x.ts', within: '' };
    expect(findFaults(met, { ...all(met), code: [...all(met).code, strange] })).toEqual([
      `stack/x.ts names ${id('MUST', 70)}, which does not exist`,
    ]);
    expect(findFaults(every('unmet'), { code: [], proof: [all(met).proof[0]] })).toEqual([
      `stack/tcp/profile.test.ts names ${id('MUST', 1)}, whose verdict is “not met”`,
    ]);
    expect(findFaults(met.slice(1), all(met.slice(1)))).toEqual([
      `${id('MUST', 1)} is missing from the list`,
      '68 MUST are listed, the appendix has 69',
    ]);
    expect(findFaults([...met, met[0]], all(met))).toEqual(['70 MUST are listed, the appendix has 69']);
  });

  it('wants a test of the strict profile where a MUST is left to Linux', () => {
    const linux = every('linux');
    const elsewhere = linux.map((one) => ({ id: one.id, file: 'stack/x.test.ts', within: '' }));
    const faults = findFaults(linux, { code: elsewhere, proof: elsewhere });
    expect(faults).toHaveLength(LEVELS.MUST);
    expect(faults[0]).toBe(`${id('MUST', 1)} has no test of the strict profile`);
  });

  it('refuses rows that break the form', () => {
    const good = `${id('MUST', 1)} | 3.1 | Words. | met |`;
    expect(parseRequirements(good)).toHaveLength(1);
    for (const bad of [
      good.replace('MUST', 'WANT'),
      good.replace('3.1', 'here'),
      good.replace('Words.', 'Words'),
      good.replace('met', 'perhaps'),
      `${good} a reason`,
      good.replace('met', 'unmet'),
      `${good.replace('met', 'unmet')} one | two`,
    ]) {
      expect(() => parseRequirements(bad), bad).toThrow('not a requirement');
    }
  });

  it('counts by verdict and level', () => {
    expect(counts(met)).toContain('| met | 69 | 31 | 18 | 1 | 119 |');
    expect(counts(met)).toContain('| not met | 0 | 0 | 0 | 0 | 0 |');
  });
});

describe('tags', () => {
  const [one, two] = [id('MUST', 1), id('SHLD', 2)];

  it('in code belong to the declaration below them or around them, and count in comments only', () => {
    const text = [
      `// RFC 9293 ${one}`,
      '/** What it does. */',
      'export function first(): void {',
      `  // RFC 9293 ${two}`,
      `  act('${id('MAY', 3)}'); // ${id('MAY', 4)}`,
      '}',
      'class Second {',
      '  private run(now: number): void {',
      `    act(now); // ${id('MAY', 5)}`,
    ];
    const found = codeTags('a.ts', text.join('\n'));
    expect(found.map((tag) => [tag.id, tag.within])).toEqual([
      [one, 'first'],
      [two, 'first'],
      [id('MAY', 4), 'first'],
      [id('MAY', 5), 'run'],
    ]);
  });

  it('in tests belong to the test that names them, or below whose beginning or above which they stand', () => {
    const text = `it('first (${one})', () => {\n  expect(1); // ${two}\n});\n// ${one}\ntest("second", () => {`;
    expect(testTags('a.test.ts', text).map((tag) => [tag.id, tag.within])).toEqual([
      [one, `first (${one})`],
      [two, `first (${one})`],
      [one, 'second'],
    ]);
  });

  it('in scripts are lines of ids and nothing else', () => {
    const text = `// What.\n// RFC 9293, section 3.1: ${one}.\n// RFC 9293: ${one}, ${two}\n// RFC 9293: ${two} and so on\n`;
    expect(scriptTags('a.pkt', text).map((tag) => tag.id)).toEqual([one, two]);
  });

  it('do not match within longer words', () => {
    expect(`X${one} ${two}`.match(ID)).toEqual([two]);
  });
});
