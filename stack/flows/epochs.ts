// Quiescent-state reclamation (QSBR; McKenney and Slingwine, 1998): readers take no lock and never wait. A reader
// announces once a batch that it holds nothing (one store), or that it is offline; the control thread, having unlinked
// something, waits until every reader has done either since. It must never know what is reclaimed.
//
//   control line: GLOBAL, odd, raised by two for each grace period
//   one line pair per reader: EPOCH 0 while offline, else the GLOBAL it last saw; then that reader's counters
//
// Why it is enough: all these words are accessed through Atomics, whose order is total. When the control thread finds
// a reader offline, or its EPOCH at the new GLOBAL, that reader's next read of anything published comes after the
// unlinking, because its own store of EPOCH comes before that read.

import { type Arena, PAIR_BYTES } from '../channel/arena.js';

export const MAX_READERS = 64;
const PAIR_WORDS = PAIR_BYTES / 4;

export const EPOCHS_BYTES = PAIR_BYTES * (1 + MAX_READERS);

/** Word offsets on a reader's line, written by that reader alone. */
export const ReaderLine = { EPOCH: 0, LOOKUPS: 1, PROBES: 2, MISSES: 3, LONGEST: 4 } as const;

export function readerLine(offset: number, reader: number): number {
  return (offset >>> 2) + PAIR_WORDS * (1 + reader);
}

export class EpochError extends Error {
  readonly code: 'EPOCH_READERS' | 'EPOCH_BAD';
  constructor(code: EpochError['code'], message: string) {
    super(message);
    this.name = 'EpochError';
    this.code = code;
  }
}

/** A reader's own mark. One thread uses it. */
export class EpochReader {
  private readonly words: Int32Array;
  private readonly global: number;
  private readonly at: number;

  constructor(arena: Arena, offset: number, reader: number) {
    this.words = arena.words;
    this.global = offset >>> 2;
    this.at = readerLine(offset, reader);
  }

  /** Enters reading: from here on the control thread waits for this reader's quiescent states. */
  online(): void {
    Atomics.store(this.words, this.at, Atomics.load(this.words, this.global));
  }

  /** Nothing read before is used any more. Once a batch. */
  quiescent(): void {
    Atomics.store(this.words, this.at, Atomics.load(this.words, this.global));
  }

  /** Leaves reading, as before parking: nobody waits for this reader until it is online again. */
  offline(): void {
    Atomics.store(this.words, this.at, 0);
  }
}

/** The control thread's side. */
export class EpochWriter {
  readonly offset: number;
  private readonly words: Int32Array;
  private readonly global: number;
  private readonly registered: boolean[] = [];
  private epoch = 1;
  /** Grace periods begun. */
  graces = 0;

  /** Takes a zeroed region of EPOCHS_BYTES. */
  constructor(arena: Arena, offset: number) {
    this.offset = offset;
    this.words = arena.words;
    this.global = offset >>> 2;
    Atomics.store(this.words, this.global, this.epoch);
  }

  /** A place for one more reader, offline at first. Throws EPOCH_READERS. */
  register(): number {
    for (let reader = 0; reader < MAX_READERS; reader++) {
      if (this.registered[reader]) continue;
      this.registered[reader] = true;
      return reader;
    }
    throw new EpochError('EPOCH_READERS', `a table has at most ${MAX_READERS} readers`);
  }

  /** The reader is gone, by itself or because its thread died: nobody waits for it, its place may be given away. */
  unregister(reader: number): void {
    if (!this.registered[reader]) throw new EpochError('EPOCH_BAD', `no reader ${reader}`);
    this.registered[reader] = false;
    // Its owner is dead or has let go, so this is the only writer of the word now.
    Atomics.store(this.words, readerLine(this.offset, reader), 0);
  }

  /** Starts a grace period: call after unlinking, and ask `elapsed` with the ticket. */
  begin(): number {
    this.epoch = (this.epoch + 2) | 0;
    this.graces++;
    Atomics.store(this.words, this.global, this.epoch);
    return this.epoch;
  }

  /** Whether every reader has been offline or quiescent since `begin` returned `ticket`. */
  elapsed(ticket: number): boolean {
    return this.laggard(ticket) < 0;
  }

  /** The first reader that a grace period still waits for, -1 when it has elapsed. */
  laggard(ticket: number): number {
    for (let reader = 0; reader < this.registered.length; reader++) {
      if (!this.registered[reader]) continue;
      const seen = Atomics.load(this.words, readerLine(this.offset, reader));
      if (seen !== 0 && ((seen - ticket) | 0) < 0) return reader;
    }
    return -1;
  }
}
