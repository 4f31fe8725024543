import { describe, expect, test } from 'vitest';
import { SnippetError, type SnippetErrorCode } from './errors.js';
import { checkSnippet, environmentFrom, SnippetSession } from './session.js';

const place = { file: 'x.pkt', line: 10, column: 8 };
const environment = environmentFrom({
  tcpi_snd_cwnd: 9,
  tcpi_options: 0x2d,
  TCPI_OPT_SYN_DATA: 0x20,
  tcpi_rtt: 100_000,
  tcpi_state: 1,
  big: 2n ** 64n - 1n,
  congestion: 'cubic',
});

function run(text: string): string[] {
  return new SnippetSession().run(text, place, environment);
}

function errorOf(text: string): SnippetError {
  try {
    run(text);
  } catch (error) {
    if (error instanceof SnippetError) return error;
    throw error;
  }
  throw new Error(`no error in ${text}`);
}

describe('what snippets in public use do', () => {
  test.each([
    'assert tcpi_snd_cwnd == 9, tcpi_snd_cwnd',
    'assert (tcpi_options & TCPI_OPT_SYN_DATA) != 0, tcpi_options',
    "assert 99000 <= tcpi_rtt <= 101000, 'srtt=%d us' % tcpi_rtt",
    'cwnd = 8; print(tcpi_snd_cwnd); cwnd += 1; assert tcpi_snd_cwnd == cwnd, tcpi_snd_cwnd',
    '\nassert tcpi_snd_cwnd == 9\n\n# a remark "with quotes\nassert tcpi_state == 1  # another\n',
    'assert tcpi_snd_cwnd == 9; \\\n  assert tcpi_state == 1',
    'x = 0x7fffffff\nassert x > 0',
    "assert big == 18446744073709551615 and congestion == 'cubic'",
    'assert not 1 == 2 or False',
    'if tcpi_state == 1: x = 1\nelse: x = 2\nassert x == 1',
    'if tcpi_state == 2:\n  x = 1\nelif tcpi_state == 1:\n  x = 2\n  y = 3\nelse:\n  pass\nassert (x, y) == (2, 3)',
    'assert min(3, 1, 2) == 1 and max(1, 2) == 2 and abs(-3) == 3 and len("abc") == 3',
    'assert (1 if tcpi_state else 2) == 1',
    'assert "a" in "cat" and 3 not in (1, 2) and None is None',
    '',
  ])('%j', (text) => {
    expect(run(text).length).toBeGreaterThanOrEqual(0);
  });

  test('printing', () => {
    expect(run('print(tcpi_snd_cwnd, "cwnd=%d" % 3, 1.5, True, None); print()')).toEqual([
      '9 cwnd=3 1.5 True None',
      '',
    ]);
  });
});

describe('arithmetic is Python’s', () => {
  test.each([
    ['-7 // 2', '-4'],
    ['-7 % 3', '2'],
    ['7 % -3', '-2'],
    ['7 / 2', '3.5'],
    ['6 / 2', '3.0'],
    ['2 ** 10 - -1', '1025'],
    ['-2 ** 2', '-4'],
    ['2 ** -1', '0.5'],
    ['~5 & 0xff | 1 << 9', '762'],
    ['5 ^ 3', '6'],
    ['1 + True', '2'],
    ['2 ** 64 + 1', '18446744073709551617'],
    ['1e3', '1000.0'],
    ['0.1 + 0.2', '0.30000000000000004'],
    ['1_000', '1000'],
    ['1 == 1.0', 'True'],
    ['1 < 2 < 2', 'False'],
    ['0 or "x"', 'x'],
    ['"" and 1', ''],
    ['not 0', 'True'],
    ['(1, "a")', "(1, 'a')"],
    ['(1,)', '(1,)'],
    ['"a" "b" + "c"', 'abc'],
    ["'%5d|%-5d|%05d|%+d' % (7, 7, 7, 7)", '    7|7    |00007|+7'],
    ["'%x %X %#x %o' % (255, 255, 255, 8)", 'ff FF 0xff 10'],
    ["'%s %r %%' % ('a', 'a')", "a 'a' %"],
    ["'%.2f %5.1f' % (1.005, 2.25)", '1.00   2.2'],
    ['str(5) + "x"', '5x'],
    ['"ab" * 2 + 0 * "c"', 'abab'],
    ['int(2.9)', '2'],
  ])('%s is %s', (text, expected) => {
    expect(run(`print(${text})`)).toEqual([expected]);
  });
});

describe('variables', () => {
  test('live from snippet to snippet; the environment is asked anew', () => {
    const session = new SnippetSession();
    let cwnd = 10;
    const changing = { lookup: (name: string) => (name === 'tcpi_snd_cwnd' ? cwnd : undefined) };
    session.run('x = tcpi_snd_cwnd', place, changing);
    cwnd = 12;
    session.run('assert x == 10 and tcpi_snd_cwnd == 12', place, changing);
    // What an earlier snippet assigned does not hide what the environment says now.
    session.run('tcpi_snd_cwnd = 1; assert tcpi_snd_cwnd == 1', place, changing);
    session.run('assert tcpi_snd_cwnd == 12', place, changing);
  });

  test('sessions do not share them', () => {
    new SnippetSession().run('x = 1', place);
    expect(() => new SnippetSession().run('x', place)).toThrow("name 'x' has no value");
  });
});

