// The syntax tree of a packetdrill script: what the parser makes, the printer writes and the runner walks.
// Pure data. It knows no value of a symbol (see symbols.ts), no packet bytes and nothing of how a script is run.
//
// Conventions
// - Every node has `span`, the place it was written at. Two trees are equal when they agree in all but spans.
// - Times are whole microseconds. Sequence numbers are as written (relative unless `mode` says otherwise).
// - `-D` symbols are already replaced. A name that stands where a number is needed and that nobody defined
//   stays in the tree as an `UndefinedName`, so that a script parses without its `-D`; running it is an error.

/** Lines and columns count from 1; columns count UTF-16 units; the end is exclusive. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export type Dialect = 'google' | 'nplab';

export interface Node {
  readonly span: Span;
}

// ---------------------------------------------------------------- script

export interface Script {
  readonly kind: 'script';
  readonly file: string;
  readonly dialect: Dialect;
  readonly options: readonly OptionLine[];
  /** The backtick block before the first event, if any. */
  readonly init: CommandBody | null;
  readonly events: readonly ScriptEvent[];
  /** The backtick block without a time after the last event, if any. */
  readonly cleanup: CommandBody | null;
  readonly span: Span;
}

/** `--name` or `--name=value` at the top of a script. */
export interface OptionLine extends Node {
  readonly kind: 'option';
  /** Without the leading dashes, as written: `ip_version`, `tolerance_usecs`, `define`. */
  readonly name: string;
  /** Null for a bare `--name`; for `--define=A="b"` the text is `A="b"`. Quotes of a whole value are removed. */
  readonly value: string | null;
  /** True when the whole value was written in double quotes. */
  readonly quoted: boolean;
}

export interface ScriptEvent extends Node {
  readonly kind: 'event';
  readonly time: EventTime;
  readonly body: EventBody;
}

/**
 * absolute `1.5`, relative `+0.1`, any `*`, absolute-range `1~2`, relative-range `+1~+2`.
 * `at` and `until` are microseconds (0 for `any`); `until` is null outside ranges.
 * The end of a blocking call is in `SyscallBody.end`, on the same base as the event's time.
 */
export interface EventTime extends Node {
  readonly kind: 'absolute' | 'relative' | 'any' | 'absolute-range' | 'relative-range';
  readonly at: number;
  readonly until: number | null;
}

export type EventBody = PacketBody | SyscallBody | CommandBody | CodeBody;

/** A backtick command. `text` is what stood between the backticks, unchanged; `textSpan` is where it stood. */
export interface CommandBody extends Node {
  readonly kind: 'command';
  readonly text: string;
  readonly textSpan: Span;
}

/** `%{ text }%`: blanks and tabs at both ends removed, newlines kept. `textSpan` is the place of `text`. */
export interface CodeBody extends Node {
  readonly kind: 'code';
  readonly text: string;
  readonly textSpan: Span;
}

// ---------------------------------------------------------------- values

/** A name that no `-D` defines, where a number is needed (`mss MSS`). */
export interface UndefinedName extends Node {
  readonly kind: 'undefined-name';
  readonly name: string;
}

/** A number, `'*'` for any value (outbound packets only), or a name still to be defined. */
export type Value = number | '*' | UndefinedName;

// ---------------------------------------------------------------- packets

export interface PacketBody extends Node {
  readonly kind: 'packet';
  readonly direction: 'in' | 'out';
  /** Outermost first: headers written before the packet proper. */
  readonly layers: readonly EncapsulationLayer[];
  readonly ip: IpInfo | null;
  /** PSP encapsulation of the packet proper: `encap psp spi N`. */
  readonly psp: PspInfo | null;
  readonly transport: Transport;
}

export type Transport = TcpSegment | UdpDatagram | IcmpMessage | RawPacket;

export type EcnWord = 'noecn' | 'ect0' | 'ect1' | 'ce' | 'ect01';

/** What `[...]` or `(...)` says of the IP header. Null members were not written and are not checked. */
export interface IpInfo extends Node {
  readonly brackets: '[]' | '()';
  readonly ecn: EcnWord | null;
  /** The whole type-of-service or traffic-class octet. */
  readonly tos: number | null;
  readonly dscp: number | null;
  readonly flowLabel: number | null;
  /** Time to live or hop limit. */
  readonly ttl: number | null;
  /** IPv4 header checksum of an inbound packet: a value, or `bad` for one that is wrong. */
  readonly checksum: number | 'bad' | null;
}

export interface PspInfo extends Node {
  readonly spi: number;
  readonly spiBase: IntegerBase;
}

