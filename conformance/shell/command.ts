// What a built-in command of the restricted shell is given and gives back.

import type { CommandPlace } from './errors.js';
import { ShellError } from './errors.js';
import type { ShellHost } from './host.js';
import type { VirtualFiles } from './virtual-files.js';

export interface CommandContext {
  /** The command's name, without a directory. */
  readonly name: string;
  readonly args: readonly string[];
  readonly stdin: string;
  readonly place: CommandPlace;
  readonly host: ShellHost;
  readonly files: VirtualFiles;
  out(text: string): void;
  err(text: string): void;
  /** What a file says: virtual ones, /proc, /sys/module; null when there is none. */
  readFile(path: string): string | null;
  /** Writes a virtual file, a sysctl or a module parameter; false when the target refused it. */
  writeFile(path: string, text: string, append: boolean): boolean;
  variable(name: string): string;
}

/** Does the work and returns the exit status. */
export type BuiltIn = (context: CommandContext) => number;

/** An argument that this shell's version of a command does not understand: the script ends, nothing is guessed. */
export function badArguments(context: CommandContext, problem: string): ShellError {
  return new ShellError('BAD_ARGUMENTS', `${context.name}: ${problem}`, context.place, context.name);
}

/** A whole number, decimal or hexadecimal. */
export function integerArgument(context: CommandContext, text: string | undefined, what: string): number {
  if (text === undefined || !/^(?:0[xX][0-9a-fA-F]+|[0-9]+)$/.test(text)) {
    throw badArguments(context, `${what} needs a number, not '${text ?? ''}'`);
  }
  return Number(text);
}

/** A time with its unit as microseconds: `5ms`, `2s`, `100us`; `bare` is the unit of a plain number. */
export function timeArgument(
  context: CommandContext,
  text: string | undefined,
  bare: number,
  what: string,
): number {
  const found = /^([0-9]+(?:\.[0-9]+)?|\.[0-9]+)(us|usecs?|ms|msecs?|s|secs?|m|h|d)?$/.exec(text ?? '');
  if (found === null) throw badArguments(context, `${what} needs a time, not '${text ?? ''}'`);
  const units: Readonly<Record<string, number>> = { u: 1, s: 1e6, h: 3600e6, d: 86_400e6 };
  const unit = found[2];
  const scale =
    unit === undefined ? bare : unit === 'm' ? 60e6 : unit.startsWith('ms') ? 1000 : units[unit[0]!]!;
  return Math.round(Number(found[1]) * scale);
}
