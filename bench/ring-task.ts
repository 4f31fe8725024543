// What bench/ring.ts asks of its consumer's thread.

export interface RingTask {
  kind: 'ours' | 'ours-records' | 'ringbuf' | 'ringbuf-records' | 'sketch' | 'lines';
  count: number;
  batch: number;
  buffer: SharedArrayBuffer;
  offset: number;
  back: number;
  records: number;
  capacity: number;
  /** Rounds of `breathe` when there is nothing to take or no room, on both sides. */
  pause: number;
}

export const RECORD_WORDS = 32;

/** A moment off when there is nothing to take or no room: without it either side polls the other's line to death. */
export function breathe(rounds: number): number {
  let x = 0;
  for (let i = 0; i < rounds; i++) x = (x + i) | 0;
  return x;
}

/** Rounds of `breathe`, the same for every ring: about a fifth of a microsecond. */
export const BREATH = 400;
