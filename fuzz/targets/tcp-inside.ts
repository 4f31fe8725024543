// What must hold inside every connection after every step: legal states and transitions (RFC 9293 section 3.3.2), ordered
// sequence variables, counts that agree with their queues, timers armed while something is outstanding, windows kept,
// memory bounded. Reads the stack's blocks and changes nothing.

import type { InlineStack } from '../../stack/stack.js';
import { stateName } from '../../stack/tcp/states.js';
import type { Tcb } from '../../stack/tcp/tcb.js';
import { invariant } from '../target.js';

const [
  ESTABLISHED,
  SYN_SENT,
  SYN_RECV,
  FIN_WAIT1,
  FIN_WAIT2,
  TIME_WAIT,
  CLOSE,
  CLOSE_WAIT,
  LAST_ACK,
  LISTEN,
  CLOSING,
] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/** Direct transitions of RFC 9293's figure 5; every state may go to CLOSED. */
const NEXT: Readonly<Record<number, readonly number[]>> = {
  [CLOSE]: [SYN_SENT, LISTEN, SYN_RECV],
  [LISTEN]: [],
  [SYN_SENT]: [ESTABLISHED, SYN_RECV],
  [SYN_RECV]: [ESTABLISHED, FIN_WAIT1, CLOSE_WAIT],
  [ESTABLISHED]: [FIN_WAIT1, CLOSE_WAIT],
  [FIN_WAIT1]: [FIN_WAIT2, CLOSING, TIME_WAIT],
  [FIN_WAIT2]: [TIME_WAIT],
  [CLOSE_WAIT]: [LAST_ACK],
  [CLOSING]: [TIME_WAIT],
  [LAST_ACK]: [],
  [TIME_WAIT]: [],
};

function reachable(from: number, to: number): boolean {
  const seen = new Set([from]);
  for (const state of seen) {
    if (state === to) return true;
    for (const next of NEXT[state] ?? []) if (next !== CLOSE) seen.add(next);
  }
  return to === CLOSE || seen.has(to);
}

const before = (a: number, b: number): boolean => ((a - b) | 0) <= 0;

interface Remembered {
  state: number;
  cwnd: number;
  next: number;
  una: number;
  received: number;
  inFlight: number;
  /** Number behind the last loss probe, 0 when none is out. */
  probe: number;
  /** Segments sent and received until now, and since when none has been although something waited, µs. */
  segments: number;
  silentSince: number;
}

/** Longest silence of a connection that has something to send or unacknowledged: retransmissions and probes are two minutes apart at most. */
const SILENCE = 130_000_000;

/** Since when the connection has had something to send, or to be acknowledged, and has neither sent nor got anything; `now`: it has not. */
function silentSince({ snd, rcv, state }: Tcb, old: Remembered | undefined, now: number): number {
  const waits = snd.packetsOut > 0 || snd.writeQueue.head !== null;
  const idle = state === FIN_WAIT2 || state === TIME_WAIT || !waits || (snd.nonagle & 2) !== 0;
  const held = snd.throttled || snd.inHostQueue > 0 || (snd.pacingStatus === 1 && snd.departure > now);
  return idle || held || old?.segments !== snd.segsOut + rcv.segsIn ? now : old.silentSince;
}

export class Inside {
  private readonly known = new WeakMap<Tcb, Remembered>();
  /** The connection that was looked into last. */
  looked: Tcb | undefined;

  /** After each step. `now` in µs. */
  check(stack: InlineStack, now: number): void {
    const wake = stack.nextTimeout();
    for (const { tcb } of stack.tcp.handles) this.connection(tcb, now, wake);
    const usage = stack.usage();
    for (const [name, count] of Object.entries(usage)) {
      invariant(count >= 0, 'a count of the stack is below zero', () => `${name} ${count}`);
    }
  }

  private connection(tcb: Tcb, now: number, wake: number): void {
    this.looked = tcb;
    const { snd, rcv, loss, cc, state } = tcb;
    const old = this.known.get(tcb);
    const inFlight = snd.packetsOut - (loss.sackedOut + loss.lostOut) + loss.retransOut;
    invariant(NEXT[state] !== undefined, 'a connection has no legal state', () => String(state));
    if (old !== undefined) {
      invariant(
        reachable(old.state, state),
        'a transition is not legal',
        () => `${stateName(old.state)} to ${stateName(state)}`,
      );
    }
    if (state !== LISTEN && state !== CLOSE) {
      this.sequences(tcb, old);
      this.counts(tcb);
      this.waiting(tcb);
      this.timers(tcb, now, wake);
      const silent = silentSince(tcb, old, now);
      invariant(
        now - silent <= SILENCE,
        'what waits is neither sent nor probed for',
        () => `${stateName(state)}, ${(now - silent) / 1e6} s`,
      );
      // Without SACK a duplicate ACK counts as a segment that left the network, until the next ACK of new data forgets the count
      // (RFC 5681 section 3.2): a step that saw both, sent by the one and shows what the other left.
      const forgotten = old !== undefined && !tcb.opt.sack && snd.una !== old.una;
      const grew =
        old !== undefined && ((snd.nxt - old.next) | 0) > 0 && state !== SYN_SENT && state !== SYN_RECV;
      // RFC 8985 section 7.3: a loss probe goes out whatever is in flight already.
      const probed = old !== undefined && loss.tlpHighSeq !== 0 && loss.tlpHighSeq !== old.probe;
      if (grew && old.state === state && !forgotten) {
        const most = Math.max(cc.cwnd, old.cwnd, probed ? old.inFlight + 1 : 0) + 2;
        invariant(
          inFlight <= most,
          'more is in flight than the congestion window',
          () => `${inFlight} of ${cc.cwnd} (${old.cwnd})`,
        );
      }
      invariant(cc.cwnd >= 1 && Number.isFinite(cc.cwnd), 'the congestion window is empty', () =>
        String(cc.cwnd),
      );
    }
    invariant(
      rcv.memoryAllocated >= 0 && snd.memoryQueued >= 0,
      'memory is given back twice',
      () => `${rcv.memoryAllocated} ${snd.memoryQueued}`,
    );
    const most = 4 * rcv.buffer + 131_072;
    invariant(
      rcv.memoryAllocated <= most,
      'the receive queue outgrows its buffer',
      () => `${rcv.memoryAllocated} of ${rcv.buffer}`,
    );
    this.known.set(tcb, {
      state,
      cwnd: cc.cwnd,
      next: snd.nxt,
      una: snd.una,
      received: rcv.nxt,
      inFlight,
      probe: loss.tlpHighSeq,
      segments: snd.segsOut + rcv.segsIn,
      silentSince: silentSince(tcb, old, now),
    });
  }

