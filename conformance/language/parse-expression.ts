// Expressions: arguments and results of system calls. The forms in braces are in parse-structure.ts.

import type { Expression, IntegerExpression, InternetAddressExpression, StringExpression } from './ast.js';
import type { Cursor } from './cursor.js';
import { parseBraces } from './parse-structure.js';
import type { Token } from './tokens.js';

/** An expression with its chain of `|`. `NAME = a|b` binds the whole chain to NAME. */
export function parseExpression(cursor: Cursor): Expression {
  return cursor.nested(() => parseChain(cursor));
}

function parseChain(cursor: Cursor): Expression {
  const first = cursor.peek();
  const operands = [parseOperand(cursor)];
  while (operands.at(-1)!.kind !== 'assign' && cursor.accept('|')) operands.push(parseOperand(cursor));
  if (operands.length === 1) return operands[0]!;
  return { kind: 'or', operands, span: cursor.spanFrom(first.start) };
}

/** Expressions between commas up to the closing sign, which is taken; none at all are fine. */
export function parseExpressionList(cursor: Cursor, close: string): Expression[] {
  const list: Expression[] = [];
  if (cursor.accept(close)) return list;
  do list.push(parseExpression(cursor));
  while (cursor.accept(','));
  cursor.expect(close, ["','", "'|'"]);
  return list;
}

function parseOperand(cursor: Cursor): Expression {
  const token = cursor.peek();
  switch (token.kind) {
    case 'ellipsis':
      cursor.take();
      return { kind: 'ellipsis', span: cursor.spanOf(token) };
    case 'integer':
    case 'hex':
      return parseInteger(cursor);
    case 'string':
      return parseStrings(cursor);
    case 'word':
      return parseWord(cursor);
    case 'punctuation':
      if (token.text === '[') {
        cursor.take();
        const items = parseExpressionList(cursor, ']');
        return { kind: 'list', brackets: '[]', items, span: cursor.spanFrom(token.start) };
      }
      if (token.text === '{') return parseBraces(cursor);
      break;
    default:
  }
  throw cursor.unexpected(['a number', 'a symbol', 'a "string"', "'...'", "'['", "'{'"]);
}

export function parseInteger(cursor: Cursor): IntegerExpression {
  const token = cursor.take();
  const big = BigInt(token.text);
  if (big < -(2n ** 63n) || big >= 2n ** 64n) {
    throw cursor.fail('RANGE', `number ${token.text} does not fit 64 bits`, token);
  }
  const value = Number(big);
  const exact = Number.isSafeInteger(value) ? null : big;
  const base = token.kind === 'hex' ? 'hex' : 'decimal';
  // Negative zero would print and compare unlike zero.
  return { kind: 'integer', value: value === 0 ? 0 : value, exact, base, span: cursor.spanOf(token) };
}

/** Functions that expressions may call; any other word before `(` is a symbol with a note behind it. */
const FUNCTIONS = new Set(['htons', 'htonl', 'ntohs', 'ntohl', 'inet_addr', 'inet6_addr']);

function parseWord(cursor: Cursor): Expression {
  const token = cursor.take();
  if (FUNCTIONS.has(token.text) && cursor.at('(')) return parseCall(cursor, token);
  if (cursor.accept('=')) {
    const value = parseExpression(cursor);
    return { kind: 'assign', name: token.text, value, span: cursor.spanFrom(token.start) };
  }
  return { kind: 'word', name: token.text, span: cursor.spanOf(token) };
}

function parseCall(cursor: Cursor, name: Token): Expression {
  if (name.text === 'inet_addr' || name.text === 'inet6_addr') return parseInternetAddress(cursor, name);
  cursor.expect('(');
  const args = parseExpressionList(cursor, ')');
  return { kind: 'call', name: name.text, args, span: cursor.spanFrom(name.start) };
}

/** `("address")` behind `inet_addr` or `inet6_addr`, checked for its form. */
export function parseInternetAddress(
  cursor: Cursor,
  name: Token,
  family: 4 | 6 = name.text === 'inet6_addr' ? 6 : 4,
): InternetAddressExpression {
  cursor.expect('(');
  const token = cursor.expectKind('string', `an IPv${family} address in double quotes`);
  cursor.expect(')');
  if (!(family === 4 ? isIpv4(token.text) : isIpv6(token.text))) {
    throw cursor.fail('RANGE', `'${token.text}' is no IPv${family} address`, token);
  }
  return { kind: 'inet-addr', family, address: token.text, span: cursor.spanFrom(name.start) };
}

export function isIpv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

export function isIpv6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  const all = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  for (let i = 0; i < all.length; i++) {
    const last = i === all.length - 1;
    if (/^[0-9a-fA-F]{1,4}$/.test(all[i]!)) groups++;
    else if (last && isIpv4(all[i]!)) groups += 2;
    else return false;
  }
  return halves.length === 2 ? groups <= 7 : groups === 8;
}

// ---------------------------------------------------------------- strings

function parseStrings(cursor: Cursor): Expression {
  const first = cursor.peek();
  const parts = [parseString(cursor)];
  while (cursor.atKind('string')) parts.push(parseString(cursor));
  if (cursor.atKind('ellipsis') && parts.length === 1) {
    cursor.take();
    return { ...parts[0]!, open: true, span: cursor.spanFrom(first.start) };
  }
  if (parts.length === 1) return parts[0]!;
  return { kind: 'concatenation', parts, span: cursor.spanFrom(first.start) };
}

function parseString(cursor: Cursor): StringExpression {
  const token = cursor.take();
  const raw = token.text;
  return {
    kind: 'string',
    raw,
    value: resolveEscapes(cursor, token),
    open: false,
    span: cursor.spanOf(token),
  };
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\',
  '"': '"',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function resolveEscapes(cursor: Cursor, token: Token): string {
  return token.text.replace(/\\(x[0-9a-fA-F]{2}|[\s\S]|$)/g, (whole, letter: string) => {
    if (letter.length === 3) return String.fromCharCode(Number.parseInt(letter.slice(1), 16));
    const found = ESCAPES[letter];
    if (found === undefined) {
      throw cursor.fail('SYNTAX', `unknown escape '${whole}' in a string`, token, token, {
        expected: ['\\\\ \\" \\f \\n \\r \\t \\v \\xHH'],
      });
    }
    return found;
  });
}
