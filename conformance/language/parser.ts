// The frame of a script: options, init command, timed events, cleanup command. What an event says is parsed in
// parse-packet.ts and parse-syscall.ts. Pure: reads no file.

import type {
  CodeBody,
  CommandBody,
  Dialect,
  EventBody,
  EventTime,
  OptionLine,
  Script,
  ScriptEvent,
} from './ast.js';
import { Cursor, describe } from './cursor.js';
import { Lexer } from './lexer.js';
import { parsePacket } from './parse-packet.js';
import { parseSyscall } from './parse-syscall.js';
import { Source } from './source.js';
import { nearest } from './suggest.js';
import type { Token } from './tokens.js';
import { DefinitionError, Definitions, splitDefinition } from './tokens.js';
import { ALL_OPTIONS, GOOGLE_OPTIONS } from './vocabulary.js';

export interface ParseOptions {
  /** The name that spans and messages carry; nothing is read from it. */
  readonly file?: string;
  readonly dialect?: Dialect;
  /** What `-D NAME=VALUE` gave. These win over a `--define` in the script. */
  readonly defines?: Readonly<Record<string, string>>;
}

/**
 * Parses a whole script.
 * @throws ScriptError naming file, line and column of the first thing that is wrong
 * @throws DefinitionError when a value in `defines` is malformed
 */
export function parseScript(text: string, options: ParseOptions = {}): Script {
  const dialect = options.dialect ?? 'google';
  const source = new Source(options.file ?? '<script>', text);
  const given = options.defines ?? {};
  const definitions = new Definitions(given);
  const cursor = new Cursor(source, new Lexer(source, { dialect, definitions }), dialect);
  const lines: OptionLine[] = [];
  while (cursor.atKind('option')) lines.push(parseOption(cursor, definitions, given));
  const init = cursor.atKind('command') ? commandBody(cursor) : null;
  const events: ScriptEvent[] = [];
  let cleanup: CommandBody | null = null;
  while (!cursor.atKind('end')) {
    if (cursor.atKind('command')) {
      const command = cursor.peek();
      cleanup = commandBody(cursor);
      if (!cursor.atKind('end')) {
        throw cursor.fail('SYNTAX', 'a command without a time', command, command, {
          note:
            events.length === 0
              ? 'there is one init command at most, and it stands before the first event'
              : 'only the cleanup command has none, and it must end the script',
        });
      }
      break;
    }
    if (cursor.atKind('option')) {
      throw cursor.fail('SYNTAX', 'an option after the first event or command', cursor.peek(), undefined, {
        note: 'options stand at the top of a script',
      });
    }
    events.push(parseEvent(cursor));
  }
  if (events.length === 0) throw cursor.unexpected(['an event']);
  return {
    kind: 'script',
    file: source.file,
    dialect,
    options: lines,
    init,
    events,
    cleanup,
    span: source.span(0, text.length),
  };
}

// ---------------------------------------------------------------- options

function parseOption(
  cursor: Cursor,
  definitions: Definitions,
  given: Readonly<Record<string, string>>,
): OptionLine {
  const token = cursor.take();
  const name = token.text;
  const takesValue = ALL_OPTIONS.get(name);
  if (takesValue === undefined) {
    throw cursor.fail('UNKNOWN_OPTION', `unknown option '--${name}'`, token, token, {
      suggestion: prefixed(nearest(name, ALL_OPTIONS.keys())),
    });
  }
  if (cursor.dialect === 'google' && !GOOGLE_OPTIONS.has(name)) {
    throw cursor.fail('DIALECT', `option '--${name}' belongs to the nplab dialect`, token, token, {
      note: 'run it with --dialect nplab',
    });
  }
  if (!cursor.at('=')) {
    if (takesValue) throw cursor.fail('SYNTAX', `option '--${name}' needs a value`, token);
    return { kind: 'option', name, value: null, quoted: false, span: cursor.spanOf(token) };
  }
  if (!takesValue) throw cursor.fail('SYNTAX', `option '--${name}' takes no value`, token);
  cursor.take();
  const written = cursor.take();
  // `--define=NAME=...` speaks of the name itself, also when `-D` has defined it already.
  const isName = name === 'define' && written.definedAs !== null;
  const first: Token = isName ? { ...written, kind: 'word', text: written.definedAs! } : written;
  const quoted = first.kind === 'string';
  let value = optionText(cursor, first);
  if (first.kind === 'word' && cursor.at('=')) {
    cursor.take();
    const right = cursor.take();
    const quote = right.kind === 'string' ? '"' : right.kind === 'command' ? '`' : '';
    value = `${value}=${quote}${optionText(cursor, right, true)}${quote}`;
  }
  if (name === 'define') defineFromScript(cursor, first, value, definitions, given);
  return { kind: 'option', name, value, quoted, span: cursor.spanFrom(token.start) };
}

