import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Script } from './ast.js';
import { featuresOf } from './features.js';
import { parseScript } from './parser.js';
import { printScript } from './printer.js';
import { verifyScript } from './verify.js';

function example(name: string): { text: string; file: string } {
  const url = new URL(`../../../conformance/language/examples/${name}`, import.meta.url);
  return { text: readFileSync(url, 'utf8'), file: name };
}

const sentences = (script: Script) => printScript(script).split('\n');

describe('the example of the nplab dialect', () => {
  const { text, file } = example('nplab-dialect.pkt');

  test('parses, prints and parses again, with and without the definition', () => {
    for (const defines of [{}, { LINUX: '1' }]) verifyScript(text, { file, dialect: 'nplab', defines });
  });

  test('its names are known where the lines for FreeBSD are left out', () => {
    expect(verifyScript(text, { file, dialect: 'nplab', defines: { LINUX: '1' } }).findings).toEqual([]);
    const elsewhere = verifyScript(text, { file, dialect: 'nplab' }).findings.map(({ problem }) => problem);
    expect(elsewhere).toEqual(["unknown symbol 'TCP_FUNCTION_BLK'"]);
  });

  test('has every addition in its tree', () => {
    const script = parseScript(text, { file, dialect: 'nplab', defines: { LINUX: '1' } });
    expect(script.init?.text).toBe('sysctl -q net.ipv4.tcp_timestamps=1');
    expect(sentences(script)).toEqual(
      expect.arrayContaining([
        '--tcp_md5_secret=secret',
        '--udp_encapsulation=0',
        '--no_cleanup',
        '+0 < [tos 0x00,ttl 64] S 0:0(0) win 65535 <mss 1460,sackOK,eol,eol>'
          .replace('[', '(')
          .replace(']', ')'),
        '+0 < (dscp 0x22,ect0) . 1:1(0) ack 1 win 65535',
        '+0 > P. 1:101(100) ack 1 <nop,nop,TS val ... ecr 1000>',
        '+0 < . 1:1(0) ack 101 win 65535 <nop,nop,TS val 1010 ecr 5!>',
        '+0 < R 4294967295:4294967295(0)! win 0',
        '+0 > R. ...(0) ack 1',
        '+0 < S 0:0(0) win 65535 <gen-200 0102,exp-f989,nop,nop,nop,nop>',
        '+0 < S 0:0(0) win 65535 <md5 valid,nop,nop>',
        '+0 > S. 0:0(0) ack 1 <AccECN1,exp-AccECN0 ee0b 1,nop,nop,nop>',
        '+0 < S 0:0(0) win 65535 <020405b4>',
        '+0 < . 1:1(0) ack 1 win 65535 /udp(9899 > 9899)',
        '+0 `tcpdrop 192.168.0.1 8080 192.0.2.1 8080`',
      ]),
    );
    expect([...featuresOf(script).keys()]).toEqual(
      expect.arrayContaining(['tcp-over-udp', 'absolute-sequence-numbers', 'tcp-md5', 'accecn']),
    );
  });

  test('is refused by name in google’s dialect', () => {
    expect(() => parseScript(text, { file })).toThrow(
      "option '--tcp_md5_secret' belongs to the nplab dialect",
    );
  });
});

describe('the example of this project’s additions', () => {
  const { text, file } = example('additions.pkt');

  test('parses in both dialects, prints and parses again, all names known', () => {
    for (const dialect of ['google', 'nplab'] as const) {
      expect(verifyScript(text, { file, dialect }).findings).toEqual([]);
    }
  });

  test('has every addition in its tree', () => {
    const script = parseScript(text, { file, defines: { SIZE: '536' } });
    expect([...featuresOf(script).keys()]).toEqual(
      expect.arrayContaining(['explicit-addresses', 'given-checksums', 'raw-packets', 'udp', 'icmp']),
    );
    expect(sentences(script)).toEqual(
      expect.arrayContaining([
        '+0 < 192.0.2.33:5000 > 192.168.0.1:8080 S 0:0(0) win 65535 <mss 536>',
        '+0 > . 1:1(0) ack * win * <nop,nop,TS val * ecr *>',
        '+0 < [ttl 64,checksum bad] . 1:1(0) ack 1 win 65535 checksum bad',
        '+0 < . 1:1(0) ack 1 win 65535 <raw 0204ffff,raw 0101,raw 08ff>',
        '+0 < raw "45000014000000004006000'.concat('0c0000201c0a80001"'),
      ]),
    );
  });
});