  private sequences({ snd, rcv, state }: Tcb, old: Remembered | undefined): void {
    invariant(before(snd.una, snd.nxt), 'SND.UNA is beyond SND.NXT', () => `${snd.una} ${snd.nxt}`);
    invariant(
      before(snd.nxt, snd.writeSeq),
      'SND.NXT is beyond what is queued',
      () => `${snd.nxt} ${snd.writeSeq}`,
    );
    if (
      state === SYN_SENT ||
      state === SYN_RECV ||
      old === undefined ||
      old.state === SYN_SENT ||
      old.state === CLOSE
    )
      return;
    invariant(before(old.una, snd.una), 'SND.UNA goes back', () => `${old.una} to ${snd.una}`);
    invariant(before(old.received, rcv.nxt), 'RCV.NXT goes back', () => `${old.received} to ${rcv.nxt}`);
    invariant(rcv.wnd >= 0, 'the receive window is below zero', () => String(rcv.wnd));
    invariant(
      before(rcv.copiedSeq, (rcv.nxt + 1) >>> 0),
      'more is copied than was received',
      () => `${rcv.copiedSeq} ${rcv.nxt}`,
    );
  }

  private counts(tcb: Tcb): void {
    const { snd, loss } = tcb;
    let packets = 0;
    for (let s = snd.retransmitQueue.head; s !== null; s = s.next) packets += s.segments;
    invariant(
      packets === snd.packetsOut,
      'packets out are miscounted',
      () => `${snd.packetsOut}, queued ${packets}`,
    );
    const { sackedOut, lostOut, retransOut } = loss;
    invariant(
      sackedOut >= 0 &&
        lostOut >= 0 &&
        retransOut >= 0 &&
        sackedOut + lostOut <= packets &&
        retransOut <= packets,
      'counts of loss recovery do not add up',
      () => `sacked ${sackedOut}, lost ${lostOut}, retransmitted ${retransOut} of ${packets}`,
    );
  }

  /** What came ahead of a gap stands in order (RFC 9293 section 3.10.7.4), behind the gap. */
  private waiting({ rcv }: Tcb): void {
    const queue = rcv.outOfOrder;
    if (queue === null || queue.head === null) return;
    const first = queue.head.seq;
    invariant(
      !before(first, rcv.nxt),
      'what has no gap before it waits for one',
      () => `${first} at ${rcv.nxt}`,
    );
    let size = 0;
    for (let s: typeof queue.head | null = queue.head; s !== null; s = s.next, size++) {
      const ordered = s.next === null ? s === queue.tail : before(s.seq, s.next.seq) && s.next.prev === s;
      invariant(ordered, 'what waits for a gap is out of order', () => `${s?.seq} before ${s?.next?.seq}`);
    }
    invariant(
      size === queue.size,
      'what waits for a gap is miscounted',
      () => `${queue.size}, queued ${size}`,
    );
  }

  private timers(tcb: Tcb, now: number, wake: number): void {
    const { snd, state, timers } = tcb;
    const transmit = Math.min(...timers.deadline.subarray(0, 4));
    const closed = state === TIME_WAIT || state === FIN_WAIT2;
    if (!closed && snd.packetsOut > 0) {
      invariant(transmit < Number.POSITIVE_INFINITY, 'data is outstanding and no timer is armed', () =>
        stateName(state),
      );
    } else if (!closed && snd.writeQueue.head !== null && state !== SYN_SENT && state !== SYN_RECV) {
      const any = Math.min(transmit, timers.deadline[6]);
      const excused = snd.throttled || snd.inHostQueue > 0 || (snd.nonagle & 2) !== 0;
      invariant(
        any < Number.POSITIVE_INFINITY || excused,
        'data waits to be sent and no timer is armed',
        () => stateName(state),
      );
    }
    const earliest = Math.min(...timers.deadline);
    invariant(
      wake <= Math.max(now, earliest),
      "the stack forgets a connection's timer",
      () => `${wake} for ${earliest}`,
    );
  }
}
