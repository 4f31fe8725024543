// SCM_TIMESTAMPING_OPT_STATS: a row of netlink attributes (type, length, value) of which a script writes
// `{TCP_NLA_BUSY=1000, TCP_NLA_SNDQ_SIZE=...}`. Times have the script's tolerance unless 0, `...` is any value.

import type { AssignExpression, ListExpression, SyscallBody } from '../../language/ast.js';
import { symbolValue } from '../../language/symbols.js';
import { ScriptProblem } from '../errors.js';
import { describe, integer, isEllipsis } from '../expressions.js';
import { mismatch } from './plan.js';

const NLA_HEADER = 4;

/** Width in bytes of the value by name without TCP_NLA_ (include/uapi/linux/tcp.h). */
const WIDTH: Readonly<Record<string, 1 | 2 | 4 | 8>> = {
  BUSY: 8,
  RWND_LIMITED: 8,
  SNDBUF_LIMITED: 8,
  DATA_SEGS_OUT: 8,
  TOTAL_RETRANS: 8,
  PACING_RATE: 8,
  DELIVERY_RATE: 8,
  SND_CWND: 4,
  REORDERING: 4,
  MIN_RTT: 4,
  RECUR_RETRANS: 1,
  DELIVERY_RATE_APP_LMT: 1,
  SNDQ_SIZE: 4,
  CA_STATE: 1,
  SND_SSTHRESH: 4,
  DELIVERED: 4,
  DELIVERED_CE: 4,
  BYTES_SENT: 8,
  BYTES_RETRANS: 8,
  DSACK_DUPS: 4,
  REORD_SEEN: 4,
  SRTT: 4,
  TIMEOUT_REHASH: 2,
  BYTES_NOTSENT: 4,
  EDT: 8,
  TTL: 1,
  REHASH: 4,
};
const TIMES = new Set(['BUSY', 'RWND_LIMITED', 'SNDBUF_LIMITED']);

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly width: number;
  /** Null: any. */
  readonly value: number | null;
}

function attributes(list: ListExpression): Attribute[] {
  return list.items.map((item) => {
    if (item.kind !== 'assign')
      throw new ScriptProblem(`expected TCP_NLA_X=value, not ${describe(item)}`, item.span);
    return attribute(item);
  });
}

function attribute(item: AssignExpression): Attribute {
  const name = item.name.replace(/^TCP_NLA_/, '');
  const type = symbolValue(item.name);
  const width = WIDTH[name];
  if (type === undefined || width === undefined) {
    throw new ScriptProblem(`unknown attribute ${item.name}`, item.span);
  }
  return { name, type, width, value: isEllipsis(item.value) ? null : integer(item.value) };
}

const padded = (length: number): number => Math.ceil(length / 4) * 4;

/** As many bytes as the attributes take, for the room that recvmsg gets. */
export function bytesOfStats(list: ListExpression): Uint8Array {
  return new Uint8Array(attributes(list).reduce((sum, a) => sum + padded(NLA_HEADER + a.width), 0));
}

export function compareStats(
  call: SyscallBody,
  where: string,
  list: ListExpression,
  data: Uint8Array,
  tolerance: number,
): void {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  let at = 0;
  for (const a of attributes(list)) {
    const length = view.getUint16(at, true);
    const type = view.getUint16(at + 2, true);
    if (type !== a.type) mismatch(call, `${where} attribute type`, a.type, type);
    if (length !== NLA_HEADER + a.width)
      mismatch(call, `${where} ${a.name} length`, NLA_HEADER + a.width, length);
    const actual = readUnsigned(view, at + NLA_HEADER, a.width);
    if (!agrees(a, actual, tolerance)) mismatch(call, `${where} TCP_NLA_${a.name}`, a.value, actual);
    at += padded(length);
  }
}

function agrees(a: Attribute, actual: number, tolerance: number): boolean {
  if (a.value === null) return true;
  if (TIMES.has(a.name) && a.value !== 0) return Math.abs(a.value - actual) <= tolerance;
  return a.value === actual;
}

function readUnsigned(view: DataView, at: number, width: number): number {
  if (width === 8) return Number(view.getBigUint64(at, true));
  if (width === 4) return view.getUint32(at, true);
  return width === 2 ? view.getUint16(at, true) : view.getUint8(at);
}
