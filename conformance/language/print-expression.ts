// Prints expressions. The inverse of parse-expression.ts and parse-structure.ts.

import type { Expression, GreHeader, IntegerExpression, MplsLabel } from './ast.js';

/** An expression in the language's own spelling. */
export function printExpression(expression: Expression): string {
  const p = printExpression;
  const e = expression;
  switch (e.kind) {
    case 'ellipsis':
      return '...';
    case 'integer':
      return printInteger(e);
    case 'word':
      return e.name;
    case 'string':
      return `"${e.raw}"${e.open ? '...' : ''}`;
    case 'concatenation':
      return e.parts.map(p).join(' ');
    case 'or':
      return e.operands.map(p).join('|');
    case 'assign':
      return `${e.name}=${p(e.value)}`;
    case 'list':
      return e.brackets[0] + e.items.map(p).join(', ') + e.brackets[1];
    case 'call':
      return `${e.name}(${e.args.map(p).join(', ')})`;
    case 'inet-addr':
      return `${e.family === 4 ? 'inet_addr' : 'inet6_addr'}("${e.address}")`;
    case 'sockaddr': {
      const family = e.family === 4 ? 'AF_INET' : 'AF_INET6';
      return `{sa_family = ${family}, sin_port = htons(${e.port}), sin_addr = inet_addr("${e.address}")}`;
    }
    case 'iovec':
      return e.base.kind === 'ellipsis' && e.length.kind === 'integer' && e.length.base === 'decimal'
        ? `{..., ${p(e.length)}}`
        : `{iov_base = ${p(e.base)}, iov_len = ${p(e.length)}}`;
    case 'msghdr': {
      const start = `msg_name(${p(e.nameLength)})=${p(e.name)}, msg_iov(${p(e.iovLength)})=${p(e.iov)}`;
      const flags = `msg_flags=${p(e.flags)}`;
      if (e.control === null) return `{${start}, ${flags}}`;
      if (e.controlLength === null) return `{${start}, ${flags}, msg_control=${p(e.control)}}`;
      return `{${start}, msg_control(${p(e.controlLength)})=${p(e.control)}, ${flags}}`;
    }
    case 'cmsg': {
      const length = e.length === null ? '' : `cmsg_len=${p(e.length)}, `;
      return `{${length}cmsg_level=${p(e.level)}, cmsg_type=${p(e.type)}, cmsg_data=${p(e.data)}}`;
    }
    case 'scm-timestamping':
      return `{scm_sec=${e.seconds}, scm_nsec=${e.nanoseconds}}`;
    case 'sock-extended-err':
      return (
        `{ee_errno=${p(e.errno)}, ee_origin=${p(e.origin)}, ee_type=${p(e.type)}, ` +
        `ee_code=${p(e.code)}, ee_info=${p(e.info)}, ee_data=${p(e.data)}}`
      );
    case 'pollfd': {
      const revents = e.revents === null ? '' : `, revents=${p(e.revents)}`;
      return `{fd=${p(e.fd)}, events=${p(e.events)}${revents}}`;
    }
    case 'epoll-event':
      return `{events=${p(e.events)}, ${e.member}=${p(e.data)}}`;
    case 'linger':
      return `{onoff=${e.onOff}, linger=${e.seconds}}`;
    case 'mpls':
      return `{${printMplsLabels(e.labels)}}`;
    case 'gre':
      return `{${printGreHeader(e.header)}}`;
  }
}

function printInteger(integer: IntegerExpression): string {
  const value = integer.exact ?? BigInt(integer.value);
  return integer.base === 'hex' ? `0x${value.toString(16)}` : value.toString();
}

export function printHex(value: number, digits = 1): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

export function printGreHeader(header: GreHeader): string {
  return (
    `flags ${printHex(header.flags)}, sum ${printHex(header.checksum)}, off ${printHex(header.offset)}, ` +
    `key=${printHex(header.key)}, seq ${header.sequence}`
  );
}

export function printMplsLabels(labels: readonly MplsLabel[]): string {
  return labels
    .map((entry) => {
      const bottom = entry.bottom ? '[S], ' : '';
      return `(label ${entry.label}, tc ${entry.trafficClass}, ${bottom}ttl ${entry.ttl})`;
    })
    .join(' ');
}
