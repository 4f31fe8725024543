import { describe, expect, test } from 'vitest';
import type { Script, ScriptEvent } from './ast.js';
import { parseScript } from './parser.js';
import { DefinitionError } from './tokens.js';

/** The only event of a script. */
function event(text: string, defines: Record<string, string> = {}): ScriptEvent {
  const { events } = parseScript(text, { defines });
  expect(events).toHaveLength(1);
  return events[0]!;
}

describe('the frame of a script', () => {
  test('options, init command, events and cleanup command', () => {
    const script: Script = parseScript(
      [
        '// a remark',
        '--ip_version=ipv6 --strict_segments',
        '--remote_ip=2001:db8::7',
        '--init_scripts="a b"',
        '`./defaults.sh',
        ' sysctl -q a=1`',
        '/* two',
        '   lines */ 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3 # another',
        '+.1 `echo`',
        '`restore`',
      ].join('\n'),
      { file: 'a.pkt' },
    );
    expect(script.options.map(({ name, value, quoted }) => [name, value, quoted])).toEqual([
      ['ip_version', 'ipv6', false],
      ['strict_segments', null, false],
      ['remote_ip', '2001:db8::7', false],
      ['init_scripts', 'a b', true],
    ]);
    expect(script.init?.text).toBe('./defaults.sh\n sysctl -q a=1');
    expect(script.events.map(({ body }) => body.kind)).toEqual(['syscall', 'command']);
    expect(script.cleanup?.text).toBe('restore');
    expect(script.events[0]!.span).toEqual({ file: 'a.pkt', line: 8, column: 13, endLine: 8, endColumn: 56 });
  });

  test('a script of events alone', () => {
    const { init, cleanup, options } = parseScript('0 close(3) = 0');
    expect([init, cleanup, options]).toEqual([null, null, []]);
  });
});

describe('times', () => {
  test.each([
    ['0', 'absolute', 0, null],
    ['1.25', 'absolute', 1_250_000, null],
    ['.01', 'absolute', 10_000, null],
    ['+.1', 'relative', 100_000, null],
    ['+ 2', 'relative', 2_000_000, null],
    ['*', 'any', 0, null],
    ['.1~.2', 'absolute-range', 100_000, 200_000],
    ['+0~+0.000001', 'relative-range', 0, 1],
    // 0.29 * 1e6 is 290000.00000000006 and 1.001 * 1e6 is 1000999.9999999999
    ['0.29', 'absolute', 290_000, null],
    ['1.001', 'absolute', 1_001_000, null],
  ])('%s', (text, kind, at, until) => {
    expect(event(`${text} > . 1:1(0) ack 1`).time).toMatchObject({ kind, at, until });
  });

  test('the end of a blocking call', () => {
    for (const text of ['+.1....2 read(3, ..., 1) = 1', '+.1...0.2 read(3, ..., 1) = 1']) {
      const { time, body } = event(text);
      expect(time).toMatchObject({ kind: 'relative', at: 100_000 });
      expect(body).toMatchObject({ kind: 'syscall', end: 200_000 });
    }
    expect(event('0...1 accept(3, ..., ...) = 4').body).toMatchObject({ end: 1_000_000 });
  });
});

describe('code', () => {
  test('blanks around it go, newlines stay, its place is known', () => {
    const { body } = event('+0 %{  assert x == 1 # }\n assert y }%');
    expect(body).toMatchObject({ kind: 'code', text: 'assert x == 1 # }\n assert y' });
    expect(body.kind === 'code' && body.textSpan).toMatchObject({ line: 1, column: 8, endLine: 2 });
  });
});

describe('definitions', () => {
  const text = '+0 > S. 0:0(0) ack 1 <mss MSS,FO COOKIE>';
  const options = (defines: Record<string, string>) => {
    const { body } = event(text, defines);
    return body.kind === 'packet' && body.transport.kind === 'tcp' ? body.transport.options : [];
  };

  test('a number and a word', () => {
    expect(options({ MSS: '1460', COOKIE: 'AB12' })).toMatchObject([
      { kind: 'mss', value: 1460 },
      { kind: 'FO', cookie: 'ab12' },
    ]);
  });

  test('what is not defined stays a name', () => {
    expect(options({})).toMatchObject([
      { kind: 'mss', value: { kind: 'undefined-name', name: 'MSS' } },
      { kind: 'FO', cookie: { name: 'COOKIE' } },
    ]);
  });

  test('a string, a command, a number, an address, in a script and from outside', () => {
    const script = parseScript(
      [
        '--define=CC="reno"',
        '--define=RUN=`true`',
        '--define=N=7',
        '0 setsockopt(3, SOL_TCP, TCP_CONGESTION, CC, N) = 0',
        '+0 RUN',
        '+0 < REMOTE:1 > LOCAL:2 S 0:0(0)',
      ].join('\n'),
      { defines: { REMOTE: '192.0.2.9', LOCAL: '192.168.0.1', N: '4' } },
    );
    expect(script.events[0]!.body).toMatchObject({
      args: [{}, {}, {}, { kind: 'string', value: 'reno' }, { kind: 'integer', value: 4 }],
    });
    expect(script.events[1]!.body).toMatchObject({ kind: 'command', text: 'true' });
    expect(script.events[2]!.body).toMatchObject({
      transport: {
        endpoints: {
          source: { address: '192.0.2.9', port: 1 },
          destination: { address: '192.168.0.1', port: 2 },
        },
      },
    });
  });

  test('a name that stands for a name', () => {
    expect(event('0 f(A) = 0', { A: 'B', B: 'C' }).body).toMatchObject({
      args: [{ kind: 'word', name: 'C' }],
    });
    expect(event('0 f(A) = 0', { A: 'B', B: 'A' }).body).toMatchObject({ args: [{ kind: 'word' }] });
  });

  test('keywords are never replaced', () => {
    expect(event('0 > . 1:1(0) ack 1', { ack: '5' }).body.kind).toBe('packet');
  });

  test('malformed ones are refused', () => {
    for (const value of ['"a', '"a"b"', '`', 'a b', '1.5.', '']) {
      expect(() => parseScript('0 f() = 0', { defines: { X: value } }), value).toThrow(DefinitionError);
    }
  });
});

describe('conditions of the nplab dialect', () => {
  const text = [
    '#ifdef LINUX',
    '0 linux() = 0',
    '#else',
    '0 other() = 0',
    '#endif',
    '#ifndef LINUX // inner ones too',
    '#ifdef X',
    '+0 never() = 0',
    '#endif',
    '+0 not_linux() = 0',
    '#endif LINUX',
    '+0 always() = 0',
  ].join('\n');
  const names = (defines: Record<string, string>) =>
    parseScript(text, { dialect: 'nplab', defines }).events.map(
      ({ body }) => body.kind === 'syscall' && body.name,
    );

  test('follow the definitions', () => {
    expect(names({ LINUX: '1' })).toEqual(['linux', 'always']);
    expect(names({})).toEqual(['other', 'not_linux', 'always']);
    expect(names({ X: '1' })).toEqual(['other', 'never', 'not_linux', 'always']);
  });
});
