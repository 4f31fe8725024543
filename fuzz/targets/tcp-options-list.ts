// Socket options by the names that the `tcp` target's commands have for them.

import * as o from '../../stack/socket/options.js';
import type { Posix } from '../../stack/socket/posix.js';
import type { OptionName } from './tcp-commands.js';

const IPPROTO_TCP = 6;

/** Sets an option; a refusal is the stack's good right. */
export function writeOption(posix: Posix, fd: number, name: OptionName, value: number): void {
  switch (name) {
    case 'nodelay':
      posix.setInt(fd, IPPROTO_TCP, o.TCP_NODELAY, value);
      break;
    case 'cork':
      posix.setInt(fd, IPPROTO_TCP, o.TCP_CORK, value);
      break;
    case 'keepalive':
      posix.setInt(fd, o.SOL_SOCKET, o.SO_KEEPALIVE, value);
      break;
    case 'keepidle':
      posix.setInt(fd, IPPROTO_TCP, o.TCP_KEEPIDLE, value);
      break;
    case 'userTimeout':
      posix.setInt(fd, IPPROTO_TCP, o.TCP_USER_TIMEOUT, value);
      break;
    case 'linger':
      posix.setsockopt(fd, o.SOL_SOCKET, o.SO_LINGER, Uint8Array.of(1, 0, 0, 0, value & 255, 0, 0, 0));
      break;
    case 'rcvbuf':
      posix.setInt(fd, o.SOL_SOCKET, o.SO_RCVBUF, value);
      break;
    case 'sndbuf':
      posix.setInt(fd, o.SOL_SOCKET, o.SO_SNDBUF, value);
      break;
    case 'lowat':
      posix.setInt(fd, o.SOL_SOCKET, o.SO_RCVLOWAT, value);
      break;
    case 'quickack':
      posix.setInt(fd, IPPROTO_TCP, o.TCP_QUICKACK, value);
      break;
  }
}
