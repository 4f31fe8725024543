// What a backtick command can fail with. A failure names the command and the place it stands at.

export type ShellErrorCode =
  | 'SYNTAX' // not in the restricted shell's language
  | 'UNKNOWN_COMMAND' // a command that this shell does not have
  | 'BAD_ARGUMENTS' // a known command with arguments that it does not understand
  | 'FORBIDDEN' // a file outside what a script may touch
  | 'FAILED' // a command ended with a status other than 0
  | 'LIMIT' // too many commands, files or bytes
  | 'LACKING' // a command or parameter of another system (FreeBSD's): no target here has it
  | 'HOST'; // the target could not do what the command asks for

/** Where a command stands: the script or a helper file. Lines count from 1. */
export interface CommandPlace {
  readonly file: string;
  readonly line: number;
}

export class ShellError extends Error {
  override readonly name = 'ShellError';
  readonly code: ShellErrorCode;
  readonly place: CommandPlace;
  /** The command's name, or null when there is none yet. */
  readonly command: string | null;
  /** The bare sentence, without place. */
  readonly problem: string;

  constructor(code: ShellErrorCode, problem: string, place: CommandPlace, command: string | null = null) {
    super(`${place.file}:${place.line}: ${problem}`);
    this.code = code;
    this.problem = problem;
    this.place = place;
    this.command = command;
    this.stack = `${this.name}: ${this.message}\n    at ${place.file}:${place.line}:1`;
  }
}

/**
 * A host's answer "no", as a kernel would say it: the command ends with a message and a status, and the script's
 * shell goes on. Any other error that a host throws ends the script.
 */
export class HostRefusal extends Error {
  override readonly name = 'HostRefusal';
  /** POSIX name: ENOENT, EINVAL, EEXIST, EPERM, ... */
  readonly errno: string;

  constructor(errno: string, message: string) {
    super(message);
    this.errno = errno;
  }
}
