import { describe, expect, it } from 'vitest';
import type { CallResult } from '../../targets/target.js';
import { TargetUnsupported } from '../../targets/target.js';
import { type CallHandler, runFake } from '../fake-target.test.helper.js';

const SOCKET = '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n';

/** Runs one call behind socket(); `answer` is what the target says to it. */
async function one(line: string, answer: CallResult | CallHandler, before = '') {
  const handler: CallHandler = (name, args, now) => {
    if (name === 'socket' || name === 'close') return undefined;
    return typeof answer === 'function' ? answer(name, args, now) : answer;
  };
  const { result, target } = await runFake(`${SOCKET}${before}+0 ${line}\n`, [], { handler });
  const call = target.calls.filter(([name]) => !['socket', 'close'].includes(name)).at(-1);
  return { result, call, summary: result.failure?.summary ?? '', verdict: result.verdict };
}

const i32 = (...values: number[]): Uint8Array => new Uint8Array(Int32Array.from(values).buffer);

describe('results', () => {
  it('are compared exactly, descriptors only by sign', async () => {
    expect((await one('write(3, ..., 100) = 100', { value: 100 })).verdict).toBe('passed');
    const wrong = await one('write(3, ..., 100) = 100', { value: 60 });
    expect(wrong.summary).toBe('write(): expected result 100 but got 60');
    expect((await one('epoll_create(1) = 9', { value: 4 })).verdict).toBe('passed');
    const failed = await one('epoll_create(1) = 9', { value: -1, errno: 'EMFILE' });
    expect(failed.summary).toContain('EMFILE (Too many open files)');
  });

  it('are compared by errno, whatever its other name', async () => {
    const line = 'read(3, ..., 1) = -1 EAGAIN (Resource temporarily unavailable)';
    expect((await one(line, { value: -1, errno: 'EAGAIN' })).verdict).toBe('passed');
    expect((await one(line, { value: -1, errno: 'EWOULDBLOCK' })).verdict).toBe('passed');
    expect((await one(line, { value: -1, errno: 'ENOTCONN' })).summary).toContain('expected errno EAGAIN');
  });

  it('may differ with --non_fatal=syscall, as a warning', async () => {
    const { result } = await runFake(`${SOCKET}+0 listen(3, 1) = 5\n`, [], {
      options: { non_fatal: 'syscall' },
    });
    expect(result.verdict).toBe('passed');
    expect(result.output[0]).toContain('test.pkt:2: warning: listen(): expected result 5 but got 0');
  });
});

describe('arguments', () => {
  it('are Linux numbers, default addresses and zero bytes', async () => {
    expect((await one('bind(3, ..., ...) = 0', { value: 0 })).call).toEqual([
      'bind',
      [3, { family: 2, address: '192.168.0.1', port: 8080 }],
    ]);
    const [name, args] = (
      await one('sendto(3, ..., 5, MSG_FASTOPEN|MSG_NOSIGNAL, ..., ...) = 5', { value: 5 })
    ).call!;
    expect([name, args[2], args[3], args[4]]).toEqual([
      'sendto',
      5,
      0x2000_4000,
      { family: 2, address: '192.0.2.1', port: 8080 },
    ]);
    expect(args[1]).toEqual(new Uint8Array(5));
  });

  it('take NULL for a bad pointer', async () => {
    const { call } = await one('write(3, NULL, 100) = -1 EFAULT (Bad address)', {
      value: -1,
      errno: 'EFAULT',
    });
    expect(call).toEqual(['write', [3, null, 100]]);
  });

  it.each([
    ['write(3, 5, 100) = 100', "must be '...' or NULL"],
    ['write(3, ...) = 100', 'write takes 3 arguments, not 2'],
    ['read(9, ..., 1) = 1', 'no open descriptor 9'],
    ['setsockopt(3, SOL_SOCKET, SO_REUSEADR, [1], 4) = 0', 'did you mean SO_REUSEADDR?'],
    ['writev(3, [{..., 5}], 2) = 5', 'iovec count 2 does not match 1 iovecs'],
    ['poll([{fd=3, events=POLLIN, revents=0}], 2, 0) = 0', 'nfds 2 does not match 1 pollfds'],
    ['psp_rx_assoc(3, [1]) = 0', 'PSP sockets'],
  ])('%s: %s', async (line, message) => {
    const { result } = await one(line, { value: 0 });
    expect(result.reason).toContain(message);
  });

  it('are AF_UNSPEC alone for a disconnect', async () => {
    const { call } = await one('connect(3, AF_UNSPEC, ...) = 0', { value: 0 });
    expect(call).toEqual(['connect', [3, { family: 0, address: '', port: 0 }]]);
  });
});

