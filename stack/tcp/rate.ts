import type { Tcb } from './tcb.js';

/** sendmsg found nothing more to send although cwnd has room: marks the bubble (Linux's tcp_rate_check_app_limited). */
export function checkSendingAppLimited(_tcb: Tcb): void {
  throw new Error('not there yet');
}
