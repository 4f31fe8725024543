// /proc/net/tcp and tcp6 of our stack, as far as its descriptors go: state, ends and queues in Linux's columns.

import { constants, options, type Posix, type SocketAddress } from '../../../stack/index.js';

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const { AF_INET, AF_INET6, IPPROTO_TCP, SIOCINQ, SIOCOUTQ } = constants;

const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');

/** Address words as a little-endian machine prints them, and the port. */
function end(address: SocketAddress, v6: boolean): string {
  let text = '';
  for (let word = v6 ? 0 : 12; word < 16; word += 4) {
    for (let i = 3; i >= 0; i--) text += hex(address.address[word + i]!, 2);
  }
  return `${text}:${hex(address.port, 4)}`;
}

const empty = (): SocketAddress => ({ family: 0, address: new Uint8Array(16), port: 0 });

function line(posix: Posix, fd: number, family: number, number: number): string | null {
  const local = empty();
  const remote = empty();
  if (posix.getsockname(fd, local) < 0 || local.family !== family) return null;
  if (posix.getInt(fd, options.SOL_SOCKET, options.SO_PROTOCOL) !== IPPROTO_TCP) return null;
  posix.getpeername(fd, remote);
  const v6 = family === AF_INET6;
  const state = posix.tcpInfo(fd).tcpi_state ?? 0;
  const queue = (request: number): number => {
    const value = [0];
    return posix.ioctl(fd, request, value) < 0 ? 0 : value[0]!;
  };
  const queues = `${hex(queue(SIOCOUTQ), 8)}:${hex(queue(SIOCINQ), 8)}`;
  const ends = `${end(local, v6)} ${end(remote, v6)}`;
  return `${String(number).padStart(4)}: ${ends} ${hex(state, 2)} ${queues} 00:00000000 00000000     0        0 ${fd} 2\n`;
}

/** The file's text; null for any other path. */
export function procNetFile(posix: Posix, path: string): string | null {
  const family = path === '/proc/net/tcp' ? AF_INET : path === '/proc/net/tcp6' ? AF_INET6 : 0;
  if (family === 0) return null;
  const lines: string[] = [];
  for (const fd of posix.descriptors) {
    const text = line(posix, fd, family, lines.length);
    if (text !== null) lines.push(text);
  }
  return HEADER + lines.join('');
}
