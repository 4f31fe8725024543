// Tokens of the restricted shell: words with quotes and expansions, operators, line ends.

import { ShellError } from './errors.js';
import type { CommandList, Word, WordPart } from './syntax.js';

export type Token =
  | { readonly kind: 'word'; readonly word: Word; readonly bare: string | null; readonly line: number }
  | { readonly kind: 'operator'; readonly text: string; readonly line: number }
  | { readonly kind: 'newline' | 'end'; readonly line: number };

/** Longest first. A digit before `>` belongs to the operator. */
const OPERATOR = /(?:&&|\|\||;;|&>>?|[0-9]?>>|[0-9]?>&[0-9]|[0-9]?>|<<|<|[|&;()])/y;

/** `depth` counts the `$(...)` around the text. */
export type ParseList = (text: string, file: string, line: number, depth: number) => CommandList;

const MAX_DEPTH = 16;

export class ShellLexer {
  private readonly text: string;
  private readonly file: string;
  private readonly parseList: ParseList;
  private readonly depth: number;
  private line: number;
  private at = 0;

  /** `parseList` parses what stands in `$(...)`. */
  constructor(text: string, file: string, line: number, parseList: ParseList, depth = 0) {
    this.text = text;
    this.file = file;
    this.line = line;
    this.parseList = parseList;
    this.depth = depth;
  }

  all(): Token[] {
    const tokens: Token[] = [];
    for (;;) {
      const token = this.next();
      tokens.push(token);
      if (token.kind === 'end') return tokens;
    }
  }

  private error(problem: string): ShellError {
    return new ShellError('SYNTAX', problem, { file: this.file, line: this.line });
  }

  private next(): Token {
    const { text } = this;
    for (;;) {
      const c = text[this.at];
      if (c === ' ' || c === '\t' || c === '\r') this.at++;
      else if (c === '\\' && text[this.at + 1] === '\n') {
        this.at += 2;
        this.line++;
      } else if (c === '#') {
        const end = text.indexOf('\n', this.at);
        this.at = end < 0 ? text.length : end;
      } else break;
    }
    const { line } = this;
    const c = text[this.at];
    if (c === undefined) return { kind: 'end', line };
    if (c === '\n') {
      this.at++;
      this.line++;
      return { kind: 'newline', line };
    }
    OPERATOR.lastIndex = this.at;
    const operator = OPERATOR.exec(text)?.[0];
    if (operator !== undefined) {
      this.at += operator.length;
      return { kind: 'operator', text: operator, line };
    }
    return this.word();
  }

  private word(): Token {
    const { line, text } = this;
    const start = this.at;
    const parts: WordPart[] = [];
    let plain = '';
    let quotes = false;
    const flush = () => {
      if (plain !== '') parts.push({ kind: 'literal', text: plain, quoted: false });
      plain = '';
    };
    for (let c = text[this.at]; c !== undefined && !/[ \t\r\n|&;()<>]/.test(c); c = text[this.at]) {
      if (c === "'") {
        flush();
        quotes = true;
        parts.push({ kind: 'literal', text: this.singleQuoted(), quoted: true });
      } else if (c === '"') {
        flush();
        quotes = true;
        parts.push(...this.doubleQuoted());
      } else if (c === '\\') {
        quotes = true;
        if (text[this.at + 1] === '\n') {
          // A continued line: the word goes on in the next one.
          this.line++;
        } else {
          flush();
          parts.push({ kind: 'literal', text: text[this.at + 1] ?? '', quoted: true });
        }
        this.at += 2;
      } else if (c === '$' && this.startsExpansion()) {
        flush();
        quotes = true;
        parts.push(this.expansion(false));
      } else if (c === '`') throw this.error('a backquote inside a command is not supported');
      else {
        plain += c;
        this.at++;
      }
    }
    flush();
    const bare = quotes ? null : text.slice(start, this.at);
    return { kind: 'word', word: { parts, line }, bare, line };
  }

  private singleQuoted(): string {
    const end = this.text.indexOf("'", this.at + 1);
    if (end < 0) throw this.error("' without its closing '");
    const inner = this.text.slice(this.at + 1, end);
    this.at = end + 1;
    this.line += inner.split('\n').length - 1;
    return inner;
  }

  private doubleQuoted(): WordPart[] {
    const parts: WordPart[] = [];
    const startLine = this.line;
    let plain = '';
    const flush = () => {
      if (plain !== '') parts.push({ kind: 'literal', text: plain, quoted: true });
      plain = '';
    };
    this.at++;
    for (let c = this.text[this.at]; c !== '"'; c = this.text[this.at]) {
      if (c === undefined) {
        this.line = startLine;
        throw this.error('" without its closing "');
      }
      if (c === '\\' && /[$`"\\\n]/.test(this.text[this.at + 1] ?? '')) {
        const next = this.text[this.at + 1]!;
        if (next === '\n') this.line++;
        else plain += next;
        this.at += 2;
      } else if (c === '$' && this.startsExpansion()) {
        flush();
        parts.push(this.expansion(true));
      } else {
        if (c === '\n') this.line++;
        plain += c;
        this.at++;
      }
    }
    this.at++;
    flush();
    // An empty string is a word, too.
    if (parts.length === 0) parts.push({ kind: 'literal', text: '', quoted: true });
    return parts;
  }

  private startsExpansion(): boolean {
    return /[A-Za-z0-9_{(?#@*$!]/.test(this.text[this.at + 1] ?? '');
  }

  private expansion(quoted: boolean): WordPart {
    const { text, at } = this;
    if (text.startsWith('$((', at)) {
      const end = this.matchingEnd(at + 2, '))');
      return { kind: 'arithmetic', text: text.slice(at + 3, end), quoted };
    }
    if (text[at + 1] === '(') {
      const { line } = this;
      if (this.depth >= MAX_DEPTH) throw this.error("'$(' is nested too deeply");
      const end = this.matchingEnd(at + 1, ')');
      const inner = text.slice(at + 2, end);
      return { kind: 'substitution', list: this.parseList(inner, this.file, line, this.depth + 1), quoted };
    }
    if (text[at + 1] === '{') {
      const found = /^\$\{([A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#?])(?::-([^}]*))?\}/.exec(
        text.slice(at, at + 1000),
      );
      if (found === null) throw this.error('this form of parameter expansion is not supported');
      this.at += found[0].length;
      return { kind: 'parameter', name: found[1]!, fallback: found[2] ?? null, quoted };
    }
    const name = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9?#@*$!])/.exec(text.slice(at + 1))![0];
    this.at += 1 + name.length;
    return { kind: 'parameter', name, fallback: null, quoted };
  }

  /** The offset of the sign that closes the parenthesis at `open`; moves behind it. */
  private matchingEnd(open: number, close: string): number {
    let depth = 0;
    for (let at = open; at < this.text.length; at++) {
      if (this.text[at] === '(') depth++;
      else if (this.text[at] === ')' && --depth === 0) {
        // `$((` ends with `))`, whose first sign closes the inner one.
        const second = close === '))' ? 1 : 0;
        if (this.text.slice(at, at + 1 + second) !== close) break;
        this.line += this.text.slice(this.at, at).split('\n').length - 1;
        this.at = at + 1 + second;
        return at;
      }
    }
    throw this.error(`'$(' without its closing '${close}'`);
  }
}
