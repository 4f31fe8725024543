// Generators of syntax trees for property tests: every node kind of the language, with values that its grammar
// can hold. Positions are empty: printing knows none.

import * as fc from 'fast-check';
import type {
  EncapsulationLayer,
  Endpoint,
  Expression,
  IntegerExpression,
  PacketBody,
  Script,
  ScriptEvent,
  Span,
  TcpFlags,
  TcpOption,
  Transport,
} from './ast.js';
import { tcpOptionLength } from './parse-tcp-options.js';
import { ICMPV4_CODES, ICMPV4_TYPES } from './vocabulary.js';

const span: Span = { file: '', line: 0, column: 0, endLine: 0, endColumn: 0 };

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u24 = fc.integer({ min: 0, max: 0xffffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const star = fc.constant('*' as const);
const star_or = <T>(arbitrary: fc.Arbitrary<T>, out: boolean) =>
  out ? fc.oneof(arbitrary, star) : arbitrary;
const undefinedName = fc
  .constantFrom('MSS', 'TS_VALUE', 'W0')
  .map((name) => ({ kind: 'undefined-name', name, span }) as const);
const hexBytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes).toString('hex'));
const word = fc.constantFrom(
  'SOCK_STREAM',
  'IPPROTO_TCP',
  'O_RDWR',
  'F_GETFL',
  'foo',
  'x1',
  'fd',
  'ack',
  'tos',
);
const ipv4 = fc.ipV4();
const ipv6 = fc.constantFrom('::1', '2001:db8::1', 'fd3d:fa7b:d17d::', '::ffff:192.0.2.1', '1:2:3:4:5:6:7:8');

// ---------------------------------------------------------------- expressions

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

const mplsLabel = fc.record({
  label: fc.integer({ min: 0, max: 0xfffff }),
  trafficClass: fc.integer({ min: 0, max: 7 }),
  bottom: fc.boolean(),
  ttl: u8,
  span: fc.constant(span),
});
const greHeader = fc.record({
  flags: u16,
  checksum: u16,
  offset: u16,
  key: u32,
  sequence: u32,
  span: fc.constant(span),
});

