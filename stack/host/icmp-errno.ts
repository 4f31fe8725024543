// Which errno an ICMP error becomes, and whether it is a hard one: Linux's icmp_err_convert and icmpv6_err_convert.
const EACCES = 13;
const ENONET = 64;
const EPROTO = 71;
const EMSGSIZE = 90;
const ENOPROTOOPT = 92;
const EOPNOTSUPP = 95;
const ENETUNREACH = 101;
const ECONNREFUSED = 111;
const EHOSTDOWN = 112;
const EHOSTUNREACH = 113;

/** ICMP_DEST_UNREACH by code: errno, and 1 when the error is fatal. */
const UNREACHABLE: readonly (readonly [number, number])[] = [
  [ENETUNREACH, 0],
  [EHOSTUNREACH, 0],
  [ENOPROTOOPT, 1],
  [ECONNREFUSED, 1],
  [EMSGSIZE, 0],
  [EOPNOTSUPP, 0],
  [ENETUNREACH, 1],
  [EHOSTDOWN, 1],
  [ENONET, 1],
  [ENETUNREACH, 1],
  [EHOSTUNREACH, 1],
  [ENETUNREACH, 0],
  [EHOSTUNREACH, 0],
  [EHOSTUNREACH, 1],
  [EHOSTUNREACH, 1],
  [EHOSTUNREACH, 1],
];

/** ICMPv6 destination unreachable by code. */
const UNREACHABLE_6: readonly (readonly [number, number])[] = [
  [ENETUNREACH, 0],
  [EACCES, 1],
  [EHOSTUNREACH, 0],
  [EHOSTUNREACH, 0],
  [ECONNREFUSED, 1],
  [EACCES, 1],
  [EACCES, 1],
];

export function icmpErrno(ipv6: boolean, type: number, code: number): { errno: number; hard: boolean } {
  let row: readonly [number, number] = [EHOSTUNREACH, 0];
  if (ipv6) {
    if (type === 1) row = UNREACHABLE_6[code] ?? [EPROTO, 1];
    else if (type === 2) row = [EMSGSIZE, 0];
    else if (type === 3) row = [EHOSTUNREACH, 0];
    else row = [EPROTO, type === 4 ? 1 : 0];
  } else if (type === 3) {
    row = UNREACHABLE[code] ?? [EHOSTUNREACH, 1];
  } else if (type === 12) {
    row = [EPROTO, 1];
  }
  return { errno: row[0], hard: row[1] === 1 };
}
