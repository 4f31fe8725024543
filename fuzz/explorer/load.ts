// Reads the shipped modules from the build, instruments them together, and evaluates the result around a machine.
// It must never change what it reads, except through an explicit edit (a mutant's).

import { readFileSync } from 'node:fs';
import type { Machine } from './machine.js';
import { instrument, resolve, type Site, type SourceModule } from './transform.js';

/** Modules with shared accesses, instrumented; everything else they import is used as it is. */
export const INSTRUMENTED: readonly string[] = [
  'channel/ring.js',
  'channel/doorbell.js',
  'channel/buffers.js',
  'channel/party.js',
  'channel/pool.js',
  'channel/channel.js',
  'flows/epochs.js',
  'flows/chains.js',
  'flows/nodes.js',
  'flows/resize.js',
  'flows/reader.js',
  'flows/table.js',
  'threaded/ready-readers.js',
];

const STACK = new URL('../../stack/', import.meta.url);

/** A change of one module's source: replaces `[start, end)` by `text`. Several are applied from the last to the first. */
export interface Edit {
  module: string;
  start: number;
  end: number;
  text: string;
}

export function sourceOf(module: string): string {
  return readFileSync(new URL(module, STACK), 'utf8').replace(/\n\/\/# sourceMappingURL=.*$/m, '');
}

/** A program: instrumented code, evaluated again for each machine. */
export interface Program {
  sites: Site[];
  /** Plain accesses are scheduling points too. */
  everyAccess: boolean;
  /** Binds the code to a machine; returns exports by module name. Twins' names end in `$`. */
  // biome-ignore lint/suspicious/noExplicitAny: exports of instrumented modules have no static types
  bind(machine: Machine): (module: string) => any;
}

// biome-ignore lint/suspicious/noExplicitAny: exports of plain modules
const plain = new Map<string, any>();

/** Loads the modules that are not instrumented; once, before any program is made. */
export async function prepare(): Promise<void> {
  for (const name of [
    'channel/arena.js',
    'channel/pool-error.js',
    'flows/key.js',
    'flows/hash.js',
    'flows/layout.js',
    'flows/stats.js',
  ]) {
    if (!plain.has(name)) plain.set(name, await import(new URL(name, STACK).href));
  }
}

/** Builds the program, with edits for mutants; with every access a scheduling point if asked. Throws SyntaxError when an edit breaks the code. */
export function build(edits: readonly Edit[] = [], everyAccess = false): Program {
  const modules: SourceModule[] = INSTRUMENTED.map((name) => {
    let source = sourceOf(name);
    const own = edits.filter((e) => e.module === name).sort((a, b) => b.start - a.start);
    for (const e of own) source = source.slice(0, e.start) + e.text + source.slice(e.end);
    return { name, source };
  });
  const { bodies, sites } = instrument(modules, everyAccess);
  const compiled = new Map<string, (...args: unknown[]) => void>();
  for (const [name, body] of bodies) {
    compiled.set(name, new Function('$', '$import', '$exports', body) as (...args: unknown[]) => void);
  }
  return {
    sites,
    everyAccess,
    bind(machine) {
      const done = new Map<string, unknown>();
      const load = (name: string): unknown => {
        if (plain.has(name)) return plain.get(name);
        const known = done.get(name);
        if (known) return known;
        const code = compiled.get(name);
        if (!code) throw new Error(`${name} is neither instrumented nor plain: add it to load.ts`);
        const exports = {};
        done.set(name, exports);
        code(machine, load, exports);
        return exports;
      };
      return load;
    },
  };
}

export { resolve };
