// Failures as files: fuzz/regressions/<target>/<what-it-means>.json (format in fuzz/regressions/README.md); machines merge
// by copying. Knows files and JSON; runs nothing.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { formatJson } from './format-json.js';
import type { Find } from './slice.js';
import { InputError, type Json, type Place } from './target.js';

export interface Regression {
  readonly format: 1;
  readonly target: string;
  readonly id: string;
  readonly invariant: string;
  readonly seed?: number | string;
  readonly path?: string;
  readonly input: Json;
  readonly commit?: string;
  readonly found: string;
  readonly break?: Json;
  /** Where the failure showed, when its target has several hosts: whose exchange lies beside the file. */
  readonly place?: Place;
  /** Why there is no script beside the file though packets are exchanged. */
  readonly scriptless?: string;
}

export interface FiledRegression {
  readonly path: string;
  readonly file: Regression;
}

/** The folder that belongs to this source tree. */
export const REGRESSIONS: string = join(import.meta.dirname, '../../fuzz/regressions');

/** Words of an id as a file name. */
export function fileName(id: string): string {
  const words = id
    .replace(/[^a-z0-9]+/gi, '-')
    .toLowerCase()
    .replace(/^-+|-+$/g, '');
  return words.slice(0, 100).replace(/-+$/, '') || 'unnamed';
}

/** Reads one file. Throws InputError for what is no regression. */
export function readRegression(path: string): Regression {
  let value: Partial<Regression>;
  try {
    value = JSON.parse(readFileSync(path, 'utf8')) as Partial<Regression>;
  } catch (error) {
    throw new InputError(`${path}: ${(error as Error).message}`);
  }
  if (
    value?.format !== 1 ||
    typeof value.target !== 'string' ||
    typeof value.id !== 'string' ||
    value.input === undefined
  ) {
    throw new InputError(`${path}: not a regression of format 1`);
  }
  return value as Regression;
}

/** Everything filed below `folder`, in order of path. */
export function filedRegressions(folder: string): FiledRegression[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({ path: join(folder, name), file: readRegression(join(folder, name)) }));
}

/** The commit of the tree, with `+` when it has changes; undefined outside of one. */
export function commitOf(): string | undefined {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, {
        cwd: import.meta.dirname,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    return (
      git('rev-parse', '--short=12', 'HEAD') +
      (git('status', '--porcelain', '--untracked-files=no') ? '+' : '')
    );
  } catch {
    return undefined;
  }
}

/** What is written for `find`, now. */
export function regressionOf(target: string, find: Find, today: string, commit = commitOf()): Regression {
  return {
    format: 1,
    target,
    id: find.id,
    invariant: find.message.slice(0, 500),
    seed: find.seed,
    path: find.path,
    input: find.input,
    ...(commit === undefined ? {} : { commit }),
    found: today,
  };
}

/**
 * Files a failure below `folder` and returns its path. Its name is what it means; where that is taken, by another fault that
 * broke the same invariant, a part of the input's hash follows, so that files of several machines still merge.
 */
export function fileRegression(folder: string, regression: Regression): string {
  const home = join(folder, regression.target);
  const name = fileName(regression.id);
  let path = join(home, `${name}.json`);
  if (existsSync(path)) {
    const hash = createHash('sha256').update(JSON.stringify(regression.input)).digest('hex');
    path = join(home, `${name}-${hash.slice(0, 8)}.json`);
  }
  mkdirSync(dirname(path), { recursive: true });
  writeRegression(path, regression);
  return path;
}

/** Writes over the file of a failure, as the project's formatter would have it. */
export function writeRegression(path: string, regression: Regression): void {
  writeFileSync(path, formatJson(regression as unknown as Json));
}