export type EncapsulationLayer = Ipv4Layer | Ipv6Layer | GreLayer | MplsLayer;

export interface Ipv4Layer extends Node {
  readonly kind: 'ipv4';
  readonly ip: IpInfo | null;
  readonly source: string;
  readonly destination: string;
}

export interface Ipv6Layer extends Node {
  readonly kind: 'ipv6';
  readonly ip: IpInfo | null;
  readonly source: string;
  readonly destination: string;
}

export interface GreLayer extends Node {
  readonly kind: 'gre';
  /** Null for a bare `gre:`, a header of four octets. */
  readonly header: GreHeader | null;
}

export interface GreHeader extends Node {
  /** The first 16 bits: 0x8000 checksum, 0x2000 key, 0x1000 sequence number present. */
  readonly flags: number;
  readonly checksum: number;
  readonly offset: number;
  readonly key: number;
  readonly sequence: number;
}

export interface MplsLayer extends Node {
  readonly kind: 'mpls';
  readonly labels: readonly MplsLabel[];
}

export interface MplsLabel extends Node {
  readonly label: number;
  readonly trafficClass: number;
  readonly bottom: boolean;
  readonly ttl: number;
}

/**
 * Where a packet comes from and goes to, when the script says so: `a > b`. Each side gives a port, an address,
 * or both (`192.0.2.2:5000`); what is null is the script's default for that side.
 */
export interface EndpointPair extends Node {
  readonly source: Endpoint;
  readonly destination: Endpoint;
}

export interface Endpoint {
  readonly address: string | null;
  readonly port: number | null;
}

export interface TcpSegment extends Node {
  readonly kind: 'tcp';
  readonly endpoints: EndpointPair | null;
  readonly flags: TcpFlags;
  readonly sequence: SequenceRange;
  /** Null when not written: 0 inbound; outbound the field must then be 0 too, as the original has it. */
  readonly ack: Value | null;
  /** Null when not written: not checked outbound, 0 inbound. */
  readonly window: Value | null;
  readonly urgent: Value | null;
  /** `'any'` for `<...>`; an empty list when none are written (and then none may be there). */
  readonly options: readonly TcpOption[] | 'any';
  /** Wrong (`bad`) or given TCP checksum of an inbound packet: `checksum bad`, `checksum 0x1234`. */
  readonly checksum: number | 'bad' | null;
  /** `/udp(a > b)`: TCP carried in UDP. */
  readonly udpEncapsulation: PortPair | null;
}

export interface PortPair {
  readonly source: number;
  readonly destination: number;
}

export interface TcpFlags extends Node {
  readonly syn: boolean;
  readonly fin: boolean;
  readonly rst: boolean;
  readonly psh: boolean;
  readonly urg: boolean;
  readonly ack: boolean;
  readonly ece: boolean;
  readonly cwr: boolean;
  /** Accurate ECN's AE bit (the former NS). */
  readonly ae: boolean;
  /** `.N`: the three bits AE, CWR, ECE as one number 0 to 7; null when they were given as letters. */
  readonly ace: number | null;
}

/**
 * `start:end(length)`. `mode` is relative to the flow's initial sequence number, `absolute` for the wire's own
 * numbers (`1:1(0)!`), or `any` for `...(length)`, where start and end are 0 and only the length counts.
 */
export interface SequenceRange extends Node {
  readonly mode: 'relative' | 'absolute' | 'any';
  readonly start: number;
  readonly end: number;
  readonly length: number;
}

export interface SackBlock {
  readonly left: number;
  readonly right: number;
}

export type TcpOption =
  | NopOption
  | EolOption
  | MssOption
  | WindowScaleOption
  | SackPermittedOption
  | SackOption
  | TimestampOption
  | FastOpenOption
  | Md5Option
  | AccEcnOption
  | GenericOption
  | RawOption;