describe('option values', () => {
  it.each([
    ['[1], 4', i32(1)],
    ['{onoff=1, linger=5}, 8', i32(1, 5)],
    ['"cubic", 5', Uint8Array.from(Buffer.from('cubic\0'))],
    ['"\\x01\\x02" "\\x03", 3', Uint8Array.of(1, 2, 3, 0)],
  ])('setsockopt %s', async (text, bytes) => {
    const { call } = await one(`setsockopt(3, SOL_TCP, TCP_NODELAY, ${text}) = 0`, { value: 0 });
    expect([...(call![1][3] as Uint8Array)]).toEqual([...bytes]);
  });

  it('of getsockopt are compared with their length', async () => {
    const get = (value: string, out: Uint8Array) =>
      one(`getsockopt(3, SOL_TCP, TCP_MAXSEG, ${value}, [4]) = 0`, { value: 0, out: [out] });
    expect((await get('[1100]', i32(1100))).verdict).toBe('passed');
    expect((await get('[1100]', i32(1101))).summary).toBe(
      'getsockopt(): option value: expected 1100, got 1101',
    );
    expect((await get('[0xffffffff]', i32(-1))).verdict).toBe('passed');
    expect((await get('[1100]', Uint8Array.of(1))).summary).toContain('option length');
    expect((await get('"reno"', Buffer.from('reno'))).verdict).toBe('passed');
    expect((await get('"reno"', Buffer.from('bbrx'))).verdict).toBe('failed');
  });
});

describe('readiness', () => {
  it('compares revents by name', async () => {
    const line = 'poll([{fd=3, events=POLLIN|POLLOUT, revents=POLLOUT}], 1, 0) = 1';
    expect((await one(line, { value: 1, out: [[4]] })).verdict).toBe('passed');
    const wrong = await one(line, { value: 1, out: [[5]] });
    expect(wrong.summary).toContain('expected POLLOUT, got POLLIN|POLLOUT');
  });

  it('compares epoll events and data', async () => {
    const wait = (event: string, out: { events: number; data: number }[]) =>
      one(`epoll_wait(3, ${event}, 1, 0) = ${out.length}`, { value: out.length, out: [out] });
    expect((await wait('{events=EPOLLIN, fd=3}', [{ events: 1, data: 3 }])).verdict).toBe('passed');
    expect((await wait('{events=EPOLLIN, ptr=7}', [{ events: 1, data: 8 }])).summary).toContain(
      'epoll data.ptr',
    );
    expect((await wait('{events=EPOLLIN|EPOLLOUT, ptr=7}', [{ events: 1, data: 7 }])).summary).toContain(
      'epoll events',
    );
    expect((await wait('{events=0, ptr=0}', [])).verdict).toBe('passed');
  });
});

