// TCP segments: flags, sequence numbers, acknowledgment, window, urgent pointer. Options: parse-tcp-options.ts.

import type { PortPair, SequenceRange, TcpFlags, TcpSegment, Value } from './ast.js';
import type { Cursor } from './cursor.js';
import { parseChecksum, parseEndpoints } from './parse-packet.js';
import { parseTcpOptions } from './parse-tcp-options.js';
import type { Token } from './tokens.js';

const U32 = 0xffffffff;
const U16 = 0xffff;

export function parseTcp(cursor: Cursor, direction: 'in' | 'out'): TcpSegment {
  const first = cursor.peek();
  const endpoints = parseEndpoints(cursor);
  const flags = parseFlags(cursor);
  const sequence = parseSequence(cursor);
  if (sequence.mode === 'any') outboundOnly(cursor, direction, first, "'...' for a sequence number");
  const ack = parseField(cursor, 'ack', direction, 'acknowledgment number', U32);
  const window = parseField(cursor, 'win', direction, 'window', U16);
  const urgent = parseField(cursor, 'urg', direction, 'urgent pointer', U16);
  const options = parseTcpOptions(cursor, direction);
  const checksum = parseChecksum(cursor, direction);
  const udpEncapsulation = parseUdpEncapsulation(cursor);
  const span = cursor.spanFrom(first.start);
  return {
    kind: 'tcp',
    endpoints,
    flags,
    sequence,
    ack,
    window,
    urgent,
    options,
    checksum,
    udpEncapsulation,
    span,
  };
}

export function outboundOnly(cursor: Cursor, direction: 'in' | 'out', at: Token, what: string): void {
  if (direction === 'in') {
    throw cursor.fail('NOT_ALLOWED', `${what} can only be used with outbound packets`, at);
  }
}

function parseField(
  cursor: Cursor,
  word: string,
  direction: 'in' | 'out',
  what: string,
  high: number,
): Value | null {
  if (!cursor.accept(word)) return null;
  const token = cursor.peek();
  const value = cursor.value(what, 0, high);
  if (value === '*') outboundOnly(cursor, direction, token, `'${word} *'`);
  return value;
}

// ---------------------------------------------------------------- flags

const FLAG_LETTERS: Readonly<Record<string, keyof TcpFlags>> = {
  S: 'syn',
  F: 'fin',
  R: 'rst',
  P: 'psh',
  U: 'urg',
  E: 'ece',
  W: 'cwr',
  A: 'ae',
  '.': 'ack',
};
const FLAGS_EXPECTED = ["TCP flags (S F R P U E W A '.' '.0' to '.7', or '-')"];
/** What else can follow a direction, for a guess at a mistyped word. */
const PACKET_WORDS = ['udp', 'icmp', 'raw', 'ipv4', 'ipv6', 'gre', 'mpls', 'encap'];

/** `S`, `P.`, `SEW`, `.5` (the three accurate ECN bits as a number), `-` for none. */
function parseFlags(cursor: Cursor): TcpFlags {
  const first = cursor.peek();
  const flags = {
    syn: false,
    fin: false,
    rst: false,
    psh: false,
    urg: false,
    ack: false,
    ece: false,
    cwr: false,
    ae: false,
    ace: null as number | null,
  };
  if (cursor.accept('-')) return { ...flags, span: cursor.spanOf(first) };
  let last: Token | null = null;
  for (let token = cursor.peek(); isFlagToken(token); token = cursor.peek()) {
    // Parts may stand apart; but a word that is no flags is the next field, mistyped.
    const apart = last !== null && last.end !== token.start;
    if (apart && token.kind === 'word' && !/^[SFRPUEWA]+$/.test(token.text)) break;
    cursor.take();
    last = token;
    for (let i = 0; i < token.text.length; i++) applyFlag(cursor, flags, token, i);
  }
  if (last === null) throw cursor.unexpected(FLAGS_EXPECTED, PACKET_WORDS);
  return { ...flags, span: cursor.spanFrom(first.start) };
}

function isFlagToken(token: Token): boolean {
  return (
    token.kind === 'word' || (token.kind === 'punctuation' && token.text === '.') || token.kind === 'float'
  );
}

type MutableFlags = { -readonly [K in Exclude<keyof TcpFlags, 'span'>]: TcpFlags[K] };

function applyFlag(cursor: Cursor, flags: MutableFlags, token: Token, index: number): void {
  const letter = token.text[index]!;
  const bad = (problem: string, suggest: boolean) => {
    const whole = cursor.unexpected(FLAGS_EXPECTED, suggest ? PACKET_WORDS : [], token);
    return cursor.fail('UNKNOWN_NAME', problem, token, token, {
      expected: whole.expected,
      suggestion: whole.suggestion,
    });
  };
  if (/[0-7]/.test(letter)) {
    if (flags.ace !== null || flags.ece || flags.cwr || flags.ae) {
      throw bad(`the ECN flags in '${token.text}' contradict each other`, false);
    }
    flags.ace = Number(letter);
    return;
  }
  const name = FLAG_LETTERS[letter];
  if (name === undefined) throw bad(`unknown TCP flag '${letter}' in '${token.text}'`, true);
  if (flags.ace !== null && (name === 'ece' || name === 'cwr' || name === 'ae')) {
    throw bad(`the ECN flags in '${token.text}' contradict each other`, false);
  }
  (flags as Record<string, unknown>)[name] = true;
}

// ---------------------------------------------------------------- sequence numbers

/** `start:end(length)`, `start:end(length)!` or `...(length)`. */
export function parseSequence(cursor: Cursor): SequenceRange {
  const first = cursor.peek();
  if (cursor.atKind('ellipsis')) {
    cursor.take();
    const length = parseLength(cursor);
    return { mode: 'any', start: 0, end: 0, length, span: cursor.spanFrom(first.start) };
  }
  if (!cursor.atKind('integer')) throw cursor.unexpected(['a sequence range (1:1001(1000))']);
  const start = cursor.integer('start sequence number', 0, U32);
  cursor.expect(':');
  const end = cursor.integer('end sequence number', 0, U32);
  const length = parseLength(cursor);
  const absolute = cursor.accept('!');
  const sum = absolute ? (start + length) % 2 ** 32 : start + length;
  const span = cursor.spanFrom(first.start);
  if (end !== sum) {
    throw cursor.fail(
      'RANGE',
      `sequence numbers and length disagree: ${start} + ${length} is ${sum}`,
      first,
      {
        ...first,
        end: first.start + Math.max(1, span.endLine === span.line ? span.endColumn - span.column : 1),
      },
    );
  }
  return { mode: absolute ? 'absolute' : 'relative', start, end, length, span };
}

function parseLength(cursor: Cursor): number {
  cursor.expect('(');
  const length = cursor.integer('payload size', 0, U16);
  cursor.expect(')');
  return length;
}

/** `/udp(a > b)` */
export function parseUdpEncapsulation(cursor: Cursor): PortPair | null {
  if (!cursor.accept('/')) return null;
  cursor.expect('udp');
  cursor.expect('(');
  const source = cursor.integer('UDP source port', 0, U16);
  cursor.expect('>');
  const destination = cursor.integer('UDP destination port', 0, U16);
  cursor.expect(')');
  return { source, destination };
}
