// Arguments and results of system calls as values: symbols become Linux's numbers, strings become bytes.

import type { Expression } from '../language/ast.js';
import { isFreebsdSymbol } from '../language/symbols/freebsd.js';
import { nearestSymbol, symbolValue } from '../language/symbols.js';
import { ScriptProblem, UnsupportedFeature } from './errors.js';

/** The bytes of a string or a row of strings; a character is a byte. */
export function stringBytes(e: Expression): Uint8Array | null {
  if (e.kind === 'string') return Uint8Array.from(e.value, (c) => c.charCodeAt(0));
  if (e.kind !== 'concatenation') return null;
  return Uint8Array.from(e.parts.flatMap((p) => Array.from(p.value, (c) => c.charCodeAt(0))));
}

const swap16 = (v: number): number => ((v & 0xff) << 8) | ((v >>> 8) & 0xff);
const swap32 = (v: number): number => ((swap16(v & 0xffff) << 16) | swap16(v >>> 16)) >>> 0;

/**
 * A number: literals, symbols, `a|b`, `NAME=expr`, htons and friends.
 * @throws ScriptProblem for anything else, naming the nearest symbol for a word that nobody knows; UnsupportedFeature
 * for a symbol of FreeBSD's
 */
export function integer(e: Expression): number {
  switch (e.kind) {
    case 'integer':
      return e.value;
    case 'word': {
      const value = symbolValue(e.name);
      if (value !== undefined) return value;
      if (isFreebsdSymbol(e.name)) throw new UnsupportedFeature(`FreeBSD's ${e.name}`, e.span);
      const near = nearestSymbol(e.name);
      throw new ScriptProblem(`unknown symbol '${e.name}'${near ? `: did you mean ${near}?` : ''}`, e.span);
    }
    case 'or':
      return e.operands.map(integer).reduce((a, b) => {
        const value = a | b;
        return value < 0 && a >= 0 && b >= 0 ? value >>> 0 : value;
      });
    case 'assign':
      return integer(e.value);
    case 'call': {
      const value = e.args.length === 1 ? integer(e.args[0]!) : Number.NaN;
      if (e.name === 'htons' || e.name === 'ntohs') return swap16(value);
      if (e.name === 'htonl' || e.name === 'ntohl') return swap32(value);
      throw new ScriptProblem(`unknown function '${e.name}'`, e.span);
    }
    default:
      throw new ScriptProblem(`expected a number, not ${describe(e)}`, e.span);
  }
}

/** A number that may be too big for a double, as an epoll_data of 64 bits. */
export function exactInteger(e: Expression): number | bigint {
  return e.kind === 'integer' && e.exact !== null ? e.exact : integer(e);
}

/** The one element of `[element]`. */
export function bracketed(e: Expression): Expression {
  if (e.kind === 'list' && e.items.length === 1) return e.items[0]!;
  throw new ScriptProblem(`expected [value], not ${describe(e)}`, e.span);
}

export function isEllipsis(e: Expression): boolean {
  return e.kind === 'ellipsis';
}

/** What an expression is, in words. */
export function describe(e: Expression): string {
  const words: Partial<Record<Expression['kind'], string>> = {
    ellipsis: "'...'",
    integer: 'a number',
    word: 'a symbol',
    string: 'a string',
    concatenation: 'a string',
    list: 'a list',
    'inet-addr': 'an address',
    sockaddr: 'a socket address',
    iovec: 'an iovec',
    msghdr: 'a message header',
    cmsg: 'a control message',
    pollfd: 'a pollfd',
    'epoll-event': 'an epoll_event',
    linger: 'a linger structure',
  };
  return words[e.kind] ?? `a ${e.kind}`;
}
