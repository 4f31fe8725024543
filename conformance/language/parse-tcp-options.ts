// The option list of a TCP segment, every kind that either dialect knows, and `*` for any value of an option.

import type { SackBlock, TcpOption, Value } from './ast.js';
import type { Cursor } from './cursor.js';
import { isUndefinedName } from './cursor.js';
import { parseHexBytes } from './parse-packet.js';
import { outboundOnly } from './parse-tcp.js';
import type { Token } from './tokens.js';

const U32 = 0xffffffff;
/** Bytes that a TCP header has for options at most (RFC 9293 section 3.1). */
export const MAX_OPTION_BYTES = 40;

export const TCP_OPTION_WORDS = (
  'nop eol mss wscale sackOK sack TS FO FOEXP exp-FO md5 ECN AccECN0 AccECN1 ' +
  'exp-AccECN0 exp-AccECN1 exp-tarr raw'
).split(' ');

/** Experiment identifiers behind kind 254 (IANA): TCP ACK rate request. */
const TARR_EXPERIMENT = 0x00ac;

/** `<...>`, `<option, option>` or nothing. */
export function parseTcpOptions(cursor: Cursor, direction: 'in' | 'out'): readonly TcpOption[] | 'any' {
  if (!cursor.at('<')) return [];
  const open = cursor.take();
  if (cursor.atKind('ellipsis')) {
    outboundOnly(cursor, direction, cursor.peek(), "'<...>' for TCP options");
    cursor.take();
    cursor.expect('>');
    return 'any';
  }
  const options: TcpOption[] = [];
  do options.push(parseOption(cursor, direction));
  while (cursor.accept(','));
  const close = cursor.expect('>', ["','"]);
  checkLength(cursor, options, open, close);
  return options;
}

function checkLength(cursor: Cursor, options: readonly TcpOption[], open: Token, close: Token): void {
  let total = 0;
  for (const option of options) {
    const length = tcpOptionLength(option);
    if (length === null) return;
    total += length;
  }
  if (total > MAX_OPTION_BYTES) {
    throw cursor.fail('RANGE', `TCP options take ${total} bytes, ${MAX_OPTION_BYTES} fit`, open, close);
  }
  if (total % 4 !== 0) {
    throw cursor.fail('RANGE', `TCP options take ${total} bytes, which is not a multiple of 4`, open, close, {
      note: `add ${4 - (total % 4)} nop`,
    });
  }
}

/** Bytes that an option takes on the wire, or null when it is not known before the run. */
export function tcpOptionLength(option: TcpOption): number | null {
  switch (option.kind) {
    case 'nop':
    case 'eol':
      return 1;
    case 'mss':
      return 4;
    case 'wscale':
      return 3;
    case 'sackOK':
      return 2;
    case 'sack':
      return option.blocks === '*' ? null : 2 + 8 * option.blocks.length;
    case 'TS':
      return 10;
    case 'FO':
      if (typeof option.cookie !== 'string' || option.cookie === '*') return null;
      return (option.experimental ? 4 : 2) + option.cookie.length / 2;
    case 'md5':
      return option.digest === 'valid' || option.digest === '*' ? 18 : 2 + option.digest.length / 2;
    case 'accecn':
      return (option.experimental ? 4 : 2) + 3 * option.counters.length;
    case 'generic':
      if (option.data === '*') return null;
      return (option.experimentId === null ? 2 : 4) + option.data.length / 2;
    case 'raw':
      return option.bytes.length / 2;
  }
}

