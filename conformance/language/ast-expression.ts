// The part of the syntax tree that describes arguments and results of system calls. See ast.ts for the conventions.

import type { Node } from './ast-node.js';
import type { GreHeader, MplsLabel } from './ast-packet.js';

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
