// Calls a built-in command and turns what it throws into what a shell does: a refusal is a message and a status,
// anything else ends the script with a place.

import type { BuiltIn, CommandContext } from './command.js';
import { type CommandPlace, HostRefusal, ShellError } from './errors.js';
import { Exit } from './streams.js';
import { VirtualFileError } from './virtual-files.js';

export function callBuiltIn(builtIn: BuiltIn, context: CommandContext): number {
  try {
    return builtIn(context);
  } catch (error) {
    if (!(error instanceof HostRefusal)) throw withPlace(error, context.place, context.name);
    context.err(`${context.name}: ${error.message}\n`);
    return 1;
  }
}

/** Gives an error of the host or of the virtual files its place; errors that have one stay as they are. */
export function withPlace(error: unknown, place: CommandPlace, name: string): unknown {
  if (error instanceof ShellError || error instanceof Exit) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof VirtualFileError ? error.code : 'HOST';
  const placed = new ShellError(code, `${name}: ${message}`, place, name);
  placed.cause = error;
  return placed;
}
