// The tokens of the packetdrill language and the `-D` definitions that can stand in for a word.
// It knows nothing of grammar.

export type TokenKind =
  | 'word'
  | 'integer'
  | 'hex'
  | 'float'
  | 'string'
  | 'command'
  | 'code'
  | 'option'
  | 'ellipsis'
  | 'ipv4'
  | 'ipv6'
  | 'punctuation'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Content: without quotes, dashes or delimiters; for words and numbers the text as written or substituted. */
  readonly text: string;
  /** Offsets into the source, end exclusive. Of a substituted word: where the word stood. */
  readonly start: number;
  readonly end: number;
  /** The `-D` name that this token was written as, when it was substituted. */
  readonly definedAs: string | null;
}

/** A definition's value, as a token without a place. */
export interface Definition {
  readonly kind: 'word' | 'integer' | 'hex' | 'string' | 'command' | 'ipv4' | 'ipv6';
  readonly text: string;
}

export class DefinitionError extends Error {
  override readonly name = 'DefinitionError';
  readonly code = 'BAD_DEFINITION';
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Splits `NAME=VALUE`. A bare `NAME` defines 1, as a C compiler does. */
export function splitDefinition(text: string): [name: string, value: string] {
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  if (!NAME.test(name)) {
    throw new DefinitionError(`bad definition '${text}': expected NAME=VALUE, where NAME is a word`);
  }
  return [name, equals < 0 ? '1' : text.slice(equals + 1)];
}

/** What a definition's value stands for: `"text"`, a backtick command, a number, an address or a word. */
export function classifyDefinition(name: string, value: string): Definition {
  const quote = value[0];
  if (quote === '"' || quote === '`') {
    const whole = quote === '"' ? /^"(?:\\[\s\S]|[^"\\])*"$/ : /^`(?:\\[\s\S]|[^`\\])*`$/;
    if (!whole.test(value)) {
      throw new DefinitionError(
        `bad definition of '${name}': ${value} is not closed by one ${quote} at its end`,
      );
    }
    return { kind: quote === '"' ? 'string' : 'command', text: value.slice(1, -1) };
  }
  if (/^0x[0-9a-fA-F]+$/i.test(value)) return { kind: 'hex', text: value.toLowerCase() };
  if (/^-?\d+$/.test(value)) return { kind: 'integer', text: value };
  if (/^\d+\.\d+\.\d+\.\d+$/.test(value)) return { kind: 'ipv4', text: value };
  if (value.includes(':') && /^[0-9a-fA-F:.]+$/.test(value)) return { kind: 'ipv6', text: value };
  if (/^[A-Za-z0-9_]+$/.test(value)) return { kind: 'word', text: value };
  throw new DefinitionError(
    `bad definition of '${name}': '${value}' is no word, number, address, "string" or \`command\``,
  );
}

/**
 * The definitions in force. A word that is itself defined is followed, so that no defined name is left in a
 * tree and printing and parsing again changes nothing.
 */
export class Definitions {
  private readonly values = new Map<string, Definition>();

  constructor(initial: Readonly<Record<string, string>> = {}) {
    for (const [name, value] of Object.entries(initial)) this.define(name, value);
  }

  define(name: string, value: string): void {
    this.values.set(name, classifyDefinition(name, value));
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  lookup(name: string): Definition | null {
    let found = this.values.get(name) ?? null;
    const seen = new Set([name]);
    while (found !== null && found.kind === 'word' && !seen.has(found.text)) {
      const next = this.values.get(found.text);
      if (next === undefined) break;
      seen.add(found.text);
      found = next;
    }
    return found;
  }
}