function parseOption(cursor: Cursor, direction: 'in' | 'out'): TcpOption {
  const first = cursor.peek();
  const span = () => cursor.spanFrom(first.start);
  const value = (what: string, high: number): Value => {
    const token = cursor.peek();
    const found = cursor.value(what, 0, high);
    if (found === '*') outboundOnly(cursor, direction, token, `'*' for ${what}`);
    return found;
  };
  const word = first.kind === 'word' || first.kind === 'integer' ? first.text : '';
  if (isBareHex(word) && !TCP_OPTION_WORDS.includes(word)) {
    return { kind: 'raw', bytes: parseHexBytes(cursor, 'TCP options'), span: span() };
  }
  const generic = /^(gen|exp)-([0-9a-fA-F]+)$/.exec(word);
  if (generic !== null && first.kind === 'word') return parseGeneric(cursor, direction, first, generic);
  if (first.kind !== 'word' || !TCP_OPTION_WORDS.concat('EXP-FO').includes(word)) {
    throw cursor.unexpected(['a TCP option'], TCP_OPTION_WORDS);
  }
  cursor.take();
  switch (word) {
    case 'nop':
    case 'eol':
    case 'sackOK':
      return { kind: word, span: span() };
    case 'mss': {
      const mss = value('mss', 0xffff);
      return { kind: 'mss', value: mss, span: span() };
    }
    case 'wscale': {
      const shift = value('window scale', 0xff);
      return { kind: 'wscale', value: shift, span: span() };
    }
    case 'sack': {
      const blocks = parseSackBlocks(cursor, direction);
      return { kind: 'sack', blocks, span: span() };
    }
    case 'TS':
      return parseTimestamp(cursor, direction, first, value);
    case 'FO':
    case 'FOEXP':
    case 'EXP-FO':
    case 'exp-FO': {
      const cookie = parseCookie(cursor, direction);
      return { kind: 'FO', experimental: word !== 'FO', cookie, span: span() };
    }
    case 'md5':
      return parseMd5(cursor, direction, first);
    case 'ECN':
      return parseEcn(cursor, first, value);
    case 'exp-tarr': {
      // The rate's seven bits stand above a reserved one.
      const rate = cursor.atKind('integer') ? cursor.integer('ACK rate', 0, 0x7f) : null;
      const data = rate === null ? '' : (rate << 1).toString(16).padStart(2, '0');
      return { kind: 'generic', optionKind: 254, experimentId: TARR_EXPERIMENT, data, span: span() };
    }
    case 'raw': {
      const bytes = parseHexBytes(cursor, 'raw TCP options');
      return { kind: 'raw', bytes, span: span() };
    }
    default:
      return parseAccEcn(cursor, first, word, value);
  }
}

/** A whole option area as one word of digits, as the nplab dialect writes it. */
function isBareHex(word: string): boolean {
  return /^[0-9a-fA-F]+$/.test(word);
}

type ReadValue = (what: string, high: number) => Value;

function parseSackBlocks(cursor: Cursor, direction: 'in' | 'out'): readonly SackBlock[] | '*' {
  if (cursor.at('*')) {
    outboundOnly(cursor, direction, cursor.peek(), "'sack *'");
    cursor.take();
    return '*';
  }
  const blocks: SackBlock[] = [];
  do {
    const left = cursor.integer('left edge', 0, U32);
    cursor.expect(':');
    const right = cursor.integer('right edge', 0, U32);
    blocks.push({ left, right });
  } while (cursor.atKind('integer'));
  return blocks;
}

/** `TS val V ecr E`; `...` is the nplab way to say `*` for val; `E!` is not mapped. */
function parseTimestamp(cursor: Cursor, direction: 'in' | 'out', first: Token, value: ReadValue): TcpOption {
  cursor.expect('val');
  let val: Value;
  if (cursor.atKind('ellipsis')) {
    outboundOnly(cursor, direction, cursor.peek(), "'...' for TS val");
    cursor.take();
    val = '*';
  } else val = value('TS val', U32);
  cursor.expect('ecr');
  const ecr = value('TS ecr', U32);
  const ecrAbsolute = ecr !== '*' && cursor.accept('!');
  return { kind: 'TS', val, ecr, ecrAbsolute, span: cursor.spanFrom(first.start) };
}

