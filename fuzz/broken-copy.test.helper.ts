// A copy of the compiled project that can be broken on purpose and made whole again, for what has to fail on a broken stack.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** One place in a source file, and what stands there when it is broken. */
export interface Break {
  /** `stack/tcp/transmit.ts` */
  readonly file: string;
  /** Stands in the compiled file once. */
  readonly from: string;
  readonly to: string;
}

export class BrokenCopy {
  readonly folder: string;
  private mended: (() => void) | undefined;

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'netchannel-broken-'));
    cpSync(join(ROOT, 'dist'), join(this.folder, 'dist'), { recursive: true });
    mkdirSync(join(this.folder, 'test'));
    for (const name of ['package.json', 'vitest.config.js', 'test/setup.js'])
      cpSync(join(ROOT, name), join(this.folder, name));
    symlinkSync(join(ROOT, 'node_modules'), join(this.folder, 'node_modules'));
  }

  /** Throws when the place is not there, or there are two of them. */
  break({ file, from, to }: Break): void {
    const path = join(this.folder, 'dist', file.replace(/\.ts$/, '.js'));
    const whole = readFileSync(path, 'utf8');
    if (whole.split(from).length !== 2) throw new Error(`${file} does not have "${from}" once`);
    this.mended = () => writeFileSync(path, whole);
    writeFileSync(
      path,
      whole.replace(from, () => to),
    );
  }

  mend(): void {
    this.mended?.();
    this.mended = undefined;
  }

  node(...args: string[]): { status: number | null; text: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: this.folder,
      encoding: 'utf8',
    });
    return { status, text: stdout + stderr };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
