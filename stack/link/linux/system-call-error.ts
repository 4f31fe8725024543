// A failed system call: its POSIX name, the call, and what to do about it.
import { getSystemErrorMap } from 'node:util';

export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  /** POSIX name, e.g. 'EPERM'. */
  readonly code: string;
  readonly call: string;

  constructor(code: string, call: string, message: string) {
    super(message);
    this.code = code;
    this.call = call;
  }

  /** From a positive Linux errno. `hint` says in words what the caller was after or can do. */
  static fromErrno(errno: number, call: string, hint?: string): SystemCallError {
    const [code, text] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
    return new SystemCallError(
      code,
      call,
      `${call}: ${code}, ${text}${hint === undefined ? '' : `; ${hint}`}`,
    );
  }
}
