// Parses a snippet: statements here, expressions in parse-expression.ts. Pure.

import { parseExpression, parseTuple } from './parse-expression.js';
import type { SnippetText } from './snippet-text.js';
import type { BinaryOperator, Statement } from './syntax.js';
import { type Token, tokenize } from './tokens.js';

/** Words of Python that no name may be, with what is not supported about them. */
const UNSUPPORTED = new Set(
  (
    'import from def class for while try except finally raise return lambda with yield global nonlocal del ' +
    'async await break continue match'
  ).split(' '),
);
export const KEYWORDS = new Set(
  [...UNSUPPORTED, ...'assert if elif else and or not in is pass True False None'.split(' ')].filter(
    (word) => word !== 'match',
  ),
);
const AUGMENTED = new Set(['+=', '-=', '*=', '/=', '//=', '%=', '**=', '&=', '|=', '^=', '<<=', '>>=']);

/** A walk over tokens with the errors that go with it. */
export class TokenWalk {
  readonly snippet: SnippetText;
  private readonly tokens: readonly Token[];
  private at = 0;

  constructor(snippet: SnippetText) {
    this.snippet = snippet;
    this.tokens = tokenize(snippet);
  }

  get ahead(): Token {
    return this.tokens[this.at]!;
  }

  peek(distance: number): Token {
    return this.tokens[Math.min(this.at + distance, this.tokens.length - 1)]!;
  }

  get lastEnd(): number {
    return this.at === 0 ? 0 : this.tokens[this.at - 1]!.end;
  }

  take(): Token {
    const token = this.ahead;
    if (token.kind !== 'end') this.at++;
    return token;
  }

  is(text: string): boolean {
    return (this.ahead.kind === 'sign' || this.ahead.kind === 'name') && this.ahead.text === text;
  }

  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.take();
    return true;
  }

  acceptKind(kind: Token['kind']): boolean {
    if (this.ahead.kind !== kind) return false;
    this.take();
    return true;
  }

  expect(text: string): void {
    if (!this.accept(text)) throw this.unexpected(`'${text}'`);
  }

  unexpected(expected: string) {
    const token = this.ahead;
    const names: Partial<Record<Token['kind'], string>> = {
      end: 'end of the snippet',
      newline: 'end of the line',
      indent: 'indentation',
      dedent: 'end of the indented block',
    };
    const what = names[token.kind] ?? `'${this.snippet.text.slice(token.start, token.end)}'`;
    return this.snippet.error('SYNTAX', `unexpected ${what}, expected ${expected}`, token.start, token.end);
  }
}

/** @throws SnippetError with code SYNTAX or UNSUPPORTED */
export function parseSnippet(snippet: SnippetText): Statement[] {
  const walk = new TokenWalk(snippet);
  const statements: Statement[] = [];
  while (walk.ahead.kind !== 'end') {
    if (walk.ahead.kind === 'newline') walk.take();
    else statements.push(...parseStatement(walk));
  }
  return statements;
}

/** One compound statement, or a line of simple ones. */
function parseStatement(walk: TokenWalk): Statement[] {
  return walk.is('if') ? [parseIf(walk)] : parseLine(walk);
}

function parseLine(walk: TokenWalk): Statement[] {
  const statements: Statement[] = [];
  do {
    if (walk.ahead.kind === 'newline') break;
    statements.push(parseSimple(walk));
  } while (walk.accept(';'));
  if (walk.ahead.kind !== 'newline') throw walk.unexpected("';' or the end of the line");
  walk.take();
  return statements;
}

function parseSimple(walk: TokenWalk): Statement {
  const { start } = walk.ahead;
  const place = () => ({ start, end: walk.lastEnd });
  const first = walk.ahead;
  if (first.kind === 'name' && UNSUPPORTED.has(first.text) && first.text !== 'match') {
    throw walk.snippet.error(
      'UNSUPPORTED',
      `'${first.text}' is not supported in snippets`,
      first.start,
      first.end,
    );
  }
  if (walk.accept('assert')) {
    const condition = parseExpression(walk);
    const message = walk.accept(',') ? parseExpression(walk) : null;
    return { kind: 'assert', condition, message, ...place() };
  }
  if (walk.accept('pass')) return { kind: 'pass', ...place() };
  const next = walk.peek(1);
  if (first.kind === 'name' && !KEYWORDS.has(first.text) && next.kind === 'sign') {
    if (next.text === '=' || AUGMENTED.has(next.text)) {
      walk.take();
      walk.take();
      const value = parseTuple(walk);
      if (walk.is('=')) {
        const { start: from, end } = walk.ahead;
        throw walk.snippet.error('UNSUPPORTED', 'only one name can be assigned at a time', from, end);
      }
      const operator = next.text === '=' ? null : (next.text.slice(0, -1) as BinaryOperator);
      return { kind: 'assign', name: first.text, operator, value, ...place() };
    }
  }
  const value = parseTuple(walk);
  if (walk.is('=')) {
    throw walk.snippet.error('SYNTAX', 'only a name can be assigned to', value.start, value.end);
  }
  return { kind: 'expression', value, ...place() };
}

function parseIf(walk: TokenWalk): Statement {
  const { start } = walk.take();
  const condition = parseExpression(walk);
  const whenTrue = parseSuite(walk);
  let whenFalse: Statement[] = [];
  if (walk.is('elif')) whenFalse = [parseIf(walk)];
  else if (walk.accept('else')) whenFalse = parseSuite(walk);
  return { kind: 'if', condition, whenTrue, whenFalse, start, end: walk.lastEnd };
}

/** `: statements` on the same line, or an indented block. */
function parseSuite(walk: TokenWalk): Statement[] {
  walk.expect(':');
  if (!walk.acceptKind('newline')) return parseLine(walk);
  if (!walk.acceptKind('indent')) throw walk.unexpected('an indented block');
  const statements: Statement[] = [];
  while (!walk.acceptKind('dedent')) statements.push(...parseStatement(walk));
  return statements;
}
