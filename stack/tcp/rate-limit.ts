// Limits on ACKs that a peer or an attacker can provoke: per connection (tcp_invalid_ratelimit) and for the whole stack
// (tcp_challenge_ack_limit, RFC 5961 section 10).

/** Whoever answers invalid segments: a connection, a TIME-WAIT record, a request. */
export interface OutOfWindowState {
  /** Time of the last such ACK, µs; -Infinity: none. */
  lastOutOfWindowAck: number;
}

/** May an ACK for an unacceptable segment go out at `now`? `limit` in ms (0: no limit); notes the time when it may. */
export function allowOutOfWindowAck(state: OutOfWindowState, limit: number, now: number): boolean {
  const elapsed = now - state.lastOutOfWindowAck;
  if (elapsed >= 0 && elapsed < limit * 1000) return false;
  state.lastOutOfWindowAck = now;
  return true;
}

const NO_LIMIT = 0x7fff_ffff;

/** Challenge ACKs of all connections of a stack, per second, with a random share so that it cannot be probed. */
export class ChallengeLimit {
  private second = -1;
  private left = 0;

  allow(limit: number, random32: () => number, now: number): boolean {
    if (limit >= NO_LIMIT) return true;
    const second = Math.floor(now / 1_000_000);
    if (second !== this.second) {
      this.second = second;
      const half = (limit + 1) >>> 1;
      this.left = half + (limit > 0 ? random32() % limit : 0);
    }
    if (this.left <= 0) return false;
    this.left--;
    return true;
  }
}