export interface NopOption extends Node {
  readonly kind: 'nop';
}
export interface EolOption extends Node {
  readonly kind: 'eol';
}
export interface MssOption extends Node {
  readonly kind: 'mss';
  readonly value: Value;
}
export interface WindowScaleOption extends Node {
  readonly kind: 'wscale';
  readonly value: Value;
}
export interface SackPermittedOption extends Node {
  readonly kind: 'sackOK';
}
/** `'*'` for `sack *`: any blocks, at least one. */
export interface SackOption extends Node {
  readonly kind: 'sack';
  readonly blocks: readonly SackBlock[] | '*';
}
/** `TS val V ecr E`. `ecrAbsolute` is the `!` of `ecr 5!`: not mapped, the wire's own number. */
export interface TimestampOption extends Node {
  readonly kind: 'TS';
  readonly val: Value;
  readonly ecr: Value;
  readonly ecrAbsolute: boolean;
}
/** Kind 34, or with `experimental` kind 254 and magic 0xF989. `cookie` is lower-case hex, empty for a request. */
export interface FastOpenOption extends Node {
  readonly kind: 'FO';
  readonly experimental: boolean;
  readonly cookie: string | '*' | UndefinedName;
}
/** `digest` is lower-case hex; `valid` asks for a right digest; `'*'` is any. */
export interface Md5Option extends Node {
  readonly kind: 'md5';
  readonly digest: string | 'valid' | '*';
}
/**
 * Accurate ECN. `order` 0 is kind 172 (EE0B, ECEB, EE1B), 1 is kind 174 (EE1B, ECEB, EE0B); `experimental` uses
 * kind 254 with magic 0xACC0 or 0xACC1. `counters` are in the order of the wire, 0 to 3 of them.
 */
export interface AccEcnOption extends Node {
  readonly kind: 'accecn';
  readonly order: 0 | 1;
  readonly experimental: boolean;
  readonly counters: readonly Value[];
}
/** `gen-N hex`, or with `experimentId` `exp-XXXX hex` (kind 254). `data` is lower-case hex or `'*'`. */
export interface GenericOption extends Node {
  readonly kind: 'generic';
  readonly optionKind: number;
  readonly experimentId: number | null;
  readonly data: string;
}
/** `raw hex`: bytes that stand in the option area as they are, well formed or not. Lower-case hex. */
export interface RawOption extends Node {
  readonly kind: 'raw';
  readonly bytes: string;
}

export interface UdpDatagram extends Node {
  readonly kind: 'udp';
  readonly endpoints: EndpointPair | null;
  readonly length: number;
  readonly checksum: number | 'bad' | null;
}

export interface IcmpMessage extends Node {
  readonly kind: 'icmp';
  /** As written: `unreachable`, `echo_request`, `type_11`. */
  readonly type: string | UndefinedName;
  /** As written: `frag_needed`, `code_3`; null for code 0. */
  readonly code: string | UndefinedName | null;
  readonly mtu: number | null;
  readonly id: number | null;
  /** The packet quoted in the message, or for `raw` the number of payload bytes; null for an empty TCP segment. */
  readonly echoed: IcmpEchoed | null;
  readonly checksum: number | 'bad' | null;
}

export type IcmpEchoed =
  | { readonly kind: 'tcp'; readonly sequence: SequenceRange; readonly udpEncapsulation: PortPair | null }
  | { readonly kind: 'udp'; readonly length: number }
  | { readonly kind: 'raw'; readonly length: number };

/** `raw hex`: a whole IP packet, byte by byte. Lower-case hex. */
export interface RawPacket extends Node {
  readonly kind: 'raw';
  readonly bytes: string;
}

// ---------------------------------------------------------------- system calls

export interface SyscallBody extends Node {
  readonly kind: 'syscall';
  /** `...T`: when a blocking call returns, microseconds on the base of the event's time; null: it does not block. */
  readonly end: number | null;
  readonly name: string;
  readonly args: readonly Expression[];
  readonly result: Expression;
  readonly errno: Errno | null;
  /** `(flags O_RDWR)`: the words in the parentheses, single-spaced. Never checked. */
  readonly note: string | null;
}

export interface Errno extends Node {
  readonly name: string;
  readonly text: string;
}

export type IntegerBase = 'decimal' | 'hex';

export type Expression =
  | EllipsisExpression
  | IntegerExpression
  | WordExpression
  | StringExpression
  | ConcatenationExpression
  | OrExpression
  | AssignExpression
  | ListExpression
  | CallExpression
  | InternetAddressExpression
  | SocketAddressExpression
  | IovecExpression
  | MessageHeaderExpression
  | ControlMessageExpression
  | TimestampingExpression
  | ExtendedErrorExpression
  | PollFdExpression
  | EpollEventExpression
  | LingerExpression
  | MplsExpression
  | GreExpression;

export interface EllipsisExpression extends Node {
  readonly kind: 'ellipsis';
}
/** `exact` is set, and `value` is its nearest double, when the number does not fit a safe integer. */
export interface IntegerExpression extends Node {
  readonly kind: 'integer';
  readonly value: number;
  readonly exact: bigint | null;
  readonly base: IntegerBase;
}
/** A symbol: `SOCK_STREAM`. */
export interface WordExpression extends Node {
  readonly kind: 'word';
  readonly name: string;
}
/** `raw` is the text between the quotes, `value` the same with C escapes resolved, a character per byte.
 * `open` is the `...` of `"abc"...`: a prefix. */
