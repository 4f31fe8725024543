// The forms in braces that stand for C structures: each is known by its first word.

import type { EpollEventExpression, Expression, SocketAddressExpression } from './ast.js';
import type { Cursor } from './cursor.js';
import { parseGreHeader, parseMplsLabels } from './parse-encapsulation.js';
import {
  parseExpression,
  parseExpressionList,
  parseInteger,
  parseInternetAddress,
} from './parse-expression.js';
import type { Token } from './tokens.js';

type StructureParser = (cursor: Cursor, open: Token) => Expression;

const STRUCTURES: Readonly<Record<string, StructureParser>> = {
  sa_family: parseSocketAddress,
  msg_name: parseMessageHeader,
  cmsg_len: parseControlMessage,
  cmsg_level: parseControlMessage,
  scm_sec: parseTimestamping,
  ee_errno: parseExtendedError,
  fd: parsePollFd,
  events: parseEpollEvent,
  onoff: parseLinger,
  iov_base: parseNamedIovec,
  flags: parseGre,
  Flags: parseGre,
};

/** Anything that starts with `{`. */
export function parseBraces(cursor: Cursor): Expression {
  const open = cursor.expect('{');
  const first = cursor.peek();
  if (first.kind === 'word' && Object.hasOwn(STRUCTURES, first.text))
    return STRUCTURES[first.text]!(cursor, open);
  if (cursor.at('(')) {
    const labels = parseMplsLabels(cursor);
    cursor.expect('}', ["'(label N, tc N, ttl N)'"]);
    return { kind: 'mpls', labels, span: cursor.spanFrom(open.start) };
  }
  const items = parseExpressionList(cursor, '}');
  const [base, length] = items;
  if (
    items.length === 2 &&
    base!.kind === 'ellipsis' &&
    length!.kind === 'integer' &&
    length!.base === 'decimal'
  ) {
    return { kind: 'iovec', base: base!, length: length!, span: cursor.spanFrom(open.start) };
  }
  return { kind: 'list', brackets: '{}', items, span: cursor.spanFrom(open.start) };
}

/** `name = expression`, and the comma before it unless it is the first. */
function field(cursor: Cursor, name: string, comma = true): Expression {
  if (comma) cursor.expect(',');
  cursor.expect(name);
  cursor.expect('=');
  return parseExpression(cursor);
}

function close(cursor: Cursor, open: Token, also: readonly string[] = []) {
  cursor.expect('}', also);
  return cursor.spanFrom(open.start);
}

function parseSocketAddress(cursor: Cursor, open: Token): SocketAddressExpression {
  cursor.expect('sa_family');
  cursor.expect('=');
  const familyToken = cursor.peek();
  if (!cursor.at('AF_INET') && !cursor.at('AF_INET6')) {
    throw cursor.unexpected(["'AF_INET'", "'AF_INET6'"], ['AF_INET', 'AF_INET6']);
  }
  cursor.take();
  const family = familyToken.text === 'AF_INET' ? 4 : 6;
  cursor.expect(',');
  cursor.expect('sin_port');
  cursor.expect('=');
  cursor.expect('htons');
  cursor.expect('(');
  const port = cursor.integer('port', 0, 0xffff);
  cursor.expect(')');
  cursor.expect(',');
  cursor.expect('sin_addr');
  cursor.expect('=');
  if (!cursor.at('inet_addr') && !cursor.at('inet6_addr')) {
    throw cursor.unexpected(["'inet_addr'"], ['inet_addr', 'inet6_addr']);
  }
  const { address } = parseInternetAddress(cursor, cursor.take(), family);
  return { kind: 'sockaddr', family, port, address, span: close(cursor, open) };
}

/** Google writes msg_flags before msg_control, nplab the other way round and with a length. */
function parseMessageHeader(cursor: Cursor, open: Token): Expression {
  const [nameLength, name] = counted(cursor, 'msg_name', false);
  const [iovLength, iov] = counted(cursor, 'msg_iov', true);
  let flags: Expression | null = null;
  let control: Expression | null = null;
  let controlLength: Expression | null = null;
  while (cursor.at(',')) {
    if (flags === null && cursor.at('msg_flags', 1)) flags = field(cursor, 'msg_flags');
    else if (control === null && cursor.at('msg_control', 1)) {
      if (cursor.at('(', 2)) [controlLength, control] = counted(cursor, 'msg_control', true);
      else control = field(cursor, 'msg_control');
    } else {
      cursor.take();
      throw cursor.unexpected(
        [flags === null ? "'msg_flags'" : '', control === null ? "'msg_control'" : ''].filter(
          (s) => s !== '',
        ),
        ['msg_flags', 'msg_control'],
      );
    }
  }
  if (flags === null) throw cursor.unexpected(["', msg_flags = ...'"]);
  const span = close(cursor, open);
  return { kind: 'msghdr', nameLength, name, iovLength, iov, flags, control, controlLength, span };
}

