// Options of SOL_SOCKET and SOL_TCP that Linux has for what does not exist here: devices that are polled, filters in the
// kernel's own code, peers in other processes, connections under repair. They answer as Linux does and change nothing;
// those that would change something are in the other option-*.ts.
import { EINVAL, ENODATA, ENOPROTOOPT, EOPNOTSUPP } from './errno.js';
import { formatInt32, formatInt32s } from './option-value.js';
import * as o from './options.js';
import type { SocketOptions } from './socket.js';

interface Kept {
  readonly initial: number;
  readonly least: number;
  readonly most: number;
  /** Any number is taken for true or false. */
  readonly flag?: boolean;
  /** Cannot be read. */
  readonly hidden?: boolean;
}

const WHOLE = { least: -0x8000_0000, most: 0x7fff_ffff };
const flag: Kept = { initial: 0, ...WHOLE, flag: true };

const kept: ReadonlyMap<number, Kept> = new Map<number, Kept>([
  [o.SO_BSDCOMPAT, { initial: 0, least: 0, most: 0 }],
  [o.SO_WIFI_STATUS, flag],
  [o.SO_NOFCS, flag],
  [o.SO_LOCK_FILTER, flag],
  [o.SO_BUSY_POLL, { initial: 0, least: 0, most: WHOLE.most }],
  [o.SO_INCOMING_CPU, { initial: -1, ...WHOLE }],
  [o.SO_CNX_ADVICE, { initial: 0, ...WHOLE, hidden: true }],
  [o.SO_PREFER_BUSY_POLL, flag],
  [o.SO_BUSY_POLL_BUDGET, { initial: 0, least: 0, most: 65_535, hidden: true }],
]);

/** Options of other address families (Unix sockets'), refused on both sides. */
const FOREIGN = new Set([o.SO_PASSCRED, o.SO_PASSSEC, o.SO_PASSPIDFD, o.SO_PASSRIGHTS]);

/** 0, -errno, or undefined: it is not one of these. */
export function setKeptOption(options: SocketOptions, name: number, number: number): number | undefined {
  if (FOREIGN.has(name)) return -EOPNOTSUPP;
  // Without control groups no memory can be reserved.
  if (name === o.SO_RESERVE_MEM) return number < 0 ? -EINVAL : -EOPNOTSUPP;
  if (name === o.SO_BSDCOMPAT) return 0;
  const rule = kept.get(name);
  if (rule === undefined) return undefined;
  if (number < rule.least || number > rule.most) return -EINVAL;
  options.kept.set(name, rule.flag ? Number(number !== 0) : number);
  return 0;
}

/** The value, -errno, or undefined: it is not one of these. */
export function getKeptOption(options: SocketOptions, name: number): Uint8Array | number | undefined {
  if (FOREIGN.has(name)) return -EOPNOTSUPP;
  switch (name) {
    case o.SO_RESERVE_MEM:
    case o.SO_INCOMING_NAPI_ID:
      return formatInt32(0);
    case o.SO_PEERCRED:
      return formatInt32s([0, -1, -1]);
    case o.SO_PEERGROUPS:
    case o.SO_PEERPIDFD:
      return -ENODATA;
    case o.SO_BPF_EXTENSIONS:
      return formatInt32(64);
    case o.SO_ATTACH_FILTER:
      return new Uint8Array(0);
  }
  const rule = kept.get(name);
  if (rule === undefined) return undefined;
  return rule.hidden ? -ENOPROTOOPT : formatInt32(options.kept.get(name) ?? rule.initial);
}
