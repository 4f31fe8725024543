// Chronographs of TCP_INFO: how long the connection was busy, limited by the peer's window, or by its send buffer.
import type { Tcb } from './tcb.js';

export const CHRONO_UNSPEC = 0;
export const CHRONO_BUSY = 1;
export const CHRONO_RWND_LIMITED = 2;
export const CHRONO_SNDBUF_LIMITED = 3;

function chronoSet(tcb: Tcb, kind: number, now: number): void {
  const chrono = tcb.chrono;
  if (chrono.kind !== CHRONO_UNSPEC) chrono.total[chrono.kind]! += now - chrono.start;
  chrono.start = now;
  chrono.kind = kind;
}

/** Starts `kind`; a higher kind than the running one takes over (Linux's tcp_chrono_start). */
export function chronoStart(tcb: Tcb, kind: number, now: number): void {
  if (kind > tcb.chrono.kind) chronoSet(tcb, kind, now);
}

/** Ends `kind`: busy time goes on while anything is queued (Linux's tcp_chrono_stop). */
export function chronoStop(tcb: Tcb, kind: number, now: number): void {
  const { snd, chrono } = tcb;
  if (snd.writeQueue.empty && snd.retransmitQueue.empty) chronoSet(tcb, CHRONO_UNSPEC, now);
  else if (kind === chrono.kind) chronoSet(tcb, CHRONO_BUSY, now);
}

/** Total of `kind` in µs up to `now`; busy time includes the limited times, as TCP_INFO reports it. */
export function chronoTotal(tcb: Tcb, kind: number, now: number): number {
  const { chrono } = tcb;
  const running = chrono.kind === kind ? now - chrono.start : 0;
  return chrono.total[kind]! + running;
}
