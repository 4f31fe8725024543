// Parses a command text into lists, pipelines and commands. Pure.

import { ShellError } from './errors.js';
import { ShellLexer, type Token } from './lexer.js';
import type { AndOr, Command, CommandList, Pipeline, Redirection, SimpleCommand, Word } from './syntax.js';

const RESERVED = new Set([
  'then',
  'elif',
  'else',
  'fi',
  'do',
  'done',
  '}',
  'while',
  'until',
  'case',
  'esac',
  'function',
]);

/**
 * Parses a command text, which may have many lines.
 * @param line the line of `file` that the text begins on
 * @throws ShellError with code SYNTAX
 */
export function parseCommands(text: string, file: string, line: number, depth = 0): CommandList {
  const tokens = new ShellLexer(text, file, line, parseCommands, depth).all();
  const parser = new CommandParser(tokens, file);
  const list = parser.list();
  parser.finish();
  return list;
}

class CommandParser {
  private readonly tokens: readonly Token[];
  private readonly file: string;
  private at = 0;
  private depth = 0;

  constructor(tokens: readonly Token[], file: string) {
    this.tokens = tokens;
    this.file = file;
  }

  private get ahead(): Token {
    return this.tokens[this.at]!;
  }

  private take(): Token {
    const token = this.ahead;
    if (token.kind !== 'end') this.at++;
    return token;
  }

  private error(problem: string, token = this.ahead): ShellError {
    return new ShellError('SYNTAX', problem, { file: this.file, line: token.line });
  }

  private describe(token = this.ahead): string {
    if (token.kind === 'operator') return `'${token.text}'`;
    if (token.kind === 'word') return token.bare === null ? 'a word' : `'${token.bare}'`;
    return token.kind === 'newline' ? 'end of the line' : 'end of the command';
  }

  private isOperator(...texts: string[]): boolean {
    return this.ahead.kind === 'operator' && texts.includes(this.ahead.text);
  }

  private isWord(text: string): boolean {
    return this.ahead.kind === 'word' && this.ahead.bare === text;
  }

  finish(): void {
    if (this.ahead.kind !== 'end') throw this.error(`unexpected ${this.describe()}`);
  }

  list(): AndOr[] {
    const list: AndOr[] = [];
    if (++this.depth > 32) throw this.error('commands are nested too deeply');
    for (;;) {
      while (this.ahead.kind === 'newline' || this.isOperator(';')) this.take();
      const { ahead } = this;
      if (ahead.kind === 'end' || this.isOperator(')')) break;
      if (ahead.kind === 'word' && ahead.bare !== null && RESERVED.has(ahead.bare)) {
        if (['while', 'until', 'case', 'function'].includes(ahead.bare)) {
          throw this.error(`'${ahead.bare}' is not supported`);
        }
        break;
      }
      list.push(this.andOr());
      if (this.isOperator('&')) throw this.error('background commands are not supported');
    }
    this.depth--;
    return list;
  }

  private andOr(): AndOr {
    const first = this.pipeline();
    const rest: { operator: '&&' | '||'; pipeline: Pipeline }[] = [];
    while (this.isOperator('&&', '||')) {
      const operator = (this.take() as { text: '&&' | '||' }).text;
      this.skipLines();
      // `command ||\` at the end of a text: nothing follows, nothing is asked for.
      if (this.ahead.kind === 'end') break;
      rest.push({ operator, pipeline: this.pipeline() });
    }
    return { first, rest };
  }

  private skipLines(): void {
    while (this.ahead.kind === 'newline') this.take();
  }

  private pipeline(): Pipeline {
    const negated = this.isWord('!');
    if (negated) this.take();
    const commands = [this.command()];
    while (this.isOperator('|')) {
      this.take();
      this.skipLines();
      commands.push(this.command());
    }
    return { negated, commands };
  }

  private command(): Command {
    if (this.isWord('if')) return this.ifCommand();
    if (this.isWord('for')) return this.forCommand();
    if (this.isWord('{')) return this.group();
    if (this.isOperator('(')) throw this.error('subshells are not supported');
    return this.simple();
  }

