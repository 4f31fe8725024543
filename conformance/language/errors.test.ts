import { describe, expect, test } from 'vitest';
import type { Dialect } from './ast.js';
import { ScriptError, type ScriptErrorCode } from './errors.js';
import { parseScript } from './parser.js';

function errorOf(text: string, dialect: Dialect = 'google'): ScriptError {
  try {
    parseScript(text, { file: 'x.pkt', dialect });
  } catch (error) {
    if (error instanceof ScriptError) return error;
    throw error;
  }
  throw new Error(`no error in ${text}`);
}

test('a message names the place, shows the line with a caret, what was expected and what was meant', () => {
  const error = errorOf('// first\n\t+.1 > S. 0:0(0) ack 1 <mss 1460,sackok,nop>\n');
  expect(error.message).toBe(
    [
      "x.pkt:2:34: unexpected word 'sackok'",
      '  \t+.1 > S. 0:0(0) ack 1 <mss 1460,sackok,nop>',
      '  \t                                ^~~~~~',
      'expected a TCP option',
      "did you mean 'sackOK'?",
    ].join('\n'),
  );
  expect(error.stack).toContain('at x.pkt:2:34');
});

/** text, code, 'line:column', part of the message, suggestion */
const CASES: readonly [string, ScriptErrorCode, string, string, string | null][] = [
  // frame
  ['', 'SYNTAX', '1:1', 'unexpected end of the script', null],
  [
    '--tolerance_usec=5\n0 f() = 0',
    'UNKNOWN_OPTION',
    '1:1',
    "unknown option '--tolerance_usec'",
    '--tolerance_usecs',
  ],
  ['--mss\n0 f() = 0', 'SYNTAX', '1:1', "'--mss' needs a value", null],
  ['--debug=1\n0 f() = 0', 'SYNTAX', '1:1', "'--debug' takes no value", null],
  ['--mss=>\n0 f() = 0', 'SYNTAX', '1:7', "unexpected '>'", null],
  ['--define=1=2\n0 f() = 0', 'SYNTAX', '1:10', 'bad definition', null],
  ['--define="1=2"\n0 f() = 0', 'SYNTAX', '1:10', 'bad definition', null],
  ['0 f() = 0\n--mss=5', 'SYNTAX', '2:1', 'an option after the first event', null],
  ['`a`\n`b`\n0 f() = 0', 'SYNTAX', '2:1', 'a command without a time', null],
  ['0 f() = 0\n`b`\n+0 f() = 0', 'SYNTAX', '2:1', 'a command without a time', null],
  // tokens without an end
  ['0 f("abc) = 0', 'UNTERMINATED', '1:5', 'string without its closing "', null],
  ['`abc\n0 f() = 0', 'UNTERMINATED', '1:1', 'command without its closing `', null],
  ['0 %{ assert', 'UNTERMINATED', '1:3', 'code block', null],
  ['/* 0 f() = 0', 'UNTERMINATED', '1:1', 'comment', null],
  ['0 f() = 0 (abc', 'UNTERMINATED', '1:11', "'(' without its closing ')'", null],
  // times
  ['foo() = 0', 'SYNTAX', '1:1', "unexpected word 'foo'", null],
  ['-1 f() = 0', 'RANGE', '1:1', 'negative time -1', null],
  ['2~1 > . 1:1(0)', 'RANGE', '1:1', 'ends before it begins', null],
  ['+1~2 > . 1:1(0)', 'SYNTAX', '1:4', 'unexpected number 2', null],
  ['* f() = 0', 'NOT_ALLOWED', '1:1', "time '*' can only stand before an outbound packet", null],
  ['1~2 < . 1:1(0)', 'NOT_ALLOWED', '1:1', 'time range can only stand', null],
  ['1 ]', 'SYNTAX', '1:3', 'after the time of an event', null],
  ['1', 'SYNTAX', '1:2', 'unexpected end of the script', null],
  // packets
  ['0 > X. 1:1(0)', 'UNKNOWN_NAME', '1:5', "unknown TCP flag 'X' in 'X'", null],
  ['0 > upd (5)', 'UNKNOWN_NAME', '1:5', "unknown TCP flag 'u'", 'udp'],
  ['0 > SE.5 1:1(0)', 'UNKNOWN_NAME', '1:7', 'contradict each other', null],
  ['0 > .55 1:1(0)', 'UNKNOWN_NAME', '1:5', 'contradict each other', null],
  ['0 > 1:1(0)', 'SYNTAX', '1:5', 'unexpected number 1', null],
  ['0 > . 1:2(0)', 'RANGE', '1:7', '1 + 0 is 1', null],
  [
    '0 > . 4294967296:4294967296(0)',
    'RANGE',
    '1:7',
    'start sequence number 4294967296 is out of range',
    null,
  ],
  ['0 > . 1:1(0) akc 1', 'SYNTAX', '1:14', "unexpected word 'akc'", null],
  ['0 > . 1:1(0) ack 1 win 65536', 'RANGE', '1:24', 'window 65536 is out of range', null],
  ['0 > . 1:1(0) ack one', 'SYNTAX', '1:18', "unexpected word 'one'", null],
  ['0 < . 1:1(0) ack *', 'NOT_ALLOWED', '1:18', "'ack *' can only be used with outbound", null],
  ['0 < . ...(5)', 'NOT_ALLOWED', '1:5', 'can only be used with outbound', null],
  ['0 < . 1:1(0) <...>', 'NOT_ALLOWED', '1:15', 'can only be used with outbound', null],
  ['0 > . 1:1(0) checksum bad', 'NOT_ALLOWED', '1:14', 'only be given to inbound', null],
  ['0 < . 1:1(0) checksum bda', 'SYNTAX', '1:23', "unexpected word 'bda'", 'bad'],
  ['0 > raw 45', 'NOT_ALLOWED', '1:5', 'raw bytes can only be used with inbound', null],
  ['0 < raw 450', 'RANGE', '1:9', 'odd number of hexadecimal digits', null],
  ['0 < raw "4x"', 'RANGE', '1:9', 'pairs of hexadecimal digits', null],
  ['0 > sctp: INIT[]', 'UNSUPPORTED', '1:5', 'SCTP packets are not supported', null],
  ['0 > 1 > 99999 . 1:1(0)', 'RANGE', '1:9', 'destination port 99999', null],
  // options
  ['0 > S 0:0(0) <mss 1460,>', 'SYNTAX', '1:24', "unexpected '>'", null],
  ['0 > S 0:0(0) <wscal 7>', 'SYNTAX', '1:15', "unexpected word 'wscal'", 'wscale'],
  ['0 > S 0:0(0) <mss 70000>', 'RANGE', '1:19', 'mss 70000', null],
  ['0 > S 0:0(0) <nop>', 'RANGE', '1:14', 'not a multiple of 4', null],
  ['0 > S 0:0(0) <TS 1 2>', 'SYNTAX', '1:18', 'unexpected number 1', null],
  ['0 < S 0:0(0) <wscale *,nop>', 'NOT_ALLOWED', '1:22', 'outbound', null],
  ['0 > S 0:0(0) <FO abc,nop>', 'RANGE', '1:18', 'odd number', null],
  ['0 > S 0:0(0) <md5 0011223344556677889900112233445566>', 'RANGE', '1:19', 'longer than 16 bytes', null],
  ['0 > S 0:0(0) <ECN 5>', 'SYNTAX', '1:19', 'unexpected number 5', null],
  ['0 > S 0:0(0) <ECN e0b 16777216>', 'RANGE', '1:23', '16777216', null],
  ['0 > S 0:0(0) <gen-256 00>', 'RANGE', '1:15', 'option kind 256', null],
  [
    '0 > S 0:0(0) <TS val 1 ecr 2,TS val 1 ecr 2,TS val 1 ecr 2,TS val 1 ecr 2,nop,nop>',
    'RANGE',
    '1:14',
    '40 fit',
    null,
  ],
  // IP, encapsulation, ICMP
  ['0 < [etc0] . 1:1(0)', 'SYNTAX', '1:6', "unexpected word 'etc0'", 'ect0'],
  ['0 < [ect01] . 1:1(0)', 'NOT_ALLOWED', '1:3', 'ect01', null],
  ['0 < [ect0,ect1] . 1:1(0)', 'NOT_ALLOWED', '1:11', "'ect1' repeats or contradicts", null],
  ['0 < [tos 0x100] . 1:1(0)', 'RANGE', '1:10', 'tos 0x100', null],
  ['0 > [checksum bad] . 1:1(0)', 'NOT_ALLOWED', '1:3', 'only be given to inbound', null],
  ['0 > ipv4 1.2.3.4 > ::1: . 1:1(0)', 'SYNTAX', '1:20', 'unexpected IPv6 address ::1', null],
  ['0 > gre flgs 1: . 1:1(0)', 'SYNTAX', '1:9', "unexpected word 'flgs'", 'flags'],
  ['0 > gre flags [kye present]: . 1:1(0)', 'SYNTAX', '1:16', "unexpected word 'kye'", 'key'],
  ['0 > mpls (label 1048576, tc 0, ttl 1): . 1:1(0)', 'RANGE', '1:17', 'MPLS label', null],
  ['0 < icmp unreachabel', 'UNKNOWN_NAME', '1:10', "unknown ICMP type 'unreachabel'", 'unreachable'],
  ['0 < icmp unreachable frag_neded', 'UNKNOWN_NAME', '1:22', 'unknown ICMP code', 'frag_needed'],
  ['0 < icmp type_256', 'UNKNOWN_NAME', '1:10', 'unknown ICMP type', null],
  // calls
  ['0 close 3 = 0', 'SYNTAX', '1:9', 'unexpected number 3', null],
  ['0 close(3)', 'SYNTAX', '1:11', 'unexpected end of the script', null],
  ['0 close(3 = 0', 'SYNTAX', '1:11', "unexpected '='", null],
  ['0 close(3,) = 0', 'SYNTAX', '1:11', "unexpected ')'", null],
  ['0 close(3) = 0 oops', 'SYNTAX', '1:16', "unexpected word 'oops'", null],
  ['0 f("\\q") = 0', 'SYNTAX', '1:5', "unknown escape '\\q'", null],
  ['0 f(99999999999999999999) = 0', 'RANGE', '1:5', 'does not fit 64 bits', null],
  ['0 f(inet_addr("1.2.3.256")) = 0', 'RANGE', '1:15', 'no IPv4 address', null],
  [
    '0 f({sa_family = AF_INT, sin_port = htons(1), sin_addr = inet_addr("1.2.3.4")}) = 0',
    'SYNTAX',
    '1:18',
    '',
    'AF_INET',
  ],
  ['0 f({events=EPOLLIN, pid=1}) = 0', 'SYNTAX', '1:22', "unexpected word 'pid'", null],
  [
    '0 f({msg_name(...)=..., msg_iov(1)=[], msg_flag=0}) = 0',
    'SYNTAX',
    '1:40',
    "unexpected word 'msg_flag'",
    'msg_flags',
  ],
  ['0 f({msg_name(...)=..., msg_iov(1)=[]}) = 0', 'SYNTAX', '1:38', "unexpected '}'", null],
  // dialects
  ['#ifdef X\n0 f() = 0\n#endif', 'DIALECT', '1:1', '#ifdef belongs to the nplab dialect', null],
  ['--no_cleanup\n0 f() = 0', 'DIALECT', '1:1', "'--no_cleanup' belongs to the nplab dialect", null],
];

describe('every kind of mistake has its place and its words', () => {
  test.each(CASES)('%j', (text, code, place, part, suggestion) => {
    const error = errorOf(text);
    expect(error.code).toBe(code);
    expect(`${error.span.line}:${error.span.column}`, error.message).toBe(place);
    expect(error.problem).toContain(part);
    expect(error.suggestion, error.message).toBe(suggestion);
  });
});

test.each([
  ['#ifdef X\n0 f() = 0', '1:1', '#ifdef without #endif'],
  ['#ifndef X\n0 f() = 0', '1:1', '#ifdef without #endif'],
  ['#ifdef\n0 f() = 0\n#endif', '1:1', '#ifdef without a name'],
  ['0 f() = 0\n#endif', '2:1', '#endif without #ifdef'],
  ['#ifndef X\n0 f() = 0\n#else\n#else\n#endif', '4:1', 'second #else'],
])('conditions that do not pair: %j', (text, place, part) => {
  const error = errorOf(text, 'nplab');
  expect([error.code, `${error.span.line}:${error.span.column}`]).toEqual(['DIRECTIVE', place]);
  expect(error.problem).toContain(part);
});