function parseCookie(cursor: Cursor, direction: 'in' | 'out') {
  if (cursor.at('*')) {
    outboundOnly(cursor, direction, cursor.peek(), "'*' for a fast open cookie");
    cursor.take();
    return '*';
  }
  const token = cursor.peek();
  if (token.kind !== 'word' && token.kind !== 'integer') return '';
  if (!isBareHex(token.text) && isUndefinedName(token)) {
    cursor.take();
    return { kind: 'undefined-name', name: token.text, span: cursor.spanOf(token) } as const;
  }
  return parseHexBytes(cursor, 'fast open cookie');
}

function parseMd5(cursor: Cursor, direction: 'in' | 'out', first: Token): TcpOption {
  let digest: string;
  if (cursor.at('*')) {
    outboundOnly(cursor, direction, cursor.peek(), "'md5 *'");
    cursor.take();
    digest = '*';
  } else if (cursor.accept('valid')) digest = 'valid';
  else {
    const token = cursor.peek();
    digest = parseHexBytes(cursor, 'MD5 digest');
    if (digest.length > 32) throw cursor.fail('RANGE', 'the MD5 digest is longer than 16 bytes', token);
  }
  return { kind: 'md5', digest, span: cursor.spanFrom(first.start) };
}

const U24 = 0xffffff;

/** `ECN e0b 1 ceb 2 e1b 3` or `ECN e1b 1 ceb 2 e0b 3`; later counters may be left out. */
function parseEcn(cursor: Cursor, first: Token, value: ReadValue): TcpOption {
  if (!cursor.at('e0b') && !cursor.at('e1b')) throw cursor.unexpected(["'e0b'", "'e1b'"], ['e0b', 'e1b']);
  const order = cursor.at('e0b') ? 0 : 1;
  const names = order === 0 ? ['e0b', 'ceb', 'e1b'] : ['e1b', 'ceb', 'e0b'];
  return {
    kind: 'accecn',
    order,
    experimental: false,
    counters: parseCounters(cursor, names, value),
    span: cursor.spanFrom(first.start),
  };
}

/** `AccECN0 ee0b 1 eceb 2 ee1b 3`, `AccECN1` the other way round; no counters at all are fine here. */
function parseAccEcn(cursor: Cursor, first: Token, word: string, value: ReadValue): TcpOption {
  const order = word.endsWith('0') ? 0 : 1;
  const names = order === 0 ? ['ee0b', 'eceb', 'ee1b'] : ['ee1b', 'eceb', 'ee0b'];
  return {
    kind: 'accecn',
    order,
    experimental: word.startsWith('exp-'),
    counters: parseCounters(cursor, names, value),
    span: cursor.spanFrom(first.start),
  };
}

function parseCounters(cursor: Cursor, names: readonly string[], value: ReadValue): Value[] {
  const counters: Value[] = [];
  for (const name of names) {
    if (!cursor.accept(name)) break;
    counters.push(value(name, U24));
  }
  return counters;
}

function parseGeneric(
  cursor: Cursor,
  direction: 'in' | 'out',
  first: Token,
  found: RegExpExecArray,
): TcpOption {
  cursor.take();
  const experimental = found[1] === 'exp';
  const id = Number.parseInt(found[2]!, experimental ? 16 : 10);
  if (id > (experimental ? 0xffff : 0xff)) {
    const what = experimental ? 'experiment identifier' : 'TCP option kind';
    throw cursor.fail('RANGE', `${what} ${found[2]} is out of range`, first);
  }
  let data = '';
  if (cursor.at('*')) {
    outboundOnly(cursor, direction, cursor.peek(), `'${first.text} *'`);
    cursor.take();
    data = '*';
  } else if (cursor.atKind('word') || cursor.atKind('integer')) data = parseHexBytes(cursor, 'option data');
  return {
    kind: 'generic',
    optionKind: experimental ? 254 : id,
    experimentId: experimental ? id : null,
    data,
    span: cursor.spanFrom(first.start),
  };
}
