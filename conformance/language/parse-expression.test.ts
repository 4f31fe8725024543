import { describe, expect, test } from 'vitest';
import type { Expression, SyscallBody } from './ast.js';
import { parseScript } from './parser.js';
import { printExpression } from './print-expression.js';

function call(text: string): SyscallBody {
  const { body } = parseScript(`0 ${text}`).events[0]!;
  if (body.kind !== 'syscall') throw new Error(`${text} is no call`);
  return body;
}

const expression = (text: string): Expression => call(`f(${text}) = 0`).args[0]!;

describe('expressions', () => {
  test.each<[string, object]>([
    ['...', { kind: 'ellipsis' }],
    ['-1', { kind: 'integer', value: -1, base: 'decimal' }],
    ['0x1F', { kind: 'integer', value: 31, base: 'hex', exact: null }],
    ['0x1234567812345678', { kind: 'integer', exact: 0x1234567812345678n }],
    ['SO_REUSEADDR', { kind: 'word', name: 'SO_REUSEADDR' }],
    [
      '"a\\n\\x41\\""',
      { kind: 'string', raw: '\\n'.length ? 'a\\n\\x41\\"' : '', value: 'a\nA"', open: false },
    ],
    ['"abc"...', { kind: 'string', value: 'abc', open: true }],
    ['"a" "b"', { kind: 'concatenation', parts: [{ value: 'a' }, { value: 'b' }] }],
    ['A|B|1', { kind: 'or', operands: [{ name: 'A' }, { name: 'B' }, { value: 1 }] }],
    ['A=B|C', { kind: 'assign', name: 'A', value: { kind: 'or' } }],
    ['[]', { kind: 'list', brackets: '[]', items: [] }],
    ['[1, [A]]', { kind: 'list', items: [{ value: 1 }, { kind: 'list' }] }],
    ['{"k", "l"}', { kind: 'list', brackets: '{}', items: [{ value: 'k' }, { value: 'l' }] }],
    ['htonl(0x01020304)', { kind: 'call', name: 'htonl', args: [{ value: 0x01020304 }] }],
    ['inet_addr("1.2.3.4")', { kind: 'inet-addr', family: 4, address: '1.2.3.4' }],
    ['inet6_addr("::1")', { kind: 'inet-addr', family: 6, address: '::1' }],
    [
      '{sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("192.0.2.1")}',
      { kind: 'sockaddr', family: 4, port: 80, address: '192.0.2.1' },
    ],
    [
      '{sa_family = AF_INET6, sin_port = htons(80), sin_addr = inet_addr("2001:db8::1")}',
      { kind: 'sockaddr', family: 6, port: 80, address: '2001:db8::1' },
    ],
    ['{..., 1000}', { kind: 'iovec', base: { kind: 'ellipsis' }, length: { value: 1000 } }],
    ['{iov_base = ..., iov_len = 5}', { kind: 'iovec', length: { value: 5 } }],
    [
      '{msg_name(...)=..., msg_iov(1)=[{..., 5}], msg_flags=MSG_EOR, msg_control=[]}',
      {
        kind: 'msghdr',
        iov: { kind: 'list' },
        flags: { name: 'MSG_EOR' },
        control: { items: [] },
        controlLength: null,
      },
    ],
    ['{msg_name(...)=..., msg_iov(0)=[], msg_flags=0}', { kind: 'msghdr', control: null }],
    [
      '{msg_name(...)=..., msg_iov(1)=[{..., 5}], msg_control(24)=[], msg_flags=0}',
      { kind: 'msghdr', controlLength: { value: 24 } },
    ],
    [
      '{cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, cmsg_data=...}',
      { kind: 'cmsg', length: null, level: { name: 'SOL_IP' }, data: { kind: 'ellipsis' } },
    ],
    ['{scm_sec=0, scm_nsec=20000000}', { kind: 'scm-timestamping', seconds: 0, nanoseconds: 20_000_000 }],
    [
      '{ee_errno=ENOMSG, ee_origin=1, ee_type=2, ee_code=3, ee_info=4, ee_data=5}',
      { kind: 'sock-extended-err', errno: { name: 'ENOMSG' }, origin: { value: 1 }, data: { value: 5 } },
    ],
    ['{fd=3, events=POLLIN}', { kind: 'pollfd', revents: null }],
    ['{fd=3, events=POLLIN, revents=POLLIN|POLLERR}', { kind: 'pollfd', revents: { kind: 'or' } }],
    ['{events=EPOLLIN, fd=4}', { kind: 'epoll-event', member: 'fd', data: { value: 4 } }],
    ['{events=EPOLLIN, u64=0xff}', { kind: 'epoll-event', member: 'u64', data: { value: 255 } }],
    ['{onoff=1, linger=0}', { kind: 'linger', onOff: 1, seconds: 0 }],
    ['{(label 1, tc 0, [S], ttl 64)}', { kind: 'mpls', labels: [{ label: 1, bottom: true }] }],
    ['{flags 0x2000, sum 0, off 0, key 5, seq 0}', { kind: 'gre', header: { flags: 0x2000, key: 5 } }],
  ])('%s', (text, expected) => {
    const parsed = expression(text);
    expect(parsed).toMatchObject(expected);
    expect(expression(printExpression(parsed))).toMatchObject(expected);
  });
});

describe('results', () => {
  test('errno, its text, a note', () => {
    expect(call('read(3, ..., 1) = -1 EAGAIN (Resource temporarily unavailable)')).toMatchObject({
      result: { value: -1 },
      errno: { name: 'EAGAIN', text: 'Resource temporarily unavailable' },
      note: null,
    });
    expect(call('fcntl(3, F_GETFL) = 0x2 (flags   O_RDWR|O_NONBLOCK)')).toMatchObject({
      result: { value: 2, base: 'hex' },
      errno: null,
      note: 'flags O_RDWR|O_NONBLOCK',
    });
    expect(call('fcntl(3, F_GETFL) = O_RDWR (flags (x))')).toMatchObject({
      result: { kind: 'word', name: 'O_RDWR' },
      note: 'flags (x)',
    });
    expect(call('close(3) = -1 EBADF')).toMatchObject({ errno: { name: 'EBADF', text: '' } });
  });
});
