// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of a shell
import { describe, expect, test } from 'vitest';
import { ShellError, type ShellErrorCode } from './errors.js';
import { fakeHost } from './fake-host.test.support.js';
import { Shell } from './shell.js';

const place = { file: 'x.pkt', line: 5 };

/** What a text prints, with a shell of its own. */
function output(text: string, sysctls: Record<string, string> = { 'net.ipv4.a': '1' }): string {
  return new Shell(fakeHost(sysctls)).run(text, place).stdout;
}

function errorOf(text: string): ShellError {
  try {
    new Shell(fakeHost({ 'net.ipv4.a': '1' })).runOrFail(text, place);
  } catch (error) {
    if (error instanceof ShellError) return error;
    throw error;
  }
  throw new Error(`no error in ${text}`);
}

describe('the language', () => {
  test.each([
    ['echo a b   c', 'a b c\n'],
    ['echo "a  b" \'c $X\' d\\ e', 'a  b c $X d e\n'],
    ['echo a; echo b\necho c # not d', 'a\nb\nc\n'],
    ['echo a \\\n  b', 'a b\n'],
    ['echo a\\\nb', 'ab\n'],
    ['true && echo yes || echo no', 'yes\n'],
    ['false && echo yes || echo no', 'no\n'],
    ['! false && echo yes', 'yes\n'],
    ['false ||\\\n', ''],
    ['X=5; echo $X ${X} "${Y:-none}" $((X * 2 + 1)) $((15*1024*1024))', '5 5 none 11 15728640\n'],
    [
      'echo $((7/2)) $((-7/2)) $((-7 % 3)) $((1 << 4 | 1)) $((010)) $((0x10)) $((2 > 1 && !0))',
      '3 -3 -1 17 8 16 1\n',
    ],
    ['X="a b"; for i in $X "$X"; do echo "[$i]"; done', '[a]\n[b]\n[a b]\n'],
    ['if test 1 -eq 2; then echo a; elif [ x = x ]; then echo b; else echo c; fi', 'b\n'],
    ['if false\nthen echo a\nelse\n echo c\nfi', 'c\n'],
    ['echo $(echo in $(echo ner)) out', 'in ner out\n'],
    ['echo b a | grep a', 'b a\n'],
    ['printf "%s=%d\\n" x 1 y 2', 'x=1\ny=2\n'],
    ['{ echo a; echo b; } > /tmp/x; cat /tmp/x', 'a\nb\n'],
    ['echo a > /tmp/x; echo b >> /tmp/x; cat < /tmp/x', 'a\nb\n'],
    ['cat /no/such 2>/dev/null || echo missing', 'missing\n'],
    ['cat /no/such 2>&1', 'cat: /no/such: No such file or directory\n'],
    ['cat /no/such &> /tmp/log; cat /tmp/log', 'cat: /no/such: No such file or directory\n'],
    ['set -e; false; echo never', ''],
    ['set -e; false || true; if false; then :; fi; echo on', 'on\n'],
    ['echo a; exit 3; echo b', 'a\n'],
    // The words are expanded before X is set for the command.
    ['X=1 echo "[$X]"; echo "[$X]"', '[]\n[]\n'],
    ['X=1; Y=$(X=2; echo $X); echo $X$Y; echo z | X=3; echo $X; $(exit 3); echo $?', '12\n1\n3\n'],
    ['N=3; echo $(($N + ${N}0 - N))', '30\n'],
    ['if false; then :; else echo $?; fi; for i in $(false); do :; done; echo $?', '1\n0\n'],
    ['export A=1 B=2; unset A; echo "$A$B"', '2\n'],
  ])('%j', (text, expected) => {
    expect(output(text)).toBe(expected);
  });

  test('the status of the last command counts', () => {
    const shell = new Shell(fakeHost());
    expect(shell.run('false; true', place).status).toBe(0);
    expect(shell.run('true; false', place).status).toBe(1);
    expect(shell.run('exit 7', place).status).toBe(7);
    expect(shell.run('', place).status).toBe(0);
  });

  test('variables and files live as long as the shell', () => {
    const shell = new Shell(fakeHost());
    shell.run('X=1; echo a > /tmp/f', place);
    expect(shell.run('echo $X; cat /tmp/f', place).stdout).toBe('1\na\n');
    expect(shell.files.names()).toEqual(['/tmp/f']);
  });
});

