// Where requirements of RFC 9293 are met and proved, found by tags: in the stack's sources a comment with the ids, in tests
// the ids in a test's name or a comment, in scripts a line `// RFC 9293: MUST-13, …` of the head. Judges nothing.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ID } from './requirements.js';

/** One id in one file. */
export interface Tag {
  readonly id: string;
  /** Path below the project's folder, with forward slashes. */
  readonly file: string;
  /** The declaration of the code that is tagged, or the name of the test; empty for a script. */
  readonly within: string;
}

const DECLARATION =
  /^(?:export )?(?:abstract )?(?:function|class|const|let|interface) (\w+)|^ {2}(?:private |override |get |set |static )*(#?\w+)\((?:.*\{)?$/;
const TEST = /^\s*(?:it|test|describe)(?:\.\w+)*\((?:\[.*\]\)\()?\s*(['"`])(.*?)\1/;
const NAMELESS_TEST = /^\s*(?:\])?\)\((['"`])(.*?)\1/;
const NO_METHOD = new Set(['if', 'for', 'while', 'switch', 'return', 'function']);

/** The declaration that a comment at `at` is about: the one it stands above, else the one it stands in. */
function declarationAt(lines: readonly string[], at: number): string {
  const named = (line: string): string => {
    const match = DECLARATION.exec(line);
    const name = match?.[1] ?? match?.[2] ?? '';
    return NO_METHOD.has(name) ? '' : name;
  };
  let below = at;
  while (below < lines.length && /^\s*(?:\/\/|\/\*|\*)/.test(lines[below])) below++;
  for (let i = below; i >= 0; i--) {
    const name = i === at && below === at ? '' : named(lines[i] ?? '');
    if (name !== '') return name;
  }
  return '';
}

/** The test in whose name or below whose beginning the line `at` stands. */
function testAt(lines: readonly string[], at: number): string {
  // A comment right above a test belongs to it.
  let below = at;
  while (/^\s*\/\//.test(lines[below] ?? '')) below++;
  for (let i = below; i >= 0; i--) {
    const name = TEST.exec(lines[i] ?? '')?.[2] ?? NAMELESS_TEST.exec(lines[i] ?? '')?.[2];
    if (name !== undefined) return name;
  }
  return '';
}

/** Tags of one source file: comments only, so that code never names a requirement by accident. */
export function codeTags(file: string, text: string): Tag[] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => {
    const comment = /(?:\/\/|\/\*|^\s*\*).*$/.exec(line)?.[0] ?? '';
    return (comment.match(ID) ?? []).map((id) => ({ id, file, within: declarationAt(lines, at) }));
  });
}

/** Tags of one test file. */
export function testTags(file: string, text: string): Tag[] {
  const lines = text.split('\n');
  return lines.flatMap((line, at) =>
    (line.match(ID) ?? []).map((id) => ({ id, file, within: testAt(lines, at) })),
  );
}

/** Tags of one script: its lines `// RFC 9293: …` that hold nothing but ids. */
export function scriptTags(file: string, text: string): Tag[] {
  return text
    .split('\n')
    .filter((line) => /^\/\/ RFC 9293: (?:(?:MUST|SHLD|MAY|REC)-\d+(?:, |$))+$/.test(line))
    .flatMap((line) => (line.match(ID) ?? []).map((id) => ({ id, file, within: '' })));
}

export interface Tags {
  readonly code: readonly Tag[];
  readonly proof: readonly Tag[];
}

/** All tags below `root`, the project's folder: the stack's sources and tests, and the own scripts. Each once. */
export function findTags(root: string): Tags {
  const code: Tag[] = [];
  const proof: Tag[] = [];
  const read = (file: string): string => readFileSync(join(root, file), 'utf8');
  const below = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
      .sort();
  for (const file of below('stack')) {
    if (!file.endsWith('.ts')) continue;
    if (file.endsWith('.test.ts')) proof.push(...testTags(file, read(file)));
    else code.push(...codeTags(file, read(file)));
  }
  for (const file of below('conformance/scripts')) {
    if (file.endsWith('.pkt')) proof.push(...scriptTags(file, read(file)));
  }
  return { code: once(code), proof: once(proof) };
}

function once(tags: readonly Tag[]): Tag[] {
  const seen = new Map(tags.map((tag) => [`${tag.id} ${tag.file} ${tag.within}`, tag]));
  return [...seen.values()];
}
