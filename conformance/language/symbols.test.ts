import { describe, expect, test } from 'vitest';
import { checkNames } from './check-names.js';
import { featuresOf } from './features.js';
import { parseScript } from './parser.js';
import { editDistance, nearest } from './suggest.js';
import { errnoName, errnoNumber, errnoText, nearestSymbol, symbolNames, symbolValue } from './symbols.js';

describe('symbols', () => {
  test.each([
    ['AF_INET6', 10],
    ['SOCK_NONBLOCK', 0x800],
    ['SO_REUSEADDR', 2],
    ['SO_ZEROCOPY', 60],
    ['TCP_INFO', 11],
    ['TCP_FASTOPEN_CONNECT', 30],
    ['MSG_FASTOPEN', 0x20000000],
    ['MSG_ERRQUEUE', 0x2000],
    ['EINPROGRESS', 115],
    ['EPOLLET', 0x80000000],
    ['POLLRDHUP', 0x2000],
    ['SIOCINQ', 0x541b],
    ['SCM_TIMESTAMPING', 37],
    ['SO_EE_ORIGIN_ZEROCOPY', 5],
    ['SOF_TIMESTAMPING_OPT_ID', 128],
    ['IPV6_RECVERR', 25],
    ['TCP_CLOSE_WAIT', 8],
    ['TCPI_OPT_SYN_DATA', 32],
  ])('%s is %i', (name, value) => {
    expect(symbolValue(name)).toBe(value);
  });

  test('there are hundreds, none without a whole value', () => {
    const names = [...symbolNames()];
    expect(names.length).toBeGreaterThan(400);
    for (const name of names) expect(Number.isSafeInteger(symbolValue(name)), name).toBe(true);
  });

  test('errnos by name and number', () => {
    expect([errnoNumber('ECONNRESET'), errnoName(104), errnoText('ECONNRESET')]).toEqual([
      104,
      'ECONNRESET',
      'Connection reset by peer',
    ]);
    // Two names, one number: the usual one is given back.
    expect([errnoNumber('EWOULDBLOCK'), errnoName(11)]).toEqual([11, 'EAGAIN']);
    expect([errnoNumber('SO_ERROR'), errnoName(9999), errnoText('EWHAT')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('nearest words', () => {
  test('distance counts letters and swaps', () => {
    expect([editDistance('abc', 'abc'), editDistance('abc', 'acb'), editDistance('', 'ab')]).toEqual([
      0, 1, 2,
    ]);
  });

  test('near enough or nothing', () => {
    expect(nearest('sackok', ['sack', 'sackOK'])).toBe('sackOK');
    expect(nearest('xyz', ['sack', 'nop'])).toBe(null);
    expect(nearestSymbol('SO_REUSEADR')).toBe('SO_REUSEADDR');
  });
});

describe('names without a meaning', () => {
  const text = [
    '0 sokcet(..., SOCK_STREAM, IPPROTO_TPC) = 3',
    '+0 read(3, ..., 1) = -1 EAGIAN (x)',
    '+0 > S 0:0(0) <mss MSS>',
    '+0 target_call(3) = 0',
  ].join('\n');
  const script = parseScript(text, { file: 'x.pkt' });

  test('are found in order, each with a guess', () => {
    const findings = checkNames(script, text, { calls: ['target_call'] });
    expect(findings.map(({ problem, suggestion, span }) => [span.line, problem, suggestion])).toEqual([
      [1, "unknown system call 'sokcet'", 'socket'],
      [1, "unknown symbol 'IPPROTO_TPC'", 'IPPROTO_TCP'],
      [2, "unknown errno 'EAGIAN'", 'EAGAIN'],
      [3, "'MSS' is not defined", null],
    ]);
    expect(findings[1]!.message).toContain('\n  0 sokcet(..., SOCK_STREAM, IPPROTO_TPC) = 3\n');
    expect(checkNames(script, text)).toHaveLength(5);
  });
});

test('features of a script, with the line of their first use', () => {
  const script = parseScript(
    [
      '`init`',
      '0 > ipv4 1.2.3.4 > 5.6.7.8: mpls: . 1:1(0)',
      '+0 < 1.2.3.4:5 > 6 . 1:1(0)! <md5 valid,nop,nop> checksum bad /udp(1 > 2)',
      '+0 < icmp unreachable',
      '+0 > udp (5)',
      '+0 < raw 45',
      '+0 > encap psp spi 1 P.5 1:1(0) <FO,nop,nop>',
      '+0 %{ pass }%',
    ].join('\n'),
  );
  expect([...featuresOf(script)].sort()).toEqual(
    [
      ['commands', 1],
      ['encapsulation:ipv4', 2],
      ['encapsulation:mpls', 2],
      ['explicit-addresses', 3],
      ['absolute-sequence-numbers', 3],
      ['tcp-md5', 3],
      ['given-checksums', 3],
      ['tcp-over-udp', 3],
      ['icmp', 4],
      ['udp', 5],
      ['raw-packets', 6],
      ['psp', 7],
      ['accecn', 7],
      ['fast-open', 7],
      ['code', 8],
    ].sort(),
  );
});
