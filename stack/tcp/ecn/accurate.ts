// Accurate ECN (RFC 9768).
import type { TcpOptions } from '../../wire/tcp-options.js';
import type { Tcb } from '../tcb.js';

/** Adds the AccECN option to `spec` when one is due and fits. */
export function accEcnOptionFields(_tcb: Tcb, _spec: TcpOptions, _now: number): void {}
