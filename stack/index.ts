// The package's face: what a program that only wants TCP/IP in Node imports.
export { StackConfig } from './config/config.js';
export { TCP_COUNTER_NAMES, TcpCounters } from './host/counters.js';
export type { Link } from './link/link.js';
export * as constants from './socket/constants.js';
export * as errno from './socket/errno.js';
export * as options from './socket/options.js';
export type { Posix } from './socket/posix.js';
export { PosixError } from './socket/posix.js';
export type * from './socket/types.js';
export type * from './stack-options.js';
export type * from './stack-types.js';
