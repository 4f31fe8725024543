// The values of the symbols that scripts use, on Linux, from the tables in symbols/. Knows no script.

import { nearest } from './suggest.js';
import { CAPABILITIES, OTHER } from './symbols/capabilities.js';
import { ERRNOS } from './symbols/errno.js';
import { EPOLL, FILE, IOCTLS, POLL } from './symbols/files.js';
import { CONTROL_MESSAGES, MESSAGE_FLAGS, TIMESTAMPING } from './symbols/messages.js';
import { IP_OPTIONS, LEVELS, SOCKET, SOCKET_OPTIONS, UDP_OPTIONS } from './symbols/sockets.js';
import { TCP_INFO_VALUES, TCP_OPTIONS } from './symbols/tcp.js';

const VALUES: ReadonlyMap<string, number> = new Map([
  ...[
    SOCKET,
    LEVELS,
    SOCKET_OPTIONS,
    IP_OPTIONS,
    UDP_OPTIONS,
    TCP_OPTIONS,
    TCP_INFO_VALUES,
    MESSAGE_FLAGS,
    CONTROL_MESSAGES,
    TIMESTAMPING,
    FILE,
    IOCTLS,
    POLL,
    EPOLL,
    CAPABILITIES,
    OTHER,
  ].flatMap((table): [string, number][] => Object.entries(table)),
  ...ERRNOS.map(([name, number]): [string, number] => [name, number]),
]);

const ERRNO_NAMES = new Map<number, string>();
const ERRNO_TEXTS = new Map<string, string>();
for (const [name, number, text] of ERRNOS) {
  if (!ERRNO_NAMES.has(number)) ERRNO_NAMES.set(number, name);
  ERRNO_TEXTS.set(name, text);
}

/** The value of a symbol (`SO_REUSEADDR` is 2), or undefined when there is no such symbol. */
export function symbolValue(name: string): number | undefined {
  return VALUES.get(name);
}

/** Every symbol there is a value for. */
export function symbolNames(): IterableIterator<string> {
  return VALUES.keys();
}

/** The symbol that was probably meant, or null. */
export function nearestSymbol(name: string): string | null {
  return nearest(name, VALUES.keys());
}

/** `ECONNRESET` for 104; undefined for a number that is none. */
export function errnoName(number: number): string | undefined {
  return ERRNO_NAMES.get(number);
}

/** 104 for `ECONNRESET`; undefined for a name that is none. */
export function errnoNumber(name: string): number | undefined {
  return ERRNO_TEXTS.has(name) ? VALUES.get(name) : undefined;
}

/** `Connection reset by peer` for `ECONNRESET`. */
export function errnoText(name: string): string | undefined {
  return ERRNO_TEXTS.get(name);
}