describe('control messages', () => {
  const RECV =
    'recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=MSG_ERRQUEUE, msg_control=[{cmsg_level=SOL_IP, cmsg_type=IP_RECVERR, cmsg_data={ee_errno=0, ee_origin=SO_EE_ORIGIN_ZEROCOPY, ee_type=0, ee_code=1, ee_info=0, ee_data=2}}]}, MSG_ERRQUEUE) = 0';
  const error = (data: number) => {
    const bytes = new Uint8Array(32);
    bytes[4] = 5;
    bytes[6] = 1;
    bytes[12] = data;
    return { value: 0, out: [{ flags: 0x2000, control: [{ level: 0, type: 11, data: bytes }] }] };
  };

  it('are compared field by field', async () => {
    const good = await one(RECV, error(2));
    expect(good.result.reason).toBe('');
    expect(good.call![1][1]).toMatchObject({ controlLength: 48 });
    expect((await one(RECV, error(3))).summary).toBe(
      'recvmsg(): control message 0 ee_data: expected 2, got 3',
    );
    const none = { value: 0, out: [{ flags: 0x2000, control: [] }] };
    expect((await one(RECV, none)).summary).toContain('number of control messages');
    const flags = { value: 0, out: [{ flags: 0, control: [] }] };
    expect((await one(RECV, flags)).summary).toContain('msg_flags');
  });

  it('have timestamps on the script clock', async () => {
    const line =
      'recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 0}], msg_flags=0, msg_control=[{cmsg_level=SOL_SOCKET, cmsg_type=SCM_TIMESTAMPING, cmsg_data={scm_sec=0, scm_nsec=20000000}}]}, 0) = 0';
    const stamp = (microseconds: number) => {
      const data = new Uint8Array(48);
      new DataView(data.buffer).setBigInt64(8, BigInt(microseconds * 1000), true);
      return { value: 0, out: [{ flags: 0, control: [{ level: 1, type: 37, data }] }] };
    };
    expect((await one(line, stamp(24_000))).verdict).toBe('passed');
    expect((await one(line, stamp(24_001))).summary).toContain('timestamp 0');
  });
});

describe('blocking calls', () => {
  /** A call that returns at `at` µs, on a target whose time the handler can read. */
  async function blocking(script: string, at: number) {
    let now = () => 0;
    return runFake(SOCKET + script, [], {
      prepare: (t) => {
        now = () => t.now();
        t.stops = [at];
      },
      handler: (name) => {
        if (name !== 'read') return undefined;
        return {
          get result() {
            return now() >= at ? { value: 100 } : null;
          },
          returnedAt: at,
        };
      },
    });
  }

  it('have an end with its own tolerance', async () => {
    const at = async (t: number) => (await blocking('+.1...0.3 read(3, ..., 100) = 100\n', t)).result;
    expect((await at(300_000)).verdict).toBe('passed');
    expect((await at(325_000)).verdict).toBe('passed');
    expect((await at(325_001)).failure?.summary).toContain('system call return');
    expect((await at(270_000)).failure?.summary).toContain('system call return');
  });

  it('let the script go on', async () => {
    const script = '+.1...0.3 read(3, ..., 100) = 100\n+.1 `ls`\n+.2 listen(3, 1) = 0\n';
    const { result, target } = await blocking(script, 300_000);
    expect(result.reason).toBe('');
    expect(target.calls.map(([name]) => name)).toEqual(['socket', 'read', 'listen', 'close']);
    expect(target.commands).toEqual(['ls']);
  });

  it('that never return are named', async () => {
    const { result } = await blocking('+.1...0.3 read(3, ..., 100) = 100\n', 1e9);
    expect(result.failure?.summary).toContain('ends while a blocking system call is in progress');
    const plain = await blocking('+.1 read(3, ..., 100) = 100\n', Number.POSITIVE_INFINITY);
    expect(plain.result.failure?.summary).toContain('read() did not return');
  });

  it('without an end hold the script up', async () => {
    const { result } = await blocking('+.1 read(3, ..., 100) = 100\n+.1 listen(3, 1) = 0\n', 500_000);
    expect(result.reason).toBe('');
    expect(result.scriptMicroseconds).toBe(600_000);
  });
});

describe('what a target lacks', () => {
  it('skips the script with the feature as the reason', async () => {
    const { result } = await runFake(`${SOCKET}+0 cap_set(1, 2, 3) = 0\n`);
    expect(result).toMatchObject({
      verdict: 'skipped',
      reason: 'needs capabilities, which the target does not offer',
    });
    expect(new TargetUnsupported('x').message).toBe('the target does not offer x');
  });
});
