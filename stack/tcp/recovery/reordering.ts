// How much reordering the path shows (RFC 4653's concern, as Linux adapts `reordering`), and from which evidence.
import { counterIndex } from '../../host/counters.js';
import { seqDiff, seqLt } from '../../wire/seq.js';
import type { Tcb } from '../tcb.js';
import { countDelivered, highestSackSeq } from './scoreboard.js';

const sackReorder = counterIndex('TcpExtTCPSACKReorder');
const renoReorder = counterIndex('TcpExtTCPRenoReorder');
const timestampReorder = counterIndex('TcpExtTCPTSReorder');

/** A segment at `lowSeq`, sent once, arrived after bytes above it. `byTimestamp`: an echoed timestamp proved it. */
export function checkSackReordering(tcb: Tcb, lowSeq: number, byTimestamp: boolean): void {
  const { loss } = tcb;
  const { mss } = tcb.snd;
  const fack = highestSackSeq(tcb);
  if (!seqLt(lowSeq, fack)) return;
  const metric = seqDiff(fack, lowSeq);
  if (metric > loss.reordering * mss && mss > 0) {
    loss.reordering = Math.min(Math.ceil(metric / mss), tcb.host.config.tcpMaxReordering);
  }
  loss.reorderingSeen++;
  tcb.host.counters.add(byTimestamp ? timestampReorder : sackReorder);
}

/** Without SACK, duplicate ACKs stand for SACKed segments; true when they say more than can be in flight. */
export function limitRenoSacked(tcb: Tcb): boolean {
  const { loss, snd } = tcb;
  const holes = Math.min(Math.max(loss.lostOut, 1), snd.packetsOut);
  if (loss.sackedOut + holes <= snd.packetsOut) return false;
  loss.sackedOut = snd.packetsOut - holes;
  return true;
}

/** `acked` more segments than were missing have been acknowledged: the network reordered them. */
export function checkRenoReordering(tcb: Tcb, acked: number): void {
  if (!limitRenoSacked(tcb)) return;
  const { loss } = tcb;
  loss.reordering = Math.min(tcb.snd.packetsOut + acked, tcb.host.config.tcpMaxReordering);
  loss.reorderingSeen++;
  tcb.host.counters.add(renoReorder);
}

/** Duplicate ACKs without SACK: each tells that one segment left the network. */
export function addRenoSack(tcb: Tcb, duplicates: number, ece: boolean): void {
  if (duplicates === 0) return;
  const { loss } = tcb;
  const before = loss.sackedOut;
  loss.sackedOut += duplicates;
  checkRenoReordering(tcb, 0);
  const delivered = loss.sackedOut - before;
  if (delivered > 0) countDelivered(tcb, delivered, ece);
}

/** `acked` segments were acknowledged cumulatively: one filled the hole, the rest had been counted as duplicates. */
export function removeRenoSacks(tcb: Tcb, acked: number, ece: boolean): void {
  const { loss } = tcb;
  if (acked > 0) {
    countDelivered(tcb, Math.max(acked - loss.sackedOut, 1), ece);
    if (acked - 1 >= loss.sackedOut) loss.sackedOut = 0;
    else loss.sackedOut -= acked - 1;
  }
  checkRenoReordering(tcb, acked);
}

export function resetRenoSack(tcb: Tcb): void {
  tcb.loss.sackedOut = 0;
}
