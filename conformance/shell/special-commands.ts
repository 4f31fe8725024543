// Commands that change the shell itself: variables, parameters, how it ends.

import { type CommandPlace, ShellError } from './errors.js';
import { Exit } from './streams.js';

/** The parts of a shell that these commands reach. */
export interface ShellState {
  readonly variables: Map<string, string>;
  parameters: readonly string[];
  /** Status of the last command. */
  readonly status: number;
  /** `set -e` */
  stopOnError: boolean;
}

const NAMES = new Set(['exit', 'return', 'set', 'export', 'unset', 'shift']);

export function isSpecial(name: string): boolean {
  return NAMES.has(name);
}

/** Runs the command that `isSpecial` has known. `exit` and `return` throw Exit. */
export function runSpecial(
  name: string,
  args: readonly string[],
  state: ShellState,
  place: CommandPlace,
): number {
  const bad = (problem: string) => new ShellError('BAD_ARGUMENTS', `${name}: ${problem}`, place, name);
  switch (name) {
    case 'set':
      for (const arg of args) {
        // -x only traces.
        if (!/^[-+][ex]+$/.test(arg)) throw bad(`'${arg}' is not supported`);
        if (arg.includes('e')) state.stopOnError = arg.startsWith('-');
      }
      return 0;
    case 'export':
      for (const arg of args) {
        const found = /^([A-Za-z_]\w*)(?:=([\s\S]*))?$/.exec(arg);
        if (found === null) throw bad(`'${arg}' is no NAME or NAME=VALUE`);
        if (found[2] !== undefined) state.variables.set(found[1]!, found[2]);
      }
      return 0;
    case 'unset':
      for (const arg of args) state.variables.delete(arg);
      return 0;
    case 'shift': {
      const count = args[0] === undefined ? 1 : Number(args[0]);
      if (!Number.isInteger(count) || count < 0) throw bad(`'${args[0]}' is no count`);
      if (count > state.parameters.length) return 1;
      state.parameters = state.parameters.slice(count);
      return 0;
    }
    default: {
      const status = args[0] === undefined ? state.status : Number(args[0]);
      if (!Number.isInteger(status)) throw bad(`'${args[0]}' is no status`);
      throw new Exit(status & 0xff);
    }
  }
}
