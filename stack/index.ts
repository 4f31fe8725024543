// The package's face: what a program that only wants TCP/IP in Node imports.
export { StackConfig } from './config/config.js';
export { SYSCTL_TABLE } from './config/sysctl-table.js';
export { getSysctl, SysctlError, setSysctl, sysctlNames } from './config/sysctls.js';
export type { KernelWaiter, OpenLinks } from './driver/driver-worker.js';
export { TCP_COUNTER_NAMES, TcpCounters } from './host/counters.js';
export { IP_COUNTER_NAMES, StackCounters } from './host/ip-counters.js';
export { ImpairedLink } from './link/impaired.js';
export type { Link } from './link/link.js';
export { MemoryLink, memoryPair } from './link/memory.js';
export type * from './run-loop.js';
export { monotonicMicros, RealTimeLoop, ringAtExit, runRealTime } from './run-loop.js';
export { emptyAddress, socketAddress } from './socket/address.js';
export * as constants from './socket/constants.js';
export * as errno from './socket/errno.js';
export * as options from './socket/options.js';
export type { Posix } from './socket/posix.js';
export { PosixError } from './socket/posix.js';
export { returnOf } from './socket/return-of.js';
export type * from './socket/types.js';
export { createStack, InlineStack, StackError } from './stack.js';
export type * from './stack-options.js';
export type * from './stack-types.js';
export type { DeviceOption } from './threaded/device-links.js';
export type { ThreadedHost } from './threaded/host.js';
export { type HostTicket, type OpenHostOptions, openHost } from './threaded/open-host.js';
export {
  type HostTicketOptions,
  type LinkModule,
  openThreadedStack,
  type SpawnOptions,
  ThreadedStack,
  type ThreadedStackOptions,
} from './threaded/threaded-stack.js';
