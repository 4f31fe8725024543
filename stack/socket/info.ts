// What a socket tells about itself by name: struct tcp_info, the congestion control's numbers, SO_MEMINFO.
import { tcpInfo } from '../tcp/index.js';
import { readUint32 } from './option-value.js';
import { SO_MEMINFO, SOL_SOCKET } from './options.js';
import type { Socket } from './socket.js';
import { ccInfoByName } from './tcp-info-format.js';
import type { TcpSocket } from './tcp-socket.js';

const MEMINFO_NAMES = [
  'SK_MEMINFO_RMEM_ALLOC',
  'SK_MEMINFO_RCVBUF',
  'SK_MEMINFO_WMEM_ALLOC',
  'SK_MEMINFO_SNDBUF',
  'SK_MEMINFO_FWD_ALLOC',
  'SK_MEMINFO_WMEM_QUEUED',
  'SK_MEMINFO_OPTMEM',
  'SK_MEMINFO_BACKLOG',
  'SK_MEMINFO_DROPS',
];

export function tcpInfoOf(socket: TcpSocket): Record<string, number> {
  return tcpInfo(socket.tcb, socket.env.now());
}

export function ccInfoOf(socket: TcpSocket): Record<string, number> {
  return ccInfoByName(socket.tcb);
}

export function memInfoOf(socket: Socket): Record<string, number> {
  const bytes = socket.getOption(SOL_SOCKET, SO_MEMINFO, 36) as Uint8Array;
  return Object.fromEntries(MEMINFO_NAMES.map((name, index) => [name, readUint32(bytes, 4 * index)]));
}