describe('what ends a script', () => {
  test.each<[string, ShellErrorCode, number, string]>([
    ['frobnicate -x', 'UNKNOWN_COMMAND', 5, "unknown command 'frobnicate'"],
    ['true\n\nsysclt -q a=1', 'UNKNOWN_COMMAND', 7, "did you mean 'sysctl'?"],
    ['frobnicate || true', 'UNKNOWN_COMMAND', 5, "unknown command 'frobnicate'"],
    ['/usr/bin/python3 -c 1', 'UNKNOWN_COMMAND', 5, "'/usr/bin/python3'"],
    ['python -c "import os"', 'UNKNOWN_COMMAND', 5, 'no code'],
    ['./helper.sh', 'UNKNOWN_COMMAND', 5, "'./helper.sh': no such file beside the script"],
    ['/tmp/none.sh', 'UNKNOWN_COMMAND', 5, "'/tmp/none.sh': no such file"],
    ['echo "abc', 'SYNTAX', 5, 'without its closing "'],
    ["echo 'abc", 'SYNTAX', 5, "without its closing '"],
    ['echo $((1 +', 'SYNTAX', 5, "without its closing '))'"],
    ['echo $((1 + ))', 'SYNTAX', 5, 'cannot compute'],
    ['echo $((1 / 0))', 'SYNTAX', 5, 'division by 0'],
    ['echo `date`', 'SYNTAX', 5, 'backquote'],
    ['echo ${X%y}', 'SYNTAX', 5, 'parameter expansion'],
    ['sleep 1 &', 'SYNTAX', 5, 'background'],
    ['(echo a)', 'SYNTAX', 5, 'subshells'],
    ['f() { true; }', 'SYNTAX', 5, 'functions'],
    ['while true; do :; done', 'SYNTAX', 5, "'while' is not supported"],
    ['cat << EOF', 'SYNTAX', 5, 'here documents'],
    ['echo a >', 'SYNTAX', 5, "'>' without a file name"],
    ['| cat', 'SYNTAX', 5, "unexpected '|'"],
    ['true\nif true; then echo', 'SYNTAX', 6, "expected 'fi'"],
    ['echo a > /etc/passwd', 'FORBIDDEN', 5, 'only /proc/sys, /sys/module and /tmp'],
    ['echo a > /tmp/../etc/passwd', 'FORBIDDEN', 5, 'only /proc/sys'],
    ['echo a > file', 'FORBIDDEN', 5, 'only /proc/sys'],
    ['rm -f /etc/passwd', 'BAD_ARGUMENTS', 5, "'/etc/passwd' is outside /tmp"],
    ['set -o pipefail', 'BAD_ARGUMENTS', 5, "set: '-o' is not supported"],
    ['exit now', 'BAD_ARGUMENTS', 5, "'now' is no status"],
    ['export 1=2', 'BAD_ARGUMENTS', 5, "'1=2'"],
    ['shift x', 'BAD_ARGUMENTS', 5, "'x' is no count"],
    ['sysctl -q', 'BAD_ARGUMENTS', 5, 'a name is needed'],
    ['sysctl -p /etc/sysctl.conf', 'BAD_ARGUMENTS', 5, "option '-p'"],
    ['sysctl -q net.ipv4.a=impossible', 'HOST', 5, 'the stack cannot do this'],
    [
      'sysctl -q net.ipv4.a=invalid',
      'FAILED',
      5,
      'status 255: sysctl: setting key "net.ipv4.a": Invalid argument',
    ],
    ['false', 'FAILED', 5, 'status 1'],
    ['tcpdrop 1.2.3.4 5 6.7.8.9 10', 'LACKING', 5, "FreeBSD's command tcpdrop"],
    ['kldload -n cc_dctcp', 'LACKING', 5, "FreeBSD's command kldload"],
  ])('%j', (text, code, line, part) => {
    const error = errorOf(text);
    expect(error.code, error.message).toBe(code);
    expect(error.place).toEqual({ file: 'x.pkt', line });
    expect(error.problem).toContain(part);
    expect(error.message.startsWith(`x.pkt:${line}: `)).toBe(true);
  });

  test('too much of anything', () => {
    const names = Array.from({ length: 101 }, (_, i) => i).join(' ');
    expect(errorOf(`for a in ${names}; do for b in ${names}; do :; done; done`).code).toBe('LIMIT');
    expect(errorOf(`${'{ '.repeat(40)}:${'; }'.repeat(40)}`).code).toBe('SYNTAX');
    expect(errorOf('dd if=/dev/zero of=/tmp/x bs=1G count=9').code).toBe('BAD_ARGUMENTS');
    const host = fakeHost();
    host.helpers.set('./loop.sh', '#!/bin/sh\n./loop.sh');
    expect(() => new Shell(host).run('./loop.sh', place)).toThrow(/too deeply/);
  });
});