/** `name(length) = expression` */
function counted(cursor: Cursor, name: string, comma: boolean): [length: Expression, value: Expression] {
  if (comma) cursor.expect(',');
  cursor.expect(name);
  cursor.expect('(');
  const length = parseExpression(cursor);
  cursor.expect(')');
  cursor.expect('=');
  return [length, parseExpression(cursor)];
}

function parseControlMessage(cursor: Cursor, open: Token): Expression {
  const length = cursor.at('cmsg_len') ? field(cursor, 'cmsg_len', false) : null;
  const level = field(cursor, 'cmsg_level', length !== null);
  const type = field(cursor, 'cmsg_type');
  const data = field(cursor, 'cmsg_data');
  return { kind: 'cmsg', length, level, type, data, span: close(cursor, open) };
}

function parseTimestamping(cursor: Cursor, open: Token): Expression {
  cursor.expect('scm_sec');
  cursor.expect('=');
  const seconds = cursor.integer('scm_sec', Number.MIN_SAFE_INTEGER);
  cursor.expect(',');
  cursor.expect('scm_nsec');
  cursor.expect('=');
  const nanoseconds = cursor.integer('scm_nsec', Number.MIN_SAFE_INTEGER);
  return { kind: 'scm-timestamping', seconds, nanoseconds, span: close(cursor, open) };
}

function parseExtendedError(cursor: Cursor, open: Token): Expression {
  const errno = field(cursor, 'ee_errno', false);
  const origin = field(cursor, 'ee_origin');
  const type = field(cursor, 'ee_type');
  const code = field(cursor, 'ee_code');
  const info = field(cursor, 'ee_info');
  const data = field(cursor, 'ee_data');
  const span = close(cursor, open);
  return { kind: 'sock-extended-err', errno, origin, type, code, info, data, span };
}

function parsePollFd(cursor: Cursor, open: Token): Expression {
  const fd = field(cursor, 'fd', false);
  const events = field(cursor, 'events');
  const revents = cursor.at(',') ? field(cursor, 'revents') : null;
  return { kind: 'pollfd', fd, events, revents, span: close(cursor, open, revents === null ? ["'|'"] : []) };
}

const EPOLL_MEMBERS = ['fd', 'ptr', 'u32', 'u64'] as const;

function parseEpollEvent(cursor: Cursor, open: Token): EpollEventExpression {
  const events = field(cursor, 'events', false);
  cursor.expect(',', ["'|'"]);
  const member = EPOLL_MEMBERS.find((name) => cursor.at(name));
  if (member === undefined) {
    throw cursor.unexpected(
      EPOLL_MEMBERS.map((name) => `'${name}'`),
      EPOLL_MEMBERS,
    );
  }
  const data = field(cursor, member, false);
  return { kind: 'epoll-event', events, member, data, span: close(cursor, open) };
}

/** `{onoff=1, linger=5}`; with `...` for a member (nplab) it stays a list of assignments. */
function parseLinger(cursor: Cursor, open: Token): Expression {
  const onOff = field(cursor, 'onoff', false);
  const seconds = field(cursor, 'linger');
  const span = close(cursor, open);
  if (onOff.kind === 'integer' && seconds.kind === 'integer') {
    return { kind: 'linger', onOff: onOff.value, seconds: seconds.value, span };
  }
  const items = [
    { kind: 'assign', name: 'onoff', value: onOff, span: onOff.span } as const,
    { kind: 'assign', name: 'linger', value: seconds, span: seconds.span } as const,
  ];
  return { kind: 'list', brackets: '{}', items, span };
}

/** `{iov_base = ..., iov_len = N}`, the long form of `{..., N}`. */
function parseNamedIovec(cursor: Cursor, open: Token): Expression {
  const base = field(cursor, 'iov_base', false);
  cursor.expect(',');
  cursor.expect('iov_len');
  cursor.expect('=');
  if (!cursor.atKind('integer')) throw cursor.unexpected(['a number for iov_len']);
  const length = parseInteger(cursor);
  return { kind: 'iovec', base, length, span: close(cursor, open) };
}

function parseGre(cursor: Cursor, open: Token): Expression {
  const header = parseGreHeader(cursor);
  return { kind: 'gre', header, span: close(cursor, open) };
}
