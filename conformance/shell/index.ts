// The restricted shell for backtick commands.

export { type CommandPlace, HostRefusal, ShellError, type ShellErrorCode } from './errors.js';
export { helperFileReader } from './helper-files.js';
export type {
  AddressOperation,
  ConnectionName,
  LinkOperation,
  Locked,
  QdiscOperation,
  RouteOperation,
  ShellHost,
  SocketEntry,
} from './host.js';
export type { RunOutcome } from './interpreter.js';
export { Shell, type ShellOptions } from './shell.js';
export { VirtualFileError, VirtualFiles } from './virtual-files.js';