function prefixed(name: string | null): string | null {
  return name === null ? null : `--${name}`;
}

function optionText(cursor: Cursor, token: Token, allowCommand = false): string {
  const plain = ['word', 'integer', 'hex', 'float', 'string', 'ipv4', 'ipv6'];
  if (plain.includes(token.kind) || (allowCommand && token.kind === 'command')) return token.text;
  throw cursor.unexpected(['a value for the option'], [], token);
}

function defineFromScript(
  cursor: Cursor,
  at: Token,
  value: string,
  definitions: Definitions,
  given: Readonly<Record<string, string>>,
): void {
  try {
    const [name, meaning] = splitDefinition(value);
    if (!Object.hasOwn(given, name)) definitions.define(name, meaning);
  } catch (error) {
    if (error instanceof DefinitionError) throw cursor.fail('SYNTAX', error.message, at);
    throw error;
  }
}

// ---------------------------------------------------------------- events

function parseEvent(cursor: Cursor): ScriptEvent {
  const first = cursor.peek();
  const time = parseTime(cursor);
  const body = parseBody(cursor, first);
  const outbound = body.kind === 'packet' && body.direction === 'out';
  if (!outbound && (time.kind === 'any' || time.until !== null)) {
    throw cursor.fail(
      'NOT_ALLOWED',
      time.kind === 'any'
        ? "the time '*' can only stand before an outbound packet"
        : 'a time range can only stand before an outbound packet',
      first,
    );
  }
  return { kind: 'event', time, body, span: cursor.spanFrom(first.start) };
}

const TIME_EXPECTED = ['a time (1.5, +0.1, *)'];

function parseTime(cursor: Cursor): EventTime {
  const first = cursor.peek();
  if (cursor.accept('*')) return { kind: 'any', at: 0, until: null, span: cursor.spanOf(first) };
  const relative = cursor.accept('+');
  if (!relative && !cursor.atKind('integer') && !cursor.atKind('float'))
    throw cursor.unexpected(TIME_EXPECTED);
  const at = parseMicroseconds(cursor);
  let until: number | null = null;
  if (cursor.accept('~')) {
    if (relative) cursor.expect('+');
    const end = cursor.peek();
    until = parseMicroseconds(cursor);
    if (until < at) throw cursor.fail('RANGE', 'the time range ends before it begins', first, end);
  }
  const span = cursor.spanFrom(first.start);
  const base = relative ? 'relative' : 'absolute';
  return { kind: until === null ? base : `${base}-range`, at, until, span };
}

/** Seconds, whole or with a fraction, as whole microseconds. */
export function parseMicroseconds(cursor: Cursor): number {
  const token = cursor.peek();
  if (token.kind !== 'integer' && token.kind !== 'float') throw cursor.unexpected(['a time in seconds']);
  cursor.take();
  const seconds = Number(token.text);
  if (token.text.startsWith('-')) throw cursor.fail('RANGE', `negative time ${token.text}`, token);
  const microseconds = Math.round(seconds * 1e6);
  if (!Number.isSafeInteger(microseconds))
    throw cursor.fail('RANGE', `time ${token.text} is too long`, token);
  return microseconds;
}

function parseBody(cursor: Cursor, eventStart: Token): EventBody {
  if (cursor.at('<') || cursor.at('>')) return parsePacket(cursor);
  if (cursor.atKind('command')) return commandBody(cursor);
  if (cursor.atKind('code')) return codeBody(cursor);
  if (cursor.atKind('ellipsis') || cursor.atKind('word')) return parseSyscall(cursor);
  const token = cursor.peek();
  throw cursor.fail('SYNTAX', `unexpected ${describe(token)} after the time of an event`, token, token, {
    expected: ["'<' or '>' for a packet", 'a system call', 'a `command`', 'a %{ code block }%'],
    ...(token.kind === 'end' ? { note: `the event began on line ${cursor.spanOf(eventStart).line}` } : {}),
  });
}

function commandBody(cursor: Cursor): CommandBody {
  const token = cursor.take();
  // A command from a definition has no text of its own in the script.
  const margin = token.definedAs === null ? 1 : 0;
  return {
    kind: 'command',
    text: token.text,
    textSpan: cursor.source.span(token.start + margin, token.end - margin),
    span: cursor.spanOf(token),
  };
}

function codeBody(cursor: Cursor): CodeBody {
  const token = cursor.take();
  const lead = token.text.length - token.text.replace(/^[ \t]+/, '').length;
  const text = token.text.slice(lead).replace(/[ \t]+$/, '');
  const start = token.start + 2 + lead;
  return {
    kind: 'code',
    text,
    textSpan: cursor.source.span(start, start + text.length),
    span: cursor.spanOf(token),
  };
}