  private simple(): SimpleCommand {
    const { line } = this.ahead;
    const assignments: { name: string; value: Word }[] = [];
    const words: Word[] = [];
    const redirections: Redirection[] = [];
    for (;;) {
      const token = this.ahead;
      if (token.kind === 'word') {
        this.take();
        const assignment = words.length === 0 ? asAssignment(token.word) : null;
        if (assignment !== null) assignments.push(assignment);
        else words.push(token.word);
        continue;
      }
      const redirection = this.redirection();
      if (redirection === null) break;
      redirections.push(redirection);
    }
    if (words.length === 0 && assignments.length === 0 && redirections.length === 0) {
      throw this.error(`unexpected ${this.describe()}, expected a command`);
    }
    if (this.isOperator('(')) throw this.error('functions are not supported');
    return { kind: 'simple', assignments, words, redirections, line };
  }

  private redirection(): Redirection | null {
    const token = this.ahead;
    if (token.kind !== 'operator' || !/[<>]/.test(token.text)) return null;
    this.take();
    if (token.text === '<<') throw this.error('here documents are not supported', token);
    const descriptor = /^[0-9]/.exec(token.text)?.[0] ?? '1';
    if (descriptor !== '1' && descriptor !== '2') {
      throw this.error(`redirection of descriptor ${descriptor} is not supported`, token);
    }
    const from = descriptor === '1' ? 1 : 2;
    const duplicate = />&([0-9])$/.exec(token.text);
    if (duplicate !== null) {
      if (duplicate[1] !== '1' && duplicate[1] !== '2')
        throw this.error(`'${token.text}' is not supported`, token);
      return { kind: 'duplicate', from, to: duplicate[1] === '1' ? 1 : 2 };
    }
    const target = this.take();
    if (target.kind !== 'word') throw this.error(`'${token.text}' without a file name`, token);
    if (token.text === '<') return { kind: 'read', target: target.word };
    const kind = token.text.endsWith('>>') ? 'append' : 'write';
    return { kind, from: token.text.startsWith('&') ? 'both' : from, target: target.word };
  }

  private expectWord(text: string): void {
    this.skipSeparators();
    if (!this.isWord(text)) throw this.error(`unexpected ${this.describe()}, expected '${text}'`);
    this.take();
  }

  private skipSeparators(): void {
    while (this.ahead.kind === 'newline' || this.isOperator(';')) this.take();
  }

  private ifCommand(): Command {
    const { line } = this.take();
    const branches: { condition: CommandList; body: CommandList }[] = [];
    let otherwise: CommandList | null = null;
    do {
      const condition = this.list();
      this.expectWord('then');
      branches.push({ condition, body: this.list() });
      this.skipSeparators();
    } while (this.isWord('elif') && this.take());
    if (this.isWord('else')) {
      this.take();
      otherwise = this.list();
    }
    this.expectWord('fi');
    return { kind: 'if', branches, otherwise, line };
  }

  private forCommand(): Command {
    const { line } = this.take();
    const name = this.take();
    if (name.kind !== 'word' || name.bare === null || !/^[A-Za-z_]\w*$/.test(name.bare)) {
      throw this.error("expected a name after 'for'", name);
    }
    if (!this.isWord('in')) throw this.error("expected 'in'");
    this.take();
    const words: Word[] = [];
    for (let token = this.ahead; token.kind === 'word'; token = this.ahead) {
      words.push(token.word);
      this.take();
    }
    this.expectWord('do');
    const body = this.list();
    this.expectWord('done');
    return { kind: 'for', name: name.bare, words, body, line };
  }

  private group(): Command {
    const { line } = this.take();
    const body = this.list();
    this.expectWord('}');
    const redirections: Redirection[] = [];
    for (let found = this.redirection(); found !== null; found = this.redirection()) redirections.push(found);
    return { kind: 'group', body, redirections, line };
  }
}

/** `NAME=value` before a command; the `=` must stand outside quotes. */
function asAssignment(word: Word): { name: string; value: Word } | null {
  const [first, ...rest] = word.parts;
  if (first === undefined || first.kind !== 'literal' || first.quoted) return null;
  const found = /^([A-Za-z_][A-Za-z0-9_]*)=/.exec(first.text);
  if (found === null) return null;
  const remainder = first.text.slice(found[0].length);
  const parts = remainder === '' ? rest : [{ ...first, text: remainder }, ...rest];
  return { name: found[1]!, value: { parts, line: word.line } };
}