export interface StringExpression extends Node {
  readonly kind: 'string';
  readonly raw: string;
  readonly value: string;
  readonly open: boolean;
}
/** `"a" "b"` */
export interface ConcatenationExpression extends Node {
  readonly kind: 'concatenation';
  readonly parts: readonly StringExpression[];
}
/** `a|b|c`, two operands or more. */
export interface OrExpression extends Node {
  readonly kind: 'or';
  readonly operands: readonly Expression[];
}
/** `NAME=expr` */
export interface AssignExpression extends Node {
  readonly kind: 'assign';
  readonly name: string;
  readonly value: Expression;
}
/** `[a, b]` or `{a, b}` */
export interface ListExpression extends Node {
  readonly kind: 'list';
  readonly brackets: '[]' | '{}';
  readonly items: readonly Expression[];
}
/** `htons(n)`, `htonl(n)`, ... */
export interface CallExpression extends Node {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expression[];
}
/** `inet_addr("1.2.3.4")`, `inet6_addr("::1")` */
export interface InternetAddressExpression extends Node {
  readonly kind: 'inet-addr';
  readonly family: 4 | 6;
  readonly address: string;
}
/** `{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}`, AF_INET6 likewise. */
export interface SocketAddressExpression extends Node {
  readonly kind: 'sockaddr';
  readonly family: 4 | 6;
  readonly port: number;
  readonly address: string;
}
/** `{..., 1000}` */
export interface IovecExpression extends Node {
  readonly kind: 'iovec';
  readonly base: Expression;
  readonly length: Expression;
}
/** `{msg_name(...)=..., msg_iov(1)=[{..., n}], msg_flags=0, msg_control=[...]}` */
export interface MessageHeaderExpression extends Node {
  readonly kind: 'msghdr';
  readonly nameLength: Expression;
  readonly name: Expression;
  readonly iovLength: Expression;
  readonly iov: Expression;
  readonly flags: Expression;
  /** Null when not written: then no control data is expected. */
  readonly control: Expression | null;
  /** The N of the nplab dialect's `msg_control(N)=`; null where the dialect has none. */
  readonly controlLength: Expression | null;
}
/** `{cmsg_level=..., cmsg_type=..., cmsg_data=...}` */
export interface ControlMessageExpression extends Node {
  readonly kind: 'cmsg';
  /** `cmsg_len=` of the nplab dialect; null when not written. */
  readonly length: Expression | null;
  readonly level: Expression;
  readonly type: Expression;
  readonly data: Expression;
}
/** `{scm_sec=0, scm_nsec=20000000}` */
export interface TimestampingExpression extends Node {
  readonly kind: 'scm-timestamping';
  readonly seconds: number;
  readonly nanoseconds: number;
}
/** `{ee_errno=..., ee_origin=..., ee_type=..., ee_code=..., ee_info=..., ee_data=...}` */
export interface ExtendedErrorExpression extends Node {
  readonly kind: 'sock-extended-err';
  readonly errno: Expression;
  readonly origin: Expression;
  readonly type: Expression;
  readonly code: Expression;
  readonly info: Expression;
  readonly data: Expression;
}
/** `{fd=3, events=POLLIN, revents=POLLIN}`; `revents` null when not written, which means 0. */
export interface PollFdExpression extends Node {
  readonly kind: 'pollfd';
  readonly fd: Expression;
  readonly events: Expression;
  readonly revents: Expression | null;
}
/** `{events=EPOLLIN, fd=4}`; the member of epoll_data is one of fd, ptr, u32, u64. */
export interface EpollEventExpression extends Node {
  readonly kind: 'epoll-event';
  readonly events: Expression;
  readonly member: 'fd' | 'ptr' | 'u32' | 'u64';
  readonly data: Expression;
}
/** `{onoff=1, linger=0}`, seconds. */
export interface LingerExpression extends Node {
  readonly kind: 'linger';
  readonly onOff: number;
  readonly seconds: number;
}
/** `{(label 1, tc 0, [S], ttl 64)}` */
export interface MplsExpression extends Node {
  readonly kind: 'mpls';
  readonly labels: readonly MplsLabel[];
}
/** `{flags 0x2000, sum 0, off 0, key 5, seq 0}` */
export interface GreExpression extends Node {
  readonly kind: 'gre';
  readonly header: GreHeader;
}
