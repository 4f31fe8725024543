// Builds and runs the C and C++ peers, when a compiler and their libraries are there. Their sources are our own; a
// missing compiler or package is a reason that the row prints, never an error.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('../../bench/peers/', import.meta.url));

export interface Peer {
  run(args: readonly string[]): number[];
  close(): void;
}

/** The built program, or why there is none. Each run prints numbers separated by spaces. */
export function buildPeer(compiler: string, source: string, flags: readonly string[]): Peer | string {
  const path = join(SOURCES, source);
  if (!existsSync(path)) return `${source} is not here`;
  const folder = mkdtempSync(join(tmpdir(), 'netchannel-bench-'));
  const program = join(folder, 'peer');
  const built = spawnSync(compiler, ['-O3', '-march=native', '-o', program, path, ...flags], {
    encoding: 'utf8',
  });
  if (built.status !== 0) {
    rmSync(folder, { recursive: true });
    return built.error
      ? `no ${compiler}`
      : (built.stderr.split('\n').find((l) => l.includes('error')) ?? 'does not build');
  }
  return {
    run(args) {
      const r = spawnSync(program, [...args], { encoding: 'utf8', timeout: 120_000 });
      if (r.status !== 0) throw new Error(`${source}: ${r.stderr || r.signal || r.status}`);
      return r.stdout.trim().split(/\s+/).map(Number);
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
