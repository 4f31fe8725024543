import type { Tcb } from './tcb.js';

/** struct tcp_info under Linux's field names (tcpi_…), as numbers in Linux's units. */
export function tcpInfo(_tcb: Tcb, _now: number): Record<string, number> {
  throw new Error('not there yet');
}
