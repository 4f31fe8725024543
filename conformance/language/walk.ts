// Visits the expressions of a script, outermost first. Knows no meaning.

import type { Expression, Script, SyscallBody } from './ast.js';

/** The expressions directly inside another. */
export function childrenOf(expression: Expression): readonly Expression[] {
  const e = expression;
  switch (e.kind) {
    case 'or':
      return e.operands;
    case 'assign':
      return [e.value];
    case 'list':
      return e.items;
    case 'call':
      return e.args;
    case 'concatenation':
      return e.parts;
    case 'iovec':
      return [e.base, e.length];
    case 'msghdr': {
      const optional = [e.control, e.controlLength].filter((part) => part !== null);
      return [e.nameLength, e.name, e.iovLength, e.iov, e.flags, ...optional];
    }
    case 'cmsg':
      return [...(e.length === null ? [] : [e.length]), e.level, e.type, e.data];
    case 'sock-extended-err':
      return [e.errno, e.origin, e.type, e.code, e.info, e.data];
    case 'pollfd':
      return [e.fd, e.events, ...(e.revents === null ? [] : [e.revents])];
    case 'epoll-event':
      return [e.events, e.data];
    default:
      return [];
  }
}

export function walkExpression(expression: Expression, visit: (expression: Expression) => void): void {
  visit(expression);
  for (const child of childrenOf(expression)) walkExpression(child, visit);
}

/** Every system call of a script, in order. */
export function systemCallsOf(script: Script): SyscallBody[] {
  return script.events.map((event) => event.body).filter((body) => body.kind === 'syscall');
}
