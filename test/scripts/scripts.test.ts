import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const scripts = readdirSync(join(root, 'scripts'))
  .filter((name) => name.endsWith('.mjs') && name !== 'arguments.mjs')
  .map((name) => `scripts/${name}`)
  .concat('test/fuzz-breaks/run.mjs');

function call(script: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    encoding: 'utf8',
    timeout: 60_000,
  });
}

describe('a script of the project', () => {
  it.each(scripts)('%s says with --help how it is called', (script) => {
    const { status, stdout, stderr } = call(script, '--help');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain(`node ${script}`);
  });

  it.each(scripts)('%s refuses an option that it does not know, and says how it is called', (script) => {
    const { status, stdout, stderr } = call(script, '--no-such-option');
    expect(stdout).toBe('');
    expect(stderr).toContain("Unknown option '--no-such-option'");
    expect(stderr).toContain(`node ${script}`);
    expect(status).toBe(2);
  });

  it('takes numbers that are numbers', () => {
    const { status, stderr } = call('scripts/fairness.mjs', '--flows', '2,x');
    expect(stderr).toBe("--flows: expected a whole number from 1 on, not 'x'\n");
    expect(status).toBe(2);
  });

  it('names in its help every step that CI has', () => {
    const steps = /const steps = \{\n(.*?)\n\};/s.exec(
      readFileSync(join(root, 'scripts/ci.mjs'), 'utf8'),
    )![1]!;
    const names = [...steps.matchAll(/^ {2}(\w+)[:,]/gm)].map((match) => match[1]!);
    expect(names.length).toBeGreaterThan(8);
    expect(call('scripts/ci.mjs', '--help').stdout).toContain(`[${names.join('|')}]…`);
  });
});
