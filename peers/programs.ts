// Programs of the host in the namespace of the calling thread: started with argument lists, bounded in time, and ended with
// the case. A child inherits the network namespace of the thread that starts it.
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PRELUDE } from './python.js';
import { PeerFailure } from './types.js';

export interface Finished {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A program that runs. */
export interface Running {
  readonly process: ChildProcess;
  readonly name: string;
  /** What it has said so far. */
  output(): string;
  /** Resolves when its output has a line that begins with `word`, to the rest of it. */
  says(word: string): Promise<string>;
  /** One line to its input. */
  tell(line: string): void;
  readonly finished: Promise<Finished>;
}

/** Folders of system programs that a user's PATH may lack. */
const SYSTEM = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];

/** The program's path, the system's before the user's wrappers; null: not installed. */
export function findProgram(name: string): string | null {
  for (const folder of [...SYSTEM, ...(process.env.PATH ?? '').split(delimiter)]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next folder.
    }
  }
  return null;
}

export class Programs {
  private readonly running = new Set<ChildProcess>();
  private readonly failed: (error: Error) => void;
  private closing = false;

  /** @param failed told of each Python peer that ends with a status: its case would wait for it in vain */
  constructor(failed: (error: Error) => void) {
    this.failed = failed;
  }

  /** Starts `name`. Throws PeerFailure when it is not installed. */
  start(name: string, args: readonly string[]): Running {
    const path = findProgram(name);
    if (path === null) throw new PeerFailure(`${name} is not installed`);
    const child = spawn(path, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    this.running.add(child);
    const out: Buffer[] = [];
    let errors = '';
    let line = '';
    const waiting: { word: string; resolve: (rest: string) => void; reject: (e: Error) => void }[] = [];
    const lines: string[] = [];
    const look = (): void => {
      for (let i = waiting.length - 1; i >= 0; i--) {
        const found = lines.findIndex((l) => l.startsWith(waiting[i].word));
        if (found < 0) continue;
        const { word, resolve } = waiting.splice(i, 1)[0];
        resolve(lines.splice(found, 1)[0].slice(word.length).trim());
      }
    };
    child.stdout.on('data', (bytes: Buffer) => {
      out.push(bytes);
      const parts = (line + bytes.toString('latin1')).split('\n');
      line = parts.pop() ?? '';
      lines.push(...parts);
      look();
    });
    child.stderr.on('data', (bytes: Buffer) => {
      errors += bytes.toString();
    });
    // A program that ends without reading its input is no fault of ours.
    child.stdin.on('error', () => {});
    const finished = new Promise<Finished>((resolve) => {
      child.once('error', (error) => {
        errors += error.message;
      });
      child.once('close', (status) => {
        this.running.delete(child);
        const result = { status, stdout: Buffer.concat(out), stderr: errors };
        resolve(result);
        const text = `${name} ended (${status}): ${errors.trim().slice(-800)}`;
        for (const { word, reject } of waiting.splice(0)) reject(new PeerFailure(`no "${word}": ${text}`));
      });
    });
    return {
      process: child,
      name,
      output: () => Buffer.concat(out).toString(),
      says: (word) =>
        new Promise((resolve, reject) => {
          if (child.exitCode !== null) lines.push('');
          waiting.push({ word, resolve, reject });
          look();
        }),
      tell: (text) => void child.stdin.write(`${text}\n`),
      finished,
    };
  }

  /** Runs a program to its end. Throws PeerFailure when its status is not `status` (null: any). */
  async run(
    name: string,
    args: readonly string[],
    options: { input?: Uint8Array; status?: number | null } = {},
  ): Promise<Finished> {
    const program = this.start(name, args);
    program.process.stdin!.end(options.input);
    const result = await program.finished;
    const { status = 0 } = options;
    if (status !== null && result.status !== status) {
      const said = (result.stderr || result.stdout.toString()).trim().slice(-800);
      throw new PeerFailure(`${name} ${args.join(' ').slice(0, 200)}: status ${result.status}, ${said}`);
    }
    return result;
  }

  /** Python on the kernel's sockets: PRELUDE, then `code`; `args` are sys.argv[1:]. */
  python(code: string, ...args: (string | number)[]): Running {
    const program = this.start('python3', ['-u', '-c', PRELUDE + code, ...args.map(String)]);
    void program.finished.then(({ status, stderr }) => {
      if (status !== 0 && !this.closing)
        this.failed(new PeerFailure(`python3 (${status}): ${stderr.slice(-800)}`));
    });
    return program;
  }

  /** The namespace's counters by nstat's names. */
  async nstat(): Promise<Record<string, number>> {
    const { stdout } = await this.run('nstat', ['-asz', '--json']);
    return (JSON.parse(stdout.toString()) as { kernel: Record<string, number> }).kernel;
  }

  /** What ss says about the kernel's TCP sockets on `port` (either side), extended. */
  async ss(port: number, ...options: string[]): Promise<string> {
    const filter = `( sport = :${port} or dport = :${port} )`;
    return (await this.run('ss', ['-Htinmo', ...options, filter])).stdout.toString();
  }

  /** Ends what still runs, and waits for it. */
  async close(): Promise<void> {
    this.closing = true;
    const ending = [...this.running].map(
      (child) =>
        new Promise<void>((resolve) => {
          child.once('close', () => resolve());
          child.kill('SIGKILL');
          child.stdin?.destroy();
        }),
    );
    await Promise.all(ending);
  }
}
