// The package's face: what a program that only wants TCP/IP in Node imports.
export { StackConfig } from './config/config.js';
export { SYSCTL_TABLE } from './config/sysctl-table.js';
export { getSysctl, SysctlError, setSysctl, sysctlNames } from './config/sysctls.js';
export { TCP_COUNTER_NAMES, TcpCounters } from './host/counters.js';
export { IP_COUNTER_NAMES, StackCounters } from './host/ip-counters.js';
export { ImpairedLink } from './link/impaired.js';
export type { Link } from './link/link.js';
export { MemoryLink, memoryPair } from './link/memory.js';
export { emptyAddress, socketAddress } from './socket/address.js';
export * as constants from './socket/constants.js';
export * as errno from './socket/errno.js';
export * as options from './socket/options.js';
export type { Posix } from './socket/posix.js';
export { PosixError } from './socket/posix.js';
export type * from './socket/types.js';
export { createStack, InlineStack, StackError } from './stack.js';
export type * from './stack-options.js';
export type * from './stack-types.js';
