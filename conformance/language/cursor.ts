// The parser's hand on the token stream: look ahead, take, demand, fail with a place. No grammar here.

import type { Dialect, Span, UndefinedName } from './ast.js';
import type { ScriptErrorCode, ScriptErrorDetails } from './errors.js';
import { joinWords, scriptError } from './errors.js';
import type { Lexer } from './lexer.js';
import type { Source } from './source.js';
import { nearest } from './suggest.js';
import type { Token, TokenKind } from './tokens.js';

/** How each kind of token is called in messages. */
const KIND_NAMES: Readonly<Record<TokenKind, string>> = {
  word: 'a word',
  integer: 'a number',
  hex: 'a hexadecimal number',
  float: 'a decimal fraction',
  string: 'a "string"',
  command: 'a `command`',
  code: 'a %{ code block }%',
  option: 'an --option',
  ellipsis: "'...'",
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  punctuation: 'a sign',
  end: 'the end of the script',
};

/** Deeper expressions could exhaust our stack. */
const MAX_DEPTH = 64;

export class Cursor {
  readonly source: Source;
  readonly dialect: Dialect;
  private readonly lexer: Lexer;
  private readonly ahead: Token[] = [];
  private lastEnd = 0;
  private depth = 0;

  constructor(source: Source, lexer: Lexer, dialect: Dialect) {
    this.source = source;
    this.lexer = lexer;
    this.dialect = dialect;
  }

  /** The token `distance` places ahead, without taking it. Options must be read before words behind them are
   * looked at, for `--define` changes what those words are: look no further than needed. */
  peek(distance = 0): Token {
    while (this.ahead.length <= distance) this.ahead.push(this.lexer.next());
    return this.ahead[distance]!;
  }

  take(): Token {
    const token = this.peek();
    this.ahead.shift();
    this.lastEnd = token.end;
    return token;
  }

  /** True when the token ahead is this sign or, for letters, this very word. */
  at(text: string, distance = 0): boolean {
    const token = this.peek(distance);
    return (token.kind === 'punctuation' || token.kind === 'word') && token.text === text;
  }

  atKind(kind: TokenKind, distance = 0): boolean {
    return this.peek(distance).kind === kind;
  }

  /** Takes the sign or word if it is ahead. */
  accept(text: string): boolean {
    if (!this.at(text)) return false;
    this.take();
    return true;
  }

  /** Takes the sign or word, or fails. `also` names what else could have stood there. */
  expect(text: string, also: readonly string[] = []): Token {
    if (!this.at(text)) throw this.unexpected([`'${text}'`, ...also], [text]);
    return this.take();
  }

  expectKind(kind: TokenKind, what: string = KIND_NAMES[kind]): Token {
    if (!this.atKind(kind)) throw this.unexpected([what]);
    return this.take();
  }

  /** The span from `start` to the end of the last token taken. */
  spanFrom(start: number): Span {
    return this.source.span(start, Math.max(start, this.lastEnd));
  }

  spanOf(token: Token): Span {
    return this.source.span(token.start, token.end);
  }

  /** An error at the token ahead: it is none of `expected`. Known words help to guess what was meant. */
  unexpected(expected: readonly string[], words: Iterable<string> = [], token = this.peek()) {
    const details: ScriptErrorDetails = {
      expected,
      suggestion: token.kind === 'word' ? nearest(token.text, words) : null,
      ...(token.definedAs === null ? {} : { note: `'${token.definedAs}' is defined as ${token.text}` }),
    };
    return this.fail('SYNTAX', `unexpected ${describe(token)}`, token, token, details);
  }

  fail(
    code: ScriptErrorCode,
    problem: string,
    from: Token,
    to: Token = from,
    details: ScriptErrorDetails = {},
  ) {
    return scriptError(this.source, code, problem, from.start, to.end, details);
  }

  /** Runs the parser of something that can hold itself; refuses depths that no person writes. */
  nested<T>(parse: () => T): T {
    if (this.depth >= MAX_DEPTH) throw this.fail('SYNTAX', 'nested too deeply', this.peek());
    this.depth++;
    const result = parse();
    this.depth--;
    return result;
  }

  // ------------------------------------------------------------ numbers

  /** A decimal number from `low` to `high`; `what` names the field in messages. */
  integer(what: string, low = 0, high = Number.MAX_SAFE_INTEGER): number {
    // A definition's number may be written either way.
    const definedHex = this.atKind('hex') && this.peek().definedAs !== null;
    if (!this.atKind('integer') && !definedHex) throw this.unexpected([`a number for the ${what}`]);
    return this.ranged(this.take(), what, low, high);
  }

  /** The same, hexadecimal allowed. */
  anyInteger(what: string, low = 0, high = Number.MAX_SAFE_INTEGER): number {
    if (!this.atKind('integer') && !this.atKind('hex')) throw this.unexpected([`a number for the ${what}`]);
    return this.ranged(this.take(), what, low, high);
  }

  /** A number, `*`, or a name for `-D` to define, which by custom is in capitals. */
  value(what: string, low: number, high: number): number | '*' | UndefinedName {
    if (this.accept('*')) return '*';
    const token = this.peek();
    if (isUndefinedName(token)) {
      this.take();
      return { kind: 'undefined-name', name: token.text, span: this.spanOf(token) };
    }
    if (!this.atKind('integer') && !this.atKind('hex')) {
      throw this.unexpected([`a number for the ${what}`, "'*' for any"]);
    }
    return this.anyInteger(what, low, high);
  }

  private ranged(token: Token, what: string, low: number, high: number): number {
    const value = Number(token.text) + 0; // `-0` is 0
    if (value < low || value > high) {
      throw this.fail('RANGE', `${what} ${token.text} is out of range`, token, token, {
        expected: [`${low} to ${high}`],
      });
    }
    return value;
  }
}

export function describe(token: Token): string {
  if (token.kind === 'end') return 'end of the script';
  if (token.kind === 'punctuation') return `'${token.text}'`;
  if (token.kind === 'ellipsis') return "'...'";
  const text = token.text.length > 40 ? `${token.text.slice(0, 37)}...` : token.text;
  const firstLine = text.split('\n')[0]!;
  if (token.kind === 'option') return `option '--${firstLine}'`;
  if (token.kind === 'word') return `word '${firstLine}'`;
  return `${KIND_NAMES[token.kind].replace(/^an? /, '')} ${token.kind === 'string' ? `"${firstLine}"` : firstLine}`;
}

/** Capitals, digits and underscores: a word that is meant to be given by `-D`. */
export function isUndefinedName(token: Token): boolean {
  return token.kind === 'word' && /^[A-Z][A-Z0-9_]*$/.test(token.text);
}

export { joinWords };