describe('helper files', () => {
  test('run with their arguments, errors name them and their line', () => {
    const host = fakeHost({ 'net.ipv4.a': '1' });
    host.helpers.set(
      '../common/set.sh',
      '#!/bin/bash\n# remark\necho $# $1 "$@"\nX=7\nsysctl -q net.ipv4.a=$2\n',
    );
    const shell = new Shell(host);
    expect(shell.run('../common/set.sh one 2', place).stdout).toBe('2 one one 2\n');
    expect(host.sysctls.get('net.ipv4.a')).toBe('2');
    host.helpers.set('./bad.sh', '#!/bin/sh\ntrue\nfrobnicate\n');
    expect(() => shell.run('./bad.sh', place)).toThrow("./bad.sh:3: unknown command 'frobnicate'");
  });

  test('may be read with . and source, and given to sh', () => {
    const host = fakeHost();
    host.helpers.set('v.sh', '#!/bin/sh\nX=9\nreturn 0\nX=10');
    const shell = new Shell(host);
    for (const command of ['. v.sh', 'source v.sh', 'sh v.sh']) {
      expect(shell.run(`X=0; ${command}; echo $X`, place).stdout).toBe('9\n');
    }
  });

  test('in other languages are refused', () => {
    const host = fakeHost();
    host.helpers.set('./a.pl', '#!/usr/bin/env perl\nsystem("x")');
    expect(() => new Shell(host).run('./a.pl', place)).toThrow("'./a.pl' is written for 'perl'");
  });

  test('that set kernel files leave a script that sets them back', () => {
    const host = fakeHost({ 'net.ipv4.tcp_wmem': '4096 16384 4194304', 'net.ipv4.b': '0' });
    // Whatever it is called and however it does it: what a Python helper is given decides.
    host.helpers.set('./anything', '#!/usr/bin/env python3\nprint("not run")\n');
    const shell = new Shell(host, { processId: '77' });
    const set = './anything /proc/sys/net/ipv4/tcp_wmem="1 2 3" \\\n /proc/sys/net/ipv4/b=5';
    expect(shell.run(set, place).status).toBe(0);
    expect(Object.fromEntries(host.sysctls)).toEqual({ 'net.ipv4.tcp_wmem': '1 2 3', 'net.ipv4.b': '5' });
    expect(shell.files.names()).toEqual(['/tmp/sysctl_restore_77.sh']);
    expect(shell.run('/tmp/sysctl_restore_${PPID}.sh', place).status).toBe(0);
    expect(Object.fromEntries(host.sysctls)).toEqual({
      'net.ipv4.tcp_wmem': '4096 16384 4194304',
      'net.ipv4.b': '0',
    });
    expect(() => shell.run('./anything --help', place)).toThrow(/no \/proc\/sys\/NAME=VALUE/);
    expect(() => shell.run('./anything /etc/passwd=x', place)).toThrow(/no \/proc\/sys\/NAME=VALUE/);
    expect(shell.run('./anything /proc/sys/net/none=1', place).status).toBe(1);
  });
});
