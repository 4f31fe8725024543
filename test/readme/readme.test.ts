// README's words are kept: its scripts and programs run as they are printed there.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

// Inside the project, so that the programs find the package by its own name.
mkdirSync(join(root, 'out'), { recursive: true });
const folder = mkdtempSync(join(root, 'out/readme-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The indented lines below a heading, without their indent; those of its first block that has `part`. */
function block(heading: string, part: string): string {
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`))!;
  const blocks = section.split(/\n(?=\S)/).map((text) =>
    text
      .split('\n')
      .filter((line) => line.startsWith('    ') || line === '')
      .map((line) => line.slice(4))
      .join('\n'),
  );
  return blocks.find((text) => text.includes(part))!;
}

function sh(command: string): { status: number | null; out: string } {
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const ran = spawnSync('bash', ['-c', command], { cwd: folder, encoding: 'utf8', env });
  return { status: ran.status, out: ran.stdout + ran.stderr };
}

// `npx netchannel` as an installed package would find it.
const main = join(root, 'dist/cli/main.js');
writeFileSync(join(folder, 'npx'), `#!/bin/sh\nshift\nexec ${process.execPath} ${main} "$@"\n`, {
  mode: 0o755,
});

describe('README', () => {
  it('shows a script that fails, and how it is mended', () => {
    const session = block('Write a script, see it fail, mend it', 'hello.pkt');
    const commands = session.split(/^\$ /m).slice(1);
    const printed: string[] = [];
    for (const text of commands) {
      // A here-document belongs to its command; what follows is what the command prints.
      const ends = text.includes("<<'END'") ? text.indexOf('\nEND\n') + 5 : text.indexOf('\n') + 1;
      const { out } = sh(text.slice(0, ends));
      const wanted = text
        .slice(ends)
        .split('\n')
        .filter((line) => line.trim() !== '' && line.trim() !== '…');
      for (const line of wanted) expect(out).toContain(line);
      printed.push(...wanted);
    }
    expect(printed.length).toBeGreaterThan(3);
  });

  it('shows two stacks in one process', () => {
    const program = block('Two stacks in one process', 'createStack');
    writeFileSync(join(folder, 'two.mjs'), program);
    const [, promised] = /console\.log\(.*\/\/ (hello \d+)/.exec(program)!;
    expect(sh(`${process.execPath} two.mjs`)).toEqual({ status: 0, out: `${promised}\n` });
  });

  it('shows the library of conformance', () => {
    const program = block('Write a script, see it fail, mend it', 'runScript');
    const text = '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3';
    writeFileSync(join(folder, 'library.mjs'), `const text = ${JSON.stringify(text)};\n${program}`);
    expect(sh(`${process.execPath} library.mjs`)).toEqual({ status: 0, out: 'passed  0\n' });
  });

  it('names verbs and options that there are', () => {
    const commands = [...readme.matchAll(/^ {4}(?:\$ )?npx netchannel (.+?)(?: {2,}# .*)?$/gm)].map(
      (m) => m[1]!,
    );
    expect(commands.length).toBeGreaterThan(10);
    const verbs = new Set(commands.map((command) => command.split(' ')[0]!));
    const helps = new Map([...verbs].map((verb) => [verb, sh(`npx netchannel ${verb} --help`)]));
    for (const command of commands) {
      const help = helps.get(command.split(' ')[0]!)!;
      expect(help.status, command).toBe(0);
      for (const [option] of command.matchAll(/(?<= )--[a-z-]+/g))
        expect(help.out, command).toContain(option);
    }
  });
});
