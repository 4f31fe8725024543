import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const main = fileURLToPath(new URL('./main.js', import.meta.url));
const run = (...args: string[]) =>
  spawnSync(process.execPath, [main, 'bench', ...args], { encoding: 'utf8', timeout: 28_000 });

it('names its benches and refuses others', () => {
  expect(run('--list')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^ring$/m) });
  expect(run('nothing')).toMatchObject({ status: 2, stderr: expect.stringContaining('no bench "nothing"') });
  expect(run('--scale', 'x')).toMatchObject({ status: 2, stderr: expect.stringContaining('--scale') });
  expect(run('--runs', '0')).toMatchObject({ status: 2 });
});
