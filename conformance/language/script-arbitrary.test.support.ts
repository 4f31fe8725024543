// Generators of whole scripts for property tests: every node kind of the language, with values that its grammar
// can hold. Positions are empty: printing knows none.

import * as fc from 'fast-check';
import { orNull, span } from './arbitrary-basics.test.support.js';
import { expression } from './arbitrary-expression.test.support.js';
import { packet } from './arbitrary-packet.test.support.js';
import type { Script, ScriptEvent } from './ast.js';

const microseconds = fc.oneof(fc.integer({ min: 0, max: 5_000_000 }), fc.integer({ min: 0, max: 2 ** 48 }));
const prose = fc.array(fc.constantFrom('a', 'Operation', '(x)', 'O_RDWR|O_NONBLOCK', 'flags', ','), {
  maxLength: 3,
});
const commandText = fc
  .array(fc.constantFrom('sysctl -q a.b=1', '\n', ' ', '\\`', 'echo "x"', '# note', '//'), { maxLength: 5 })
  .map((pieces) => pieces.join(''));
const command = commandText.map((text) => ({ kind: 'command' as const, text, textSpan: span, span }));
const code = fc
  .array(fc.constantFrom('assert x == 1', '\n', '# }', '{', "print('%d' % 3)"), { maxLength: 5 })
  .map((pieces) => ({ kind: 'code' as const, text: pieces.join(''), textSpan: span, span }));
const syscall = fc.record({
  kind: fc.constant('syscall' as const),
  end: orNull(microseconds),
  name: fc.constantFrom('socket', 'accept', 'setsockopt', 'somebody_elses_call'),
  args: fc.array(expression, { maxLength: 4 }),
  // A word before a parenthesis or an errno would be hard to tell from it for a reader, not for the parser.
  result: expression,
  errno: orNull(
    fc.record({
      name: fc.constantFrom('EAGAIN', 'E2BIG', 'ENOTHING'),
      text: prose.map((words) => words.join(' ')),
      span: fc.constant(span),
    }),
  ),
  note: orNull(prose.map((words) => words.join(' '))),
  span: fc.constant(span),
});

const event: fc.Arbitrary<ScriptEvent> = fc
  .tuple(fc.oneof(packet, syscall, command, code), fc.nat(4), microseconds, fc.integer({ min: 0, max: 1e9 }))
  .map(([body, choice, at, width]) => {
    const kinds = ['absolute', 'relative', 'any', 'absolute-range', 'relative-range'] as const;
    const outbound = body.kind === 'packet' && body.direction === 'out';
    const kind = kinds[outbound ? choice : choice % 2]!;
    const until = kind.endsWith('range') ? at + width : null;
    return { kind: 'event', time: { kind, at: kind === 'any' ? 0 : at, until, span }, body, span };
  });

const option = fc.oneof(
  fc.constant({ name: 'ip_version', value: 'ipv6', quoted: false }),
  fc.constant({ name: 'local_ip', value: '192.168.7.1', quoted: false }),
  fc.constant({ name: 'remote_ip', value: '2001:db8::9', quoted: false }),
  fc.constant({ name: 'init_scripts', value: 'a b.sh', quoted: true }),
  fc.constant({ name: 'strict_segments', value: null, quoted: false }),
  fc.constant({ name: 'define', value: 'QQ="reno"', quoted: false }),
  fc.constant({ name: 'define', value: 'QR=`echo`', quoted: false }),
  fc.nat().map((n) => ({ name: 'tolerance_usecs', value: String(n), quoted: false })),
);

export const script: fc.Arbitrary<Script> = fc
  .record({
    options: fc.array(
      option.map((fields) => ({ kind: 'option' as const, ...fields, span })),
      { maxLength: 3 },
    ),
    init: orNull(command),
    events: fc.array(event, { minLength: 1, maxLength: 6 }),
    cleanup: orNull(command),
    dialect: fc.constantFrom('google' as const, 'nplab' as const),
  })
  .map((fields) => ({ kind: 'script', file: '', ...fields, span }));
