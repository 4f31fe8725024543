import { describe, expect, it } from 'vitest';
import { FakeTarget, LISTEN, runFake, SYNACK } from './fake-target.test.helper.js';
import { runScript } from './run.js';

const failing = (command: string) => ({
  prepare: (t: FakeTarget) => {
    t.failCommand = command;
  },
});

describe('commands', () => {
  const script = '`init`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+.1 `middle`\n`cleanup`\n';

  it('run before, between and after the events', async () => {
    const { result, target } = await runFake(script);
    expect(result.verdict).toBe('passed');
    expect(target.commands).toEqual(['init', 'middle', 'cleanup']);
    expect(target.closed).toBe(1);
  });

  it('that fail end the run, and the cleanup runs all the same', async () => {
    const { result, target } = await runFake(script, [], failing('middle'));
    expect(result.failure).toMatchObject({ kind: 'command', span: { line: 3 } });
    expect(target.commands).toEqual(['init', 'middle', 'cleanup']);
    const init = await runFake(script, [], failing('init'));
    expect(init.target.commands).toEqual(['init']);
    const cleanup = await runFake(script, [], failing('cleanup'));
    expect(cleanup.result.failure).toMatchObject({ kind: 'command', span: { line: 4 } });
  });
});

describe('snippets', () => {
  const script = `${LISTEN}+0 > S. 0:0(0) ack 1 win 5000 <mss 1460>
+0 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
+0 %{ cwnd = tcpi_snd_cwnd }%
+0 %{ assert tcpi_state == TCP_ESTABLISHED and cwnd == 10, tcpi_state }%
`;
  const run = (info: Record<string, number>) =>
    runFake(script, [{ at: 0, text: SYNACK }], {
      prepare: (t) => {
        t.tcpInfo = info;
      },
      handler: (name) => (name === 'accept' ? { value: 8 } : undefined),
    });

  it('see tcp_info, constants and what earlier ones assigned', async () => {
    expect((await run({ tcpi_snd_cwnd: 10, tcpi_state: 1 })).result.reason).toBe('');
    const { result } = await run({ tcpi_snd_cwnd: 10, tcpi_state: 7 });
    expect(result.failure).toMatchObject({ kind: 'code', span: { line: 9 } });
    expect(result.reason).toContain('tcpi_state is 7');
  });

  it('need a socket that somebody has', async () => {
    const { result } = await runFake('0 %{ x = 1 }%\n');
    expect(result.failure?.summary).toContain('no socket of the script');
  });
});

describe('scripts that make no sense', () => {
  it.each([
    ['1 `x`\n', 'the first event must be at time 0'],
    ['0 `x`\n2 `x`\n1 `x`\n', 'time goes backwards'],
    ['0 socket(..., SOCK_STREAM', 'expected'],
    ['--mtu=x\n0 `x`\n', 'bad --mtu: x: not a number'],
    ['--wire_client\n0 `x`\n', 'there is no wire mode'],
    ['0 < S 0:0(0) win 5 <mss MSS>\n', 'MSS is not defined'],
    ['0 < S 0:0(0) win 5 <mss *>\n', 'outbound'],
    ['0 frobnicate(1) = 0\n', 'frobnicate'],
  ])('%j: %s', async (text, message) => {
    const { result } = await runFake(text);
    expect(result).toMatchObject({ verdict: 'failed', failure: { kind: 'script' } });
    expect(result.reason).toContain(message);
    expect(result.reason).toMatch(/^test\.pkt(:\d+:\d+)?: /);
  });
});

describe('settings', () => {
  async function setupOf(text: string, options: Parameters<typeof runFake>[2] = {}) {
    let seen: unknown;
    const result = await runScript(text, {
      ...options,
      target: (setup) => {
        seen = setup.addresses;
        return new FakeTarget(setup, []);
      },
    });
    expect(result.reason).toBe('');
    return seen;
  }

  it('come from presets, script and caller, each over the one before', async () => {
    expect(await setupOf('0 `x`\n')).toMatchObject({
      local: '192.168.0.1',
      remote: '192.0.2.1',
      prefix: 16,
      mtu: 1500,
    });
    expect(await setupOf('0 `x`\n', { ipVersion: 'ipv6' })).toMatchObject({
      wire: 'ipv6',
      local: 'fd3d:a0b:17d6::1',
      remote: 'fd3d:fa7b:d17d::1',
      mtu: 1520,
    });
    const script = '--local_ip=192.168.7.1\n--mtu=900\n0 `x`\n';
    expect(await setupOf(script)).toMatchObject({ local: '192.168.7.1', mtu: 900 });
    expect(await setupOf(script, { options: { mtu: '800' } })).toMatchObject({
      local: '192.168.7.1',
      mtu: 800,
    });
    expect(await setupOf(script, { ipVersion: 'ipv6' })).toMatchObject({
      local: 'fd3d:a0b:17d6::1',
      mtu: 900,
    });
    expect(await setupOf('0 `x`\n', { ipVersion: 'ipv4-mapped-ipv6' })).toMatchObject({
      wire: 'ipv4',
      socketFamily: 'AF_INET6',
    });
    // A script that names its version is written to be run without a suite's presets.
    expect(await setupOf('--ip_version=ipv6\n0 `x`\n')).toMatchObject({
      wire: 'ipv6',
      remote: '2001:db8::1',
      mtu: 1500,
    });
  });

  it('define the symbols of each version, under the caller’s own', async () => {
    const script = '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 < S 0:0(0) win 5 <FO TFO_COOKIE>\n';
    const cookie = async (options: Parameters<typeof runFake>[2]) =>
      (await runFake(LISTEN.replace('<mss 1000>', '<FO TFO_COOKIE,nop,nop>'), [], options)).result.packets[0]
        ?.text;
    expect(script).toContain('TFO_COOKIE');
    expect(await cookie({})).toContain('FO 3021b9d889017eeb');
    expect(await cookie({ ipVersion: 'ipv6' })).toContain('FO c1d1e9742a47a9bc');
    expect(await cookie({ defines: { TFO_COOKIE: '00112233aabbccdd' } })).toContain('FO 00112233aabbccdd');
  });
});

it('a target that breaks is an internal error with the event’s place', async () => {
  const { result } = await runFake('0 `x`\n+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n', [], {
    handler: () => {
      throw new TypeError('boom');
    },
  });
  expect(result.failure).toMatchObject({ kind: 'internal', summary: 'boom', span: { line: 2 } });
});

it('rehearses before a target in real time, without a trace in the result', async () => {
  class RealTime extends FakeTarget {
    override readonly virtual = false;
  }
  const script = '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = 0\n';
  let target: FakeTarget | undefined;
  const result = await runScript(script, {
    target: (setup) => {
      target = new RealTime(setup, []);
      return target;
    },
  });
  expect(result).toMatchObject({ verdict: 'passed', target: 'fake' });
  const names = target!.calls.map(([name]) => name);
  expect(names.filter((name) => name !== 'fcntl')).toEqual(['socket', 'listen', 'close']);
  expect(names[0]).toBe('fcntl');
});
