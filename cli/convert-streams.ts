// `netchannel convert` over streams: scripts of one or of all, each run on the embedded stack, and what came of it.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { convertStream } from '../captures/convert/script.js';
import { CaptureError } from '../captures/errors.js';
import { collect, type Recording } from '../captures/replay/recording.js';
import { NotReplayable, type Role } from '../captures/replay/situation.js';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE, UsageError } from './exit.js';
import { frameProgress } from './frames.js';
import { unread } from './streams.js';

/** The stack with the ticks that many distributions' kernels have. */
const SLOW_TICK = 'stack:hz=250';

export interface ScriptFlags {
  readonly output?: string;
  readonly as: Role | 'both';
  readonly run: boolean;
}

interface Script {
  readonly file: string;
  readonly text: string;
  readonly ipv6: boolean;
  readonly notes: readonly string[];
  readonly doubt: string | null;
}

const warn = (line: string): boolean => process.stderr.write(`netchannel convert: ${line}\n`);

/** One side of one stream: to a file or standard output, its notes to standard error. */
export async function convertOne(path: string, stream: number, flags: ScriptFlags): Promise<number> {
  if (flags.as === 'both') throw new UsageError('--as both: with --stream all; one script is of one side');
  let script: Script | null = null;
  let untold: string | null = null;
  const take = (recording: Recording): void => {
    try {
      script = scriptOf(path, recording, flags.as as Role, flags.output ?? 'script');
    } catch (error) {
      if (!(error instanceof NotReplayable)) throw error;
      untold = error.message;
    }
  };
  const whole = await read(path, take, stream);
  if (untold !== null) {
    warn(`${path}, stream ${stream}: ${untold}`);
    return EXIT_FAILED;
  }
  if (script === null) {
    if (whole) throw new UsageError(`${path}: no stream ${stream} in it`);
    return EXIT_USAGE;
  }
  const { text, notes, doubt } = script as Script;
  if (flags.output === undefined) process.stdout.write(text);
  else writeFileSync(flags.output, text);
  for (const note of notes) process.stderr.write(`note: ${note}\n`);
  if (!flags.run) return whole ? EXIT_OK : EXIT_USAGE;
  const { reason, slow } = await outcomeOf(script);
  if (slow)
    process.stderr.write(`note: it passes with the ticks of a kernel with HZ=250: --target ${SLOW_TICK}\n`);
  if (reason === null) return whole ? EXIT_OK : EXIT_USAGE;
  const what = doubt
    ? `the capture ${doubt} (see the notes) for a script that passes`
    : 'the script does not pass on this stack';
  warn(`${what}: ${reason}`);
  return EXIT_FAILED;
}

/** A script of every stream into a folder, and a line about each. */
export async function convertAll(path: string, flags: ScriptFlags): Promise<number> {
  const folder = flags.output;
  if (folder === undefined) throw new UsageError('--stream all: name a folder with -o');
  mkdirSync(folder, { recursive: true });
  const roles: readonly Role[] = flags.as === 'both' ? ['client', 'server'] : [flags.as];
  const scripts: Omit<Script, 'text' | 'notes'>[] = [];
  const count = { passed: 0, failed: 0, untold: 0 };
  const say = (word: string, text: string): boolean => process.stdout.write(`${word.padEnd(7)} ${text}\n`);
  const take = (recording: Recording): void => {
    for (const role of roles) {
      const file = join(folder, `stream-${recording.index}-${role}.pkt`);
      try {
        const { text, ipv6, doubt } = scriptOf(path, recording, role, file);
        writeFileSync(file, text);
        scripts.push({ file, ipv6, doubt });
      } catch (error) {
        if (!(error instanceof NotReplayable)) throw error;
        count.untold++;
        say('untold', `stream ${recording.index} as ${role}: ${error.message}`);
      }
    }
  };
  const whole = await read(path, take);
  if (whole && scripts.length + count.untold === 0) throw new UsageError(`${path}: no TCP stream in it`);
  for (const script of scripts) {
    if (!flags.run) {
      say('written', script.file);
      continue;
    }
    const { reason, slow } = await outcomeOf({ ...script, text: readFileSync(script.file, 'utf8') });
    if (reason === null) {
      count.passed++;
      say('passed', `${script.file}${slow ? ` with --target ${SLOW_TICK}` : ''}`);
    } else {
      count.failed++;
      say('failed', `${reason.split('\n')[0]}${script.doubt ? ` (the capture ${script.doubt})` : ''}`);
    }
  }
  if (flags.run)
    process.stdout.write(
      `${count.passed} scripts pass, ${count.failed} do not, ${count.untold} sides cannot be told\n`,
    );
  else process.stdout.write(`${scripts.length} scripts written, ${count.untold} sides cannot be told\n`);
  if (!whole) return EXIT_USAGE;
  return count.failed > 0 ? EXIT_FAILED : EXIT_OK;
}

/** Hands over what can be read; false when that is not all, which is said. */
async function read(path: string, take: (recording: Recording) => void, stream?: number): Promise<boolean> {
  const { onFrames, clear } = frameProgress(path);
  let found = false;
  const taken = (recording: Recording): void => {
    found = true;
    take(recording);
  };
  try {
    const { counters } = await collect(path, taken, { stream, onFrames });
    clear();
    // Where the stream is not there: maybe its frames could not be read.
    if (stream === undefined || !found) for (const line of unread(counters)) warn(`${path}: ${line}`);
    return true;
  } catch (error) {
    clear();
    if (!(error instanceof CaptureError)) throw error;
    warn(error.message);
    return false;
  }
}

/** @throws NotReplayable */
function scriptOf(path: string, recording: Recording, role: Role, file: string): Script {
  return { ...convertStream(path, recording, role), file, ipv6: recording.ipv6 };
}

/** What the stack does in another way than the recorded host (null: nothing), and whether only with slow ticks. */
async function outcomeOf({ text, file, ipv6 }: Pick<Script, 'text' | 'file' | 'ipv6'>): Promise<{
  readonly reason: string | null;
  readonly slow: boolean;
}> {
  const { runScript } = await import('../conformance/runner/run.js');
  const { targetFactory } = await import('../conformance/targets/registry.js');
  const differs = async (name: string): Promise<string | null> => {
    const target = await targetFactory(name);
    const { verdict, reason } = await runScript(text, { target, file, ipVersion: ipv6 ? 'ipv6' : 'ipv4' });
    return verdict === 'passed' ? null : reason;
  };
  const reason = await differs('stack');
  const slow = reason !== null && (await differs(SLOW_TICK)) === null;
  return { reason: slow ? null : reason, slow };
}
