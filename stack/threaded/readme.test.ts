// README's example of several threads, as it is printed, on a real TUN device in a network namespace of its own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { skipWithoutTun } from '../link/require-tun.test.helper.js';

const readme = fileURLToPath(new URL('../../../README.md', import.meta.url));
const netchannel = new URL('../index.js', import.meta.url).href;

/** The indented program of README that begins with the comment `// name`. */
function program(name: string): string {
  const lines = readFileSync(readme, 'utf8').split('\n');
  const first = lines.indexOf(`    // ${name}`);
  expect(first).toBeGreaterThan(0);
  const rest = lines.slice(first + 1);
  const end = rest.findIndex((line) => /^\S/.test(line) || line.startsWith('    // worker.mjs'));
  return rest
    .slice(0, end)
    .map((line) => line.slice(4))
    .join('\n')
    .replace("'netchannel'", `'${netchannel}'`);
}

describe('README', () => {
  it.skipIf(skipWithoutTun())(
    'runs a driver and a host in threads on a TUN device',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'netchannel-readme-'));
      try {
        for (const name of ['main.mjs', 'worker.mjs']) writeFileSync(join(folder, name), program(name));
        const child = spawnSync('unshare', ['--net', process.execPath, join(folder, 'main.mjs')], {
          timeout: 60_000,
          encoding: 'utf8',
        });
        expect(`${child.stderr}${child.status} ${child.stdout}`).toBe('0 hello true\n');
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    90_000,
  );
});
