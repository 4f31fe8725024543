// Tokens of the Python subset in `%{ }%`: names, integers, strings, signs, line ends and indentation.

import type { SnippetText } from './snippet-text.js';

export type TokenKind =
  | 'name'
  | 'int'
  | 'float'
  | 'string'
  | 'sign'
  | 'newline'
  | 'indent'
  | 'dedent'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** The sign, the name, or the literal as written; for strings the value. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Trees of longer snippets could be too deep to walk. */
const MAX_TOKENS = 2000;

const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER =
  /(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9][0-9_]*)(?:[eE][+-]?[0-9]+)?)/y;
const SIGN = /(?:\*\*=|\/\/=|<<=|>>=|\*\*|\/\/|<<|>>|<=|>=|==|!=|[-+*/%&|^]=|[-+*/%&|^~<>=(),:;[\]{}.@])/y;

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

/** The whole snippet as tokens. Line ends inside parentheses and after a backslash do not count, as in Python. */
export function tokenize(snippet: SnippetText): Token[] {
  const { text } = snippet;
  const tokens: Token[] = [];
  const indents = [0];
  let depth = 0;
  let at = 0;
  let lineStart = true;
  const push = (kind: TokenKind, word: string, start: number, end: number) =>
    tokens.push({ kind, text: word, start, end });

  while (at < text.length) {
    if (lineStart && depth === 0) {
      const blank = /[ \t]*/y;
      blank.lastIndex = at;
      const width = blank.exec(text)![0].replace(/\t/g, '        ').length;
      at = blank.lastIndex;
      if (at >= text.length || /[\n\r#]/.test(text[at]!)) {
        // Blank lines and comment lines have no indentation.
        at = endOfLine(text, at);
        continue;
      }
      lineStart = false;
      if (width > indents.at(-1)!) {
        indents.push(width);
        push('indent', '', at, at);
      }
      while (width < indents.at(-1)!) {
        indents.pop();
        if (width > indents.at(-1)!)
          throw snippet.error('SYNTAX', 'indentation matches no outer line', at, at + 1);
        push('dedent', '', at, at);
      }
    }
    const c = text[at]!;
    if (c === ' ' || c === '\t' || c === '\r') at++;
    else if (c === '\\' && /^\\[ \t\r]*\n/.test(text.slice(at, at + 80))) at = text.indexOf('\n', at) + 1;
    // A backslash before the end of the snippet continues nothing.
    else if (c === '\\' && text.slice(at + 1).trim() === '') break;
    else if (c === '#') at = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at);
    else if (c === '\n') {
      if (depth === 0) {
        push('newline', '', at, at + 1);
        lineStart = true;
      }
      at++;
    } else {
      const token = scan(snippet, at);
      if (token.kind === 'sign' && '([{'.includes(token.text)) depth++;
      if (token.kind === 'sign' && ')]}'.includes(token.text)) depth = Math.max(0, depth - 1);
      tokens.push(token);
      at = token.end;
    }
  }
  if (tokens.length > MAX_TOKENS) {
    throw snippet.error(
      'UNSUPPORTED',
      `the snippet is too long (${tokens.length} words, ${MAX_TOKENS} are allowed)`,
      0,
      1,
    );
  }
  push('newline', '', text.length, text.length);
  while (indents.length > 1) {
    indents.pop();
    push('dedent', '', text.length, text.length);
  }
  push('end', '', text.length, text.length);
  return tokens;
}

function endOfLine(text: string, at: number): number {
  const newline = text.indexOf('\n', at);
  return newline < 0 ? text.length : newline + 1;
}

function scan(snippet: SnippetText, at: number): Token {
  const { text } = snippet;
  if (text[at] === '"' || text[at] === "'") return scanString(snippet, at);
  const name = matchAt(NAME, text, at);
  if (name !== null) {
    const next = text[at + name.length];
    if ((next === '"' || next === "'") && /^[a-zA-Z]{1,2}$/.test(name)) {
      throw snippet.error('UNSUPPORTED', `${name}-strings are not supported`, at, at + name.length);
    }
    return { kind: 'name', text: name, start: at, end: at + name.length };
  }
  const number = matchAt(NUMBER, text, at);
  if (number !== null) {
    const kind = /^0[xXbBoO]/.test(number) || !/[.eE]/.test(number) ? 'int' : 'float';
    return { kind, text: number, start: at, end: at + number.length };
  }
  const sign = matchAt(SIGN, text, at);
  if (sign !== null) return { kind: 'sign', text: sign, start: at, end: at + sign.length };
  throw snippet.error('SYNTAX', `unexpected character '${text[at]}'`, at, at + 1);
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

function scanString(snippet: SnippetText, start: number): Token {
  const { text } = snippet;
  const quote = text[start]!;
  if (text.startsWith(quote.repeat(3), start)) {
    throw snippet.error('UNSUPPORTED', 'strings in triple quotes are not supported', start, start + 3);
  }
  let value = '';
  for (let at = start + 1; at < text.length && text[at] !== '\n'; at++) {
    const c = text[at]!;
    if (c === quote) return { kind: 'string', text: value, start, end: at + 1 };
    if (c === '\\') {
      at++;
      // As in Python, an unknown escape stays as it is.
      value += ESCAPES[text[at] ?? ''] ?? `\\${text[at] ?? ''}`;
    } else value += c;
  }
  throw snippet.error('SYNTAX', `string without its closing ${quote}`, start, start + 1);
}
