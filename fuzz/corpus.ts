// The corpus: small inputs that reach code which ordinary runs seldom do, `fuzz/corpus/<target>/<what-they-reach>.json`. Runs
// start from them (guided.ts), and each must go on reaching what it is named for. Knows files and JSON; runs nothing.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileName } from './filing.js';
import { formatJson } from './format-json.js';
import { InputError, type Json } from './target.js';

export interface CorpusFile {
  readonly format: 1;
  readonly target: string;
  /** Module below `dist/` and function, as in a key of coverage.ts without its place: `stack/tcp/icmp.js revertBackoff`. */
  readonly reaches: string;
  readonly input: Json;
}

export interface CorpusEntry {
  readonly path: string;
  readonly file: CorpusFile;
}

/** The folder that belongs to this source tree. */
export const CORPUS: string = join(import.meta.dirname, '../../fuzz/corpus');

/** Everything kept for `target`, in order of name. Throws InputError for what is no entry. */
export function readCorpus(folder: string, target: string): readonly CorpusEntry[] {
  const below = join(folder, target);
  if (!existsSync(below)) return [];
  const names = readdirSync(below).filter((name) => name.endsWith('.json'));
  return names.sort().map((name) => {
    const path = join(below, name);
    return { path, file: readEntry(path, target) };
  });
}

function readEntry(path: string, target: string): CorpusFile {
  let value: Partial<CorpusFile>;
  try {
    value = JSON.parse(readFileSync(path, 'utf8')) as Partial<CorpusFile>;
  } catch (error) {
    throw new InputError(`${path}: ${(error as Error).message}`);
  }
  const { format, reaches, input } = value ?? {};
  if (format !== 1 || value.target !== target || typeof reaches !== 'string' || input === undefined) {
    throw new InputError(`${path}: not an entry of format 1 of the corpus of ${target}`);
  }
  return value as CorpusFile;
}

/** Writes an entry under the name of what it reaches; returns its path. */
export function writeCorpus(folder: string, file: CorpusFile): string {
  const below = join(folder, file.target);
  mkdirSync(below, { recursive: true });
  const [module, name] = file.reaches.split(' ');
  const words = `${module.replace(/^.*\/|\.js$/g, '')} ${name.replace(/([a-z])([A-Z])/g, '$1-$2')}`;
  const path = join(below, `${fileName(words)}.json`);
  writeFileSync(path, formatJson(file as unknown as Json));
  return path;
}
