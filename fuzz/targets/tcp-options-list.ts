// Socket options by the names that the `tcp` target's commands have for them.

import * as o from '../../stack/socket/options.js';
import type { Posix } from '../../stack/socket/posix.js';
import type { OptionName } from './tcp-commands.js';

const IPPROTO_TCP = 6;
const LEVELS = { SOL_SOCKET: o.SOL_SOCKET, SOL_TCP: IPPROTO_TCP } as const;
type Level = keyof typeof LEVELS;

const OPTIONS: Record<Exclude<OptionName, 'linger'>, readonly [Level, string, number]> = {
  nodelay: ['SOL_TCP', 'TCP_NODELAY', o.TCP_NODELAY],
  cork: ['SOL_TCP', 'TCP_CORK', o.TCP_CORK],
  keepalive: ['SOL_SOCKET', 'SO_KEEPALIVE', o.SO_KEEPALIVE],
  keepidle: ['SOL_TCP', 'TCP_KEEPIDLE', o.TCP_KEEPIDLE],
  userTimeout: ['SOL_TCP', 'TCP_USER_TIMEOUT', o.TCP_USER_TIMEOUT],
  rcvbuf: ['SOL_SOCKET', 'SO_RCVBUF', o.SO_RCVBUF],
  sndbuf: ['SOL_SOCKET', 'SO_SNDBUF', o.SO_SNDBUF],
  lowat: ['SOL_SOCKET', 'SO_RCVLOWAT', o.SO_RCVLOWAT],
  quickack: ['SOL_TCP', 'TCP_QUICKACK', o.TCP_QUICKACK],
};

/** Sets an option; a refusal is the stack's good right. Returns the call as scripts write it, and its result. */
export function writeOption(posix: Posix, fd: number, name: OptionName, value: number): [string, number] {
  if (name === 'linger') {
    const seconds = value & 255;
    const bytes = Uint8Array.of(1, 0, 0, 0, seconds, 0, 0, 0);
    return [
      `setsockopt(${fd}, SOL_SOCKET, SO_LINGER, {onoff=1, linger=${seconds}}, 8)`,
      posix.setsockopt(fd, o.SOL_SOCKET, o.SO_LINGER, bytes),
    ];
  }
  const [level, text, option] = OPTIONS[name];
  return [
    `setsockopt(${fd}, ${level}, ${text}, [${value}], 4)`,
    posix.setInt(fd, LEVELS[level], option, value),
  ];
}
