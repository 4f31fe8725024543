// Completions of MSG_ZEROCOPY sends: each send call has an id, which is reported once the last segment that carries any of
// its bytes is given back. The bytes themselves are copied when they are queued, and the completion says so
// (SO_EE_CODE_ZEROCOPY_COPIED): the memory of the caller is free as soon as the call returns.
import type { SendSegment } from './send-segment.js';
import type { Tcb } from './tcb.js';

/** The send call that is under way (a blocking one comes in several pieces): its id, and how many segments hold it. */
export class ZerocopyState {
  /** Id of the next call. */
  next = 0;
  /** Id of a call that goes on, -1: none. */
  open = -1;
  readonly holders = new Map<number, number>();
}

/** A send call with MSG_ZEROCOPY begins, or goes on; its id. */
export function beginZerocopy(tcb: Tcb): number {
  const { zerocopy } = tcb.snd;
  if (zerocopy.open < 0) {
    zerocopy.open = zerocopy.next;
    zerocopy.next = (zerocopy.next + 1) >>> 0;
    zerocopy.holders.set(zerocopy.open, 1); // the call itself
  }
  return zerocopy.open;
}

/** The call ends; `used` false: nothing was queued, the id was never given out. */
export function endZerocopy(tcb: Tcb, used: boolean): void {
  const { zerocopy } = tcb.snd;
  const id = zerocopy.open;
  if (id < 0) return;
  zerocopy.open = -1;
  if (used) {
    release(tcb, id);
  } else {
    zerocopy.holders.delete(id);
    zerocopy.next = id;
  }
}

/** `segment` carries bytes of the call `id`. */
export function holdZerocopy(tcb: Tcb, segment: SendSegment, id: number): void {
  if (segment.zerocopyId === id) return;
  segment.zerocopyId = id;
  const { holders } = tcb.snd.zerocopy;
  holders.set(id, (holders.get(id) ?? 0) + 1);
}

/** A part was split off `segment`: both hold the id. */
export function shareZerocopy(tcb: Tcb, segment: SendSegment, rest: SendSegment): void {
  if (segment.zerocopyId >= 0) holdZerocopy(tcb, rest, segment.zerocopyId);
}

/** `segment` is given back. */
export function dropZerocopy(tcb: Tcb, segment: SendSegment): void {
  if (segment.zerocopyId < 0) return;
  release(tcb, segment.zerocopyId);
  segment.zerocopyId = -1;
}

function release(tcb: Tcb, id: number): void {
  const { holders } = tcb.snd.zerocopy;
  const left = (holders.get(id) ?? 0) - 1;
  if (left > 0) {
    holders.set(id, left);
    return;
  }
  holders.delete(id);
  tcb.host.zerocopyDone?.(tcb, id, id, true);
}
