// TCP_DEFER_ACCEPT: seconds of the program's as a number of SYN-ACK timeouts and back (Linux's secs_to_retrans and
// retrans_to_secs: 1, 2, 4 … seconds, 120 at most each).

const MOST = 255;
const RTO_MAX = 120;

/** Timeouts that `seconds` take at least; 255 at most. */
export function secondsToTimeouts(seconds: number): number {
  let timeouts = 0;
  for (let left = seconds, wait = 1; left > 0 && timeouts < MOST; wait = Math.min(wait * 2, RTO_MAX)) {
    timeouts++;
    left -= wait;
  }
  return timeouts;
}

/** Seconds until so many timeouts are over. */
export function timeoutsToSeconds(timeouts: number): number {
  let seconds = 0;
  for (let i = 0, wait = 1; i < timeouts; i++, wait = Math.min(wait * 2, RTO_MAX)) seconds += wait;
  return seconds;
}
