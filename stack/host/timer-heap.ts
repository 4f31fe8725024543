// Deadlines of everything that waits: connections, listeners, TIME-WAIT records, calls. A binary heap that is lazy: moving
// a deadline to later, or taking it away, costs one store (the entry keeps its old place until it comes to the top), which
// is what TCP does with almost every ACK; moving it to earlier sifts. It knows nothing of what waits, and no clock.

/** Something with a deadline. Owned by one heap at a time. */
export abstract class TimerEntry {
  /** When it is due, µs; Infinity: not armed. Read it; change it through the heap. */
  deadline = Number.POSITIVE_INFINITY;
  /** Key under which the heap holds it: never later than `deadline`. */
  heapKey = 0;
  /** Order among equal keys: who was armed first fires first. */
  heapOrder = 0;
  heapIndex = -1;

  /** The deadline has passed. It is not armed any more when this is called. */
  abstract fire(now: number): void;
}

export class TimerHeap {
  private readonly entries: TimerEntry[] = [];
  private order = 0;
  private armedCount = 0;

  /** Entries that are armed: for leak tests. */
  get armed(): number {
    return this.armedCount;
  }

  /** Arms, moves or (Infinity) disarms `entry`. */
  set(entry: TimerEntry, deadline: number): void {
    const was = entry.deadline;
    if (was === deadline) return;
    if (was === Number.POSITIVE_INFINITY) this.armedCount++;
    if (deadline === Number.POSITIVE_INFINITY) this.armedCount--;
    entry.deadline = deadline;
    if (entry.heapIndex < 0) {
      if (deadline === Number.POSITIVE_INFINITY) return;
      entry.heapIndex = this.entries.length;
      this.entries.push(entry);
    } else if (deadline >= entry.heapKey) {
      return; // lazy: mended when it reaches the top
    }
    entry.heapKey = deadline;
    entry.heapOrder = this.order++;
    this.up(entry.heapIndex);
  }

  /** Earliest deadline, Infinity when nothing is armed. */
  next(): number {
    this.settle();
    return this.entries.length === 0 ? Number.POSITIVE_INFINITY : this.entries[0].heapKey;
  }

  /** Fires the earliest entry if it is due at `now`; false when none is. */
  fireOne(now: number): boolean {
    this.settle();
    const top = this.entries[0];
    if (top === undefined || top.heapKey > now) return false;
    this.remove(0);
    top.deadline = Number.POSITIVE_INFINITY;
    this.armedCount--;
    top.fire(now);
    return true;
  }

  /** Brings the true earliest entry to the top. */
  private settle(): void {
    for (;;) {
      const top = this.entries[0];
      if (top === undefined || top.heapKey === top.deadline) return;
      if (top.deadline === Number.POSITIVE_INFINITY) {
        this.remove(0);
      } else {
        top.heapKey = top.deadline;
        top.heapOrder = this.order++;
        this.down(0);
      }
    }
  }

  private remove(index: number): void {
    const entry = this.entries[index];
    const last = this.entries.pop()!;
    entry.heapIndex = -1;
    if (last === entry) return;
    this.entries[index] = last;
    last.heapIndex = index;
    this.down(index);
    this.up(last.heapIndex);
  }

  private up(start: number): void {
    const { entries } = this;
    const entry = entries[start];
    let index = start;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = entries[parentIndex];
      if (!before(entry, parent)) break;
      entries[index] = parent;
      parent.heapIndex = index;
      index = parentIndex;
    }
    entries[index] = entry;
    entry.heapIndex = index;
  }

  private down(start: number): void {
    const { entries } = this;
    const entry = entries[start];
    const count = entries.length;
    let index = start;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= count) break;
      if (child + 1 < count && before(entries[child + 1], entries[child])) child++;
      if (!before(entries[child], entry)) break;
      entries[index] = entries[child];
      entries[index].heapIndex = index;
      index = child;
    }
    entries[index] = entry;
    entry.heapIndex = index;
  }
}

function before(a: TimerEntry, b: TimerEntry): boolean {
  return a.heapKey < b.heapKey || (a.heapKey === b.heapKey && a.heapOrder < b.heapOrder);
}
