// What goes wrong with a stack as a whole; `code` is stable.

/** A stack that cannot be made or run as asked. */
export class StackError extends Error {
  readonly code: 'STACK_CLOSED' | 'STACK_TIME' | 'STACK_LIVELOCK' | 'STACK_BAD';
  constructor(code: StackError['code'], message: string) {
    super(message);
    this.name = 'StackError';
    this.code = code;
  }
}
