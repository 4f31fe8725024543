// ICMP and ICMPv6 messages. Whether a name belongs to version 4 or 6 is known only at run time, so both are taken.

import type { IcmpEchoed, IcmpMessage, UndefinedName } from './ast.js';
import { type Cursor, isUndefinedName } from './cursor.js';
import { parseChecksum } from './parse-packet.js';
import { parseSequence, parseUdpEncapsulation } from './parse-tcp.js';
import { ICMPV4_CODES, ICMPV4_TYPES, ICMPV6_CODES, ICMPV6_TYPES } from './vocabulary.js';

const TYPES = new Set([...ICMPV4_TYPES.keys(), ...ICMPV6_TYPES.keys()]);
const CODES = new Set([
  ...ICMPV4_CODES.keys(),
  ...[...ICMPV6_CODES.values()].flatMap((codes) => [...codes.keys()]),
]);

export function parseIcmp(cursor: Cursor, direction: 'in' | 'out'): IcmpMessage {
  const first = cursor.take();
  const type = parseName(cursor, 'type', TYPES);
  const follows = cursor.peek();
  const code =
    follows.kind === 'word' && !['mtu', 'id', 'checksum'].includes(follows.text)
      ? parseName(cursor, 'code', CODES)
      : null;
  const mtu = cursor.accept('mtu') ? cursor.integer('MTU', 0, 0xffffffff) : null;
  const id = cursor.accept('id') ? cursor.integer('echo id', 0, 0xffff) : null;
  const echoed = cursor.at('[') ? parseEchoed(cursor) : null;
  const checksum = parseChecksum(cursor, direction);
  return { kind: 'icmp', type, code, mtu, id, echoed, checksum, span: cursor.spanFrom(first.start) };
}

function parseName(
  cursor: Cursor,
  what: 'type' | 'code',
  known: ReadonlySet<string>,
): string | UndefinedName {
  const token = cursor.peek();
  if (token.kind !== 'word') throw cursor.unexpected([`an ICMP ${what} (a name or ${what}_N)`]);
  if (isUndefinedName(token)) {
    cursor.take();
    return { kind: 'undefined-name', name: token.text, span: cursor.spanOf(token) };
  }
  const numbered = new RegExp(`^${what}_([0-9]{1,3})$`).exec(token.text);
  if (!known.has(token.text) && (numbered === null || Number(numbered[1]) > 255)) {
    const named = cursor.unexpected([], known);
    throw cursor.fail('UNKNOWN_NAME', `unknown ICMP ${what} '${token.text}'`, token, token, {
      expected: [`a name or ${what}_0 to ${what}_255`],
      suggestion: named.suggestion,
    });
  }
  cursor.take();
  return token.text;
}

function parseEchoed(cursor: Cursor): IcmpEchoed {
  cursor.expect('[');
  let echoed: IcmpEchoed;
  if (cursor.at('udp') || cursor.at('raw')) {
    const kind = cursor.take().text as 'udp' | 'raw';
    cursor.expect('(');
    const length = cursor.integer('payload size', 0, 0xffff);
    cursor.expect(')');
    echoed = { kind, length };
  } else if (cursor.at('sctp') || cursor.at('udplite')) {
    const token = cursor.peek();
    throw cursor.fail('UNSUPPORTED', `${token.text} packets are not supported`, token);
  } else {
    const sequence = parseSequence(cursor);
    echoed = { kind: 'tcp', sequence, udpEncapsulation: parseUdpEncapsulation(cursor) };
  }
  cursor.expect(']');
  return echoed;
}
