// Generators of expressions.

import * as fc from 'fast-check';
import {
  greHeader,
  ipv4,
  ipv6,
  mplsLabel,
  orNull,
  span,
  u16,
  word,
} from './arbitrary-basics.test.support.js';
import type { Expression, IntegerExpression } from './ast.js';

const integer: fc.Arbitrary<IntegerExpression> = fc
  .tuple(fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n), fc.bigInt(-10n, 10n)), fc.boolean())
  .map(([big, hex]) => {
    const value = Number(big);
    const exact = Number.isSafeInteger(value) ? null : big;
    return { kind: 'integer', value, exact, base: hex && big >= 0n ? 'hex' : 'decimal', span };
  });
const smallInteger = fc
  .integer({ min: 0, max: 100_000 })
  .map((value): IntegerExpression => ({ kind: 'integer', value, exact: null, base: 'decimal', span }));

const string = fc
  .array(fc.constantFrom('a', ' ', '7', "'", '\\n', '\\"', '\\\\', '\\x41', '#', '/', '`'), { maxLength: 8 })
  .map((pieces) => {
    const escapes: Record<string, string> = { '\\n': '\n', '\\"': '"', '\\\\': '\\', '\\x41': 'A' };
    const value = pieces.map((piece) => escapes[piece] ?? piece).join('');
    return { kind: 'string', raw: pieces.join(''), value, open: false, span } as const;
  });

const grammar = fc.letrec<{ expression: Expression; operand: Expression }>((tie) => {
  const e = tie('expression');
  const node = <T extends object>(kind: string, fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
    fc.record({
      kind: fc.constant(kind),
      ...fields,
      span: fc.constant(span),
    }) as unknown as fc.Arbitrary<Expression>;
  return {
    operand: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constant<Expression>({ kind: 'ellipsis', span }),
      integer,
      word.map((name): Expression => ({ kind: 'word', name, span })),
      fc.tuple(string, fc.boolean()).map(([text, open]): Expression => ({ ...text, open })),
      fc
        .array(string, { minLength: 2, maxLength: 3 })
        .map((parts): Expression => ({ kind: 'concatenation', parts, span })),
      node('list', { brackets: fc.constant('[]'), items: fc.array(e, { maxLength: 3 }) }),
      // `{` with two items could be read as an iovec, and a word first as a structure.
      node('list', {
        brackets: fc.constant('{}'),
        items: fc.array(
          fc.oneof(
            integer,
            string,
            e.filter((x) => x.kind === 'list'),
          ),
          { maxLength: 3 },
        ),
      }),
      node('call', { name: fc.constantFrom('htons', 'htonl'), args: fc.tuple(integer) }),
      ipv4.map((address): Expression => ({ kind: 'inet-addr', family: 4, address, span })),
      ipv6.map((address): Expression => ({ kind: 'inet-addr', family: 6, address, span })),
      node('sockaddr', { family: fc.constant(4), port: u16, address: ipv4 }),
      node('sockaddr', { family: fc.constant(6), port: u16, address: ipv6 }),
      node('iovec', {
        base: fc.oneof(fc.constant({ kind: 'ellipsis', span }), string),
        length: smallInteger,
      }),
      node('msghdr', {
        nameLength: e,
        name: e,
        iovLength: e,
        iov: e,
        flags: e,
        control: e,
        controlLength: orNull(e),
      }),
      node('cmsg', { length: orNull(e), level: e, type: e, data: e }),
      node('scm-timestamping', { seconds: fc.maxSafeInteger(), nanoseconds: fc.maxSafeInteger() }),
      node('sock-extended-err', { errno: e, origin: e, type: e, code: e, info: e, data: e }),
      node('pollfd', { fd: e, events: e, revents: orNull(e) }),
      node('epoll-event', { events: e, member: fc.constantFrom('fd', 'ptr', 'u32', 'u64'), data: e }),
      node('linger', { onOff: fc.integer(), seconds: fc.integer() }),
      node('mpls', { labels: fc.array(mplsLabel, { minLength: 1, maxLength: 3 }) }),
      node('gre', { header: greHeader }),
    ),
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('operand'),
      fc
        .array(tie('operand'), { minLength: 2, maxLength: 3 })
        .map((operands): Expression => ({ kind: 'or', operands, span })),
      fc.tuple(word, e).map(([name, value]): Expression => ({ kind: 'assign', name, value, span })),
    ),
  };
});

export const { expression } = grammar;
