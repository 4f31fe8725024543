// Turns a script's text into tokens: the longest match wins, as in the original's scanner. Comments (`//`, `/* */`
// and `#`) are dropped, `#ifdef` and its kin are obeyed, words with a definition are replaced.
// It knows no grammar beyond which words can never be definitions.

import type { Dialect } from './ast.js';
import { scriptError } from './errors.js';
import type { Source } from './source.js';
import type { Definitions, Token, TokenKind } from './tokens.js';
import { RESERVED_WORDS } from './vocabulary.js';

export interface LexerOptions {
  readonly dialect: Dialect;
  readonly definitions: Definitions;
}

const BLANK = /[ \t\r\n\f\v]+/y;
const OPTION = /--[A-Za-z0-9_]+/y;
const FLOAT = /-?[0-9]*\.[0-9]+/y;
const INTEGER = /-?[0-9]+/y;
const HEX = /0x[0-9a-fA-F]+/y;
/** Words with a hyphen or a sign in them: TCP options and code points of the nplab dialect, GRE's `sequence#`. */
const SPECIAL = /(?:exp-[A-Za-z0-9]+|EXP-FO|gen-[0-9]+|voice-admit|sequence#)/y;
const WORD = /[A-Za-z0-9_]+/y;
const IPV4 = /[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/y;
const STRING = /"(?:\\[\s\S]|[^"\\])*"/y;
const COMMAND = /`(?:\\[\s\S]|[^`\\])*`/y;
const DIRECTIVE = /#(ifdef|ifndef|else|endif)\b[ \t]*([A-Za-z_][A-Za-z0-9_]*)?/y;

const SEGMENT = '[0-9a-fA-F]{1,4}';
const V4 = '[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+';
/** Whole addresses only: `1:1001(1000)` must stay a sequence number, so `::` or all eight groups are needed. */
const IPV6_SHAPE = new RegExp(
  `^(?:(?:${SEGMENT}:){7}${SEGMENT}|(?:${SEGMENT}(?::${SEGMENT})*)?::(?:(?:${SEGMENT}:)*${V4}|${SEGMENT}(?::${SEGMENT})*)?|(?:${SEGMENT}:){6}${V4})$`,
);
/** `xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:255.255.255.255` */
const MAX_IPV6_LENGTH = 45;
const IPV6_CANDIDATE = /[0-9a-fA-F:]+(?:\.[0-9]+\.[0-9]+\.[0-9]+)?/y;

function matchAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  return found === null ? 0 : found[0].length;
}

function countGroups(address: string): number {
  const groups = address.split(':').filter((group) => group !== '');
  return groups.length + (address.includes('.') ? 1 : 0);
}

/** Length of the IPv6 address at `at`, 0 for none. A trailing `:` that ends a header is not part of it. */
function matchIpv6(text: string, at: number): number {
  let length = Math.min(matchAt(IPV6_CANDIDATE, text, at), MAX_IPV6_LENGTH);
  if (length < 2) return 0;
  const candidate = text.slice(at, at + length);
  if (!candidate.includes('::') && candidate.split(':').length < 7) return 0;
  for (; length >= 2; length--) {
    const address = text.slice(at, at + length);
    if (IPV6_SHAPE.test(address) && countGroups(address) <= (address.includes('::') ? 7 : 8)) return length;
  }
  return 0;
}

const SCANNERS: readonly [TokenKind, (text: string, at: number) => number][] = [
  ['ellipsis', (text, at) => (text.startsWith('...', at) ? 3 : 0)],
  ['word', (text, at) => matchAt(SPECIAL, text, at)],
  ['option', (text, at) => matchAt(OPTION, text, at)],
  ['float', (text, at) => matchAt(FLOAT, text, at)],
  ['integer', (text, at) => matchAt(INTEGER, text, at)],
  ['hex', (text, at) => matchAt(HEX, text, at)],
  ['word', (text, at) => matchAt(WORD, text, at)],
  ['ipv4', (text, at) => matchAt(IPV4, text, at)],
  ['ipv6', matchIpv6],
];

export class Lexer {
  private readonly source: Source;
  private readonly options: LexerOptions;
  private at = 0;
  /** Places of the `#ifdef`s that are open, and whether their text counts. */
  private readonly conditions: { start: number; taken: boolean; sawElse: boolean }[] = [];

  constructor(source: Source, options: LexerOptions) {
    this.source = source;
    this.options = options;
  }

  /** The next token; `end` for ever after the last. */
  next(): Token {
    this.skipBlanks();
    const { text } = this.source;
    const start = this.at;
    if (start >= text.length) {
      const open = this.conditions.pop();
      if (open !== undefined) {
        throw this.error('DIRECTIVE', '#ifdef without #endif', open.start, open.start + 6);
      }
      return this.token('end', '', start, start);
    }
    const quoted = this.quoted(start);
    if (quoted !== null) return quoted;
    let kind: TokenKind = 'punctuation';
    let length = 1;
    let best = 0;
    for (const [candidate, scan] of SCANNERS) {
      const found = scan(text, start);
      if (found > best) {
        kind = candidate;
        best = found;
        length = found;
      }
    }
    this.at = start + length;
    const raw = text.slice(start, this.at);
    if (kind === 'word') return this.word(raw, start);
    return this.token(kind, kind === 'option' ? raw.slice(2) : raw, start, this.at);
  }

  private token(kind: TokenKind, text: string, start: number, end: number): Token {
    return { kind, text, start, end, definedAs: null };
  }

  private word(raw: string, start: number): Token {
    if (!RESERVED_WORDS.has(raw)) {
      const definition = this.options.definitions.lookup(raw);
      if (definition !== null) {
        return { kind: definition.kind, text: definition.text, start, end: this.at, definedAs: raw };
      }
    }
    return this.token('word', raw, start, this.at);
  }

  private quoted(start: number): Token | null {
    const { text } = this.source;
    const quote = text[start];
    if (quote === '"' || quote === '`') {
      const length = matchAt(quote === '"' ? STRING : COMMAND, text, start);
      const what = quote === '"' ? 'string' : 'command';
      if (length === 0) {
        throw this.error('UNTERMINATED', `${what} without its closing ${quote}`, start, start + 1);
      }
      this.at = start + length;
      return this.token(what, text.slice(start + 1, this.at - 1), start, this.at);
    }
    if (!text.startsWith('%{', start)) return null;
    const close = text.indexOf('}%', start + 2);
    if (close < 0) throw this.error('UNTERMINATED', 'code block %{ without its closing }%', start, start + 2);
    this.at = close + 2;
    return this.token('code', text.slice(start + 2, close), start, this.at);
  }

  /** Moves past blanks, comments and text that a condition leaves out. */
  private skipBlanks(): void {
    const { text } = this.source;
    for (;;) {
      const before = this.at;
      this.at += matchAt(BLANK, text, this.at);
      if (text.startsWith('//', this.at)) this.at = this.endOfLine(this.at);
      else if (text.startsWith('/*', this.at)) {
        const close = text.indexOf('*/', this.at + 2);
        if (close < 0) {
          throw this.error('UNTERMINATED', 'comment /* without its closing */', this.at, this.at + 2);
        }
        this.at = close + 2;
      } else if (text[this.at] === '#' && !this.directive()) this.at = this.endOfLine(this.at);
      if (this.at === before) return;
    }
  }

  private endOfLine(from: number): number {
    const end = this.source.text.indexOf('\n', from);
    return end < 0 ? this.source.text.length : end;
  }

  /** Obeys `#ifdef` and its kin at the current place; false when this `#` starts a comment. */
  private directive(): boolean {
    DIRECTIVE.lastIndex = this.at;
    const found = DIRECTIVE.exec(this.source.text);
    if (found === null) return false;
    const start = this.at;
    const end = start + found[0].length;
    const word = found[1]!;
    const name = found[2];
    if (this.options.dialect !== 'nplab') {
      throw this.error('DIALECT', `#${word} belongs to the nplab dialect`, start, end, {
        note: 'run it with --dialect nplab',
      });
    }
    this.at = end;
    const innermost = this.conditions.at(-1);
    if (word === 'ifdef' || word === 'ifndef') {
      if (name === undefined) {
        throw this.error('DIRECTIVE', `#${word} without a name`, start, end, { expected: ['a name'] });
      }
      const taken = this.options.definitions.has(name) === (word === 'ifdef');
      this.conditions.push({ start, taken, sawElse: false });
      if (!taken) this.skipBranch();
      return true;
    }
    // A name after #else or #endif is a remark.
    if (innermost === undefined) throw this.error('DIRECTIVE', `#${word} without #ifdef`, start, end);
    if (word === 'endif') {
      this.conditions.pop();
      return true;
    }
    if (innermost.sawElse) throw this.error('DIRECTIVE', 'second #else', start, end);
    innermost.sawElse = true;
    innermost.taken = !innermost.taken;
    if (!innermost.taken) this.skipBranch();
    return true;
  }

  /** Skips to the `#else` or `#endif` of the innermost condition, which stays to be read. */
  private skipBranch(): void {
    let depth = 0;
    for (
      let at = this.source.text.indexOf('#', this.at);
      at >= 0;
      at = this.source.text.indexOf('#', at + 1)
    ) {
      DIRECTIVE.lastIndex = at;
      const word = DIRECTIVE.exec(this.source.text)?.[1];
      if (word === 'ifdef' || word === 'ifndef') depth++;
      else if (depth === 0 && (word === 'else' || word === 'endif')) {
        this.at = at;
        return;
      } else if (word === 'endif') depth--;
    }
    const open = this.conditions.at(-1)!;
    throw this.error('DIRECTIVE', '#ifdef without #endif', open.start, open.start + 6);
  }

  private error(...args: ErrorArguments) {
    return scriptError(this.source, ...args);
  }
}

type ErrorArguments = Parameters<typeof scriptError> extends [unknown, ...infer Rest] ? Rest : never;