const { expression } = fc.letrec<{ expression: Expression; operand: Expression }>((tie) => {
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

// ---------------------------------------------------------------- packets

const checksum = fc.oneof(u16, fc.constant('bad' as const));

const endpoint: fc.Arbitrary<Endpoint> = fc.oneof(
  u16.map((port) => ({ address: null, port })),
  fc.oneof(ipv4, ipv6).map((address) => ({ address, port: null })),
  fc.tuple(fc.oneof(ipv4, ipv6), u16).map(([address, port]) => ({ address, port })),
);
const endpoints = orNull(fc.record({ source: endpoint, destination: endpoint, span: fc.constant(span) }));

const tosFields = fc.oneof(
  fc.record({ ecn: fc.constant(null), dscp: fc.constant(null), tos: orNull(u8) }),
  fc.record({
    ecn: orNull(fc.constantFrom('noecn' as const, 'ect0' as const, 'ect1' as const, 'ce' as const)),
    dscp: orNull(fc.integer({ min: 0, max: 63 })),
    tos: fc.constant(null),
  }),
);
const ipInfo = (inbound: boolean) =>
  fc
    .tuple(
      tosFields,
      fc.record({
        brackets: fc.constantFrom('[]' as const, '()' as const),
        flowLabel: orNull(fc.integer({ min: 0, max: 0xfffff })),
        ttl: orNull(u8),
        checksum: inbound ? orNull(checksum) : fc.constant(null),
        span: fc.constant(span),
      }),
    )
    .map(([tos, rest]) => ({ ...tos, ...rest }))
    .filter((ip) =>
      [ip.ecn, ip.dscp, ip.tos, ip.flowLabel, ip.ttl, ip.checksum].some((field) => field !== null),
    );

const layer: fc.Arbitrary<EncapsulationLayer> = fc.oneof(
  fc.record({ ip: orNull(ipInfo(true)), source: ipv4, destination: ipv4 }).map((fields) => ({
    kind: 'ipv4' as const,
    ...fields,
    span,
  })),
  fc.record({ ip: orNull(ipInfo(true)), source: ipv6, destination: ipv6 }).map((fields) => ({
    kind: 'ipv6' as const,
    ...fields,
    span,
  })),
  orNull(greHeader).map((header) => ({ kind: 'gre' as const, header, span })),
  fc.array(mplsLabel, { maxLength: 3 }).map((labels) => ({ kind: 'mpls' as const, labels, span })),
);

const flags: fc.Arbitrary<TcpFlags> = fc
  .tuple(
    fc.record({
      syn: fc.boolean(),
      fin: fc.boolean(),
      rst: fc.boolean(),
      psh: fc.boolean(),
      urg: fc.boolean(),
      ack: fc.boolean(),
    }),
    fc.oneof(
      fc.record({ ece: fc.boolean(), cwr: fc.boolean(), ae: fc.boolean(), ace: fc.constant(null) }),
      fc.integer({ min: 0, max: 7 }).map((ace) => ({ ece: false, cwr: false, ae: false, ace })),
    ),
  )
  .map(([plain, ecn]) => ({ ...plain, ...ecn, span }))
  // A lone digit is a number to the scanner of the original, too.
  .filter((all) => all.ace === null || all.ack || all.syn || all.fin || all.rst || all.psh || all.urg);

const sequence = (out: boolean) =>
  fc
    .tuple(
      u32,
      u16,
      out
        ? fc.constantFrom('relative' as const, 'absolute' as const, 'any' as const)
        : fc.constantFrom('relative' as const, 'absolute' as const),
    )
    .map(([start, length, mode]) => {
      if (mode === 'any') return { mode, start: 0, end: 0, length, span };
      if (mode === 'absolute') return { mode, start, end: (start + length) % 2 ** 32, length, span };
      const low = Math.min(start, 0xffffffff - length);
      return { mode, start: low, end: low + length, length, span };
    });

function tcpOption(out: boolean): fc.Arbitrary<TcpOption> {
  const value = (number: fc.Arbitrary<number>) => star_or(fc.oneof(number, undefinedName), out);
  const counters = (minLength: number) => fc.array(value(u24), { minLength, maxLength: 3 });
  const data = star_or(hexBytes(0, 8), out);
  return fc.oneof(
    fc.constantFrom('nop' as const, 'eol' as const, 'sackOK' as const).map((kind) => ({ kind, span })),
    value(u16).map((mss) => ({ kind: 'mss' as const, value: mss, span })),
    value(u8).map((shift) => ({ kind: 'wscale' as const, value: shift, span })),
    star_or(fc.array(fc.record({ left: u32, right: u32 }), { minLength: 1, maxLength: 4 }), out).map(
      (blocks) => ({
        kind: 'sack' as const,
        blocks,
        span,
      }),
    ),
    fc.tuple(value(u32), value(u32), fc.boolean()).map(([val, ecr, mark]) => ({
      kind: 'TS' as const,
      val,
      ecr,
      ecrAbsolute: mark && ecr !== '*',
      span,
    })),
    fc.tuple(fc.boolean(), fc.oneof(data, undefinedName)).map(([experimental, cookie]) => ({
      kind: 'FO' as const,
      experimental,
      cookie,
      span,
    })),
    star_or(fc.oneof(hexBytes(1, 16), fc.constant('valid')), out).map((digest) => ({
      kind: 'md5' as const,
      digest,
      span,
    })),
    fc
      .tuple(fc.constantFrom(0 as const, 1 as const), fc.boolean(), counters(0))
      .map(([order, experimental, list]) => ({
        kind: 'accecn' as const,
        order,
        experimental,
        counters: list,
        span,
      })),
    fc.tuple(u8, data).map(([optionKind, bytes]) => ({
      kind: 'generic' as const,
      optionKind,
      experimentId: null,
      data: bytes,
      span,
    })),
    fc.tuple(u16, data).map(([experimentId, bytes]) => ({
      kind: 'generic' as const,
      optionKind: 254,
      experimentId,
      data: bytes,
      span,
    })),
    hexBytes(1, 8).map((bytes) => ({ kind: 'raw' as const, bytes, span })),
  );
}

/** Padded with nops to a multiple of four, and cut to what a header holds, where lengths are known. */
const optionList = (out: boolean) =>
  fc.array(tcpOption(out), { maxLength: 5 }).map((options) => {
    const list: TcpOption[] = [];
    let total = 0;
    for (const option of options) {
      const length = tcpOptionLength(option);
      if (length !== null && total + length > 40) continue;
      list.push(option);
      total += length ?? 0;
    }
    if (!list.some((option) => tcpOptionLength(option) === null)) {
      for (; total % 4 !== 0; total++) list.push({ kind: 'nop', span });
    }
    return list;
  });

const ports = orNull(fc.record({ source: u16, destination: u16 }));

function transport(out: boolean): fc.Arbitrary<Transport> {
  const sum = out ? fc.constant(null) : orNull(checksum);
  const field = (number: fc.Arbitrary<number>) => orNull(star_or(fc.oneof(number, undefinedName), out));
  const options = out ? fc.oneof(optionList(out), fc.constant('any' as const)) : optionList(out);
  const tcp = fc.record({
    kind: fc.constant('tcp' as const),
    endpoints,
    flags,
    sequence: sequence(out),
    ack: field(u32),
    window: field(u16),
    urgent: field(u16),
    options,
    checksum: sum,
    udpEncapsulation: ports,
    span: fc.constant(span),
  });
  const udp = fc.record({
    kind: fc.constant('udp' as const),
    endpoints,
    length: u16,
    checksum: sum,
    span: fc.constant(span),
  });
  const icmp = fc.record({
    kind: fc.constant('icmp' as const),
    type: fc.oneof(
      fc.constantFrom(...ICMPV4_TYPES.keys()),
      u8.map((n) => `type_${n}`),
      undefinedName,
    ),
    code: orNull(
      fc.oneof(
        fc.constantFrom(...ICMPV4_CODES.keys()),
        u8.map((n) => `code_${n}`),
        undefinedName,
      ),
    ),
    mtu: orNull(u16),
    id: orNull(u16),
    echoed: orNull(
      fc.oneof(
        fc.tuple(sequence(false), ports).map(([range, udpEncapsulation]) => ({
          kind: 'tcp' as const,
          sequence: range,
          udpEncapsulation,
        })),
        fc.record({ kind: fc.constantFrom('udp' as const, 'raw' as const), length: u16 }),
      ),
    ),
    checksum: sum,
    span: fc.constant(span),
  });
  const raw = hexBytes(1, 40).map((bytes) => ({ kind: 'raw' as const, bytes, span }));
  return out
    ? fc.oneof({ weight: 5, arbitrary: tcp }, udp, icmp)
    : fc.oneof({ weight: 5, arbitrary: tcp }, udp, icmp, raw);
}

export const packet: fc.Arbitrary<PacketBody> = fc.boolean().chain((out) =>
  fc.record({
    kind: fc.constant('packet' as const),
    direction: fc.constant(out ? ('out' as const) : ('in' as const)),
    layers: fc.array(layer, { maxLength: 2 }),
    ip: orNull(ipInfo(!out)),
    psp: orNull(
      fc.record({
        spi: u32,
        spiBase: fc.constantFrom('hex' as const, 'decimal' as const),
        span: fc.constant(span),
      }),
    ),
    transport: transport(out),
    span: fc.constant(span),
  }),
);

// ---------------------------------------------------------------- events

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
  })
  .map((fields) => ({ kind: 'script', file: '', dialect: 'google', ...fields, span }));