describe('failed assertions', () => {
  test('name the place, the condition, both sides and the message', () => {
    const error = errorOf('assert tcpi_snd_cwnd + 1 == tcpi_state * 3, "cwnd is %d" % tcpi_snd_cwnd');
    expect(error.message).toBe(
      [
        'x.pkt:10:15: assertion failed: tcpi_snd_cwnd + 1 == tcpi_state * 3',
        '         assert tcpi_snd_cwnd + 1 == tcpi_state * 3, "cwnd is %d" % tcpi_snd_cwnd',
        `                ^${'~'.repeat(34)}`,
        '  tcpi_snd_cwnd + 1 is 10',
        '  tcpi_snd_cwnd is 9',
        '  tcpi_state * 3 is 3',
        '  tcpi_state is 1',
        '  message: cwnd is 9',
      ].join('\n'),
    );
    expect(error.assertion).toMatchObject({
      condition: 'tcpi_snd_cwnd + 1 == tcpi_state * 3',
      message: 'cwnd is 9',
    });
  });

  test('on a later line count from the script', () => {
    expect(errorOf('x = 1\n  \nassert x == 2').span).toMatchObject({ line: 12, column: 8 });
  });

  test('parts that were never reached are left out', () => {
    expect(errorOf('assert tcpi_state == 2 and no_such_name == 1').assertion?.values).toEqual([
      ['tcpi_state', '1'],
    ]);
  });
});

describe('mistakes', () => {
  test.each<[string, SnippetErrorCode, string, string]>([
    ['assert', 'SYNTAX', '10:14', 'unexpected end of the line'],
    ['x = 1 +', 'SYNTAX', '10:15', 'expected an expression'],
    ['x = (1', 'SYNTAX', '10:14', "expected ')'"],
    ['x 1', 'SYNTAX', '10:10', "expected ';' or the end of the line"],
    ['1 = x', 'SYNTAX', '10:8', 'only a name can be assigned to'],
    ["x = 'abc", 'SYNTAX', '10:12', "without its closing '"],
    ['x = 012', 'SYNTAX', '10:12', 'leading zeros'],
    ['x = 1 ? 2', 'SYNTAX', '10:14', "unexpected character '?'"],
    ['x = if', 'SYNTAX', '10:12', "unexpected 'if'"],
    ['x = 1\n  y = 2', 'SYNTAX', '11:3', 'unexpected indentation'],
    ['if 1:\n    x = 1\n  y = 2', 'SYNTAX', '12:3', 'indentation matches no outer line'],
    ['if 1:\nx = 1', 'SYNTAX', '11:1', 'expected an indented block'],
    ['import os', 'UNSUPPORTED', '10:8', "'import' is not supported"],
    ['x = lambda: 1', 'SYNTAX', '10:12', "unexpected 'lambda'"],
    ['x = [1]', 'UNSUPPORTED', '10:12', 'lists are not supported'],
    ['tcpi_state.real', 'UNSUPPORTED', '10:18', 'members are not supported'],
    ['open("/etc/passwd")', 'UNSUPPORTED', '10:8', "function 'open' is not supported"],
    ['x = y = 1', 'UNSUPPORTED', '10:14', 'only one name'],
    ['x = f"a"', 'UNSUPPORTED', '10:12', 'f-strings'],
    ['x = """a"""', 'UNSUPPORTED', '10:12', 'triple quotes'],
    [`x = ${'('.repeat(200)}1${')'.repeat(200)}`, 'UNSUPPORTED', '10:112', 'nested too deeply'],
    ['assert tcpi_snd_cwd == 1', 'NAME', '10:15', "did you mean 'tcpi_snd_cwnd'?"],
    ['x += 1', 'NAME', '10:8', "name 'x' has no value"],
    ['1 + "a"', 'TYPE', '10:8', "'+' does not work between int and str"],
    ['1 < "a"', 'TYPE', '10:8', "'<' does not work between int and str"],
    ['~1.5', 'TYPE', '10:8', "'~' does not work on float"],
    ['"%d" % "a"', 'TYPE', '10:8', '%d needs a number'],
    ['"%d" % (1, 2)', 'TYPE', '10:8', 'not all values are used'],
    ['"%d %d" % 1', 'TYPE', '10:8', 'not enough values'],
    ['len(1)', 'TYPE', '10:8', 'len() does not work on int'],
    ['1 % 0', 'VALUE', '10:8', 'division by zero'],
    ['1.0 / 0', 'VALUE', '10:8', 'division by zero'],
    ['2 ** 99999999', 'VALUE', '10:8', 'too large'],
    ['1 << 99999999', 'VALUE', '10:8', 'out of range'],
    ['"%q" % 1', 'VALUE', '10:8', 'unknown format %q'],
    ['assert 1 == 2', 'ASSERTION', '10:15', 'assertion failed: 1 == 2'],
  ])('%j', (text, code, where, part) => {
    const error = errorOf(text);
    expect(error.code, error.message).toBe(code);
    expect(`${error.span.line}:${error.span.column}`, error.message).toBe(where);
    expect(error.problem).toContain(part);
    expect(error.stack).toContain(`at x.pkt:${where}`);
  });

  test('of form are found without running', () => {
    expect(() => checkSnippet('assert unknown == 1', place)).not.toThrow();
    expect(() => checkSnippet('assert ==', place)).toThrow(SnippetError);
  });
});
