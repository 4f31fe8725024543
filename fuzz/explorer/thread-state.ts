// What the machine knows of a thread: its pending access, and where it stands. And what a run can find.

export const MAX_THREADS = 4;

/** Kinds of pending accesses. */
export const NONE = 0;
export const LOAD = 1;
export const STORE = 2;
export const RMW = 3;
export const WAIT = 4;
export const NOTIFY = 5;
/** A spinning thread lets others go first. */
export const PAUSE = 6;
export const DONE = 7;
/** Plain accesses, where they are scheduling points too. */
export const PLAIN_READ = 8;
export const PLAIN_WRITE = 9;

/** Labels of accesses that are made by models themselves, by negative site number. */
export const SITE_PAUSE = -1;
export const SITE_ZERO = -2;
export const SITE_PAYLOAD = -3;
export const SITE_FREE = -4;
export const MODEL_SITES = ['', 'pause', 'arena:zero', 'payload', 'arena:free'];

/** What a run found. `kind` is stable, `message` names places. */
export class Finding extends Error {
  readonly kind: string;
  constructor(kind: string, message: string) {
    super(message);
    this.name = 'Finding';
    this.kind = kind;
  }
}

export class ThreadState {
  readonly id: number;
  readonly name: string;
  body: Generator<unknown, void, unknown> | undefined;
  kind = NONE;
  site = 0;
  index = 0;
  value = 0;
  expected = 0;
  operation = '';
  array: Int32Array | Uint32Array | Uint8Array | Float64Array | undefined;
  /** Parked in Atomics.wait on `index`. */
  parked = false;
  timed = false;
  /** In PAUSE: others' writes when what it waits for was last looked at; and its own writes. */
  pausedAt = -1;
  writes = 0;
  constructor(id: number, name: string) {
    this.id = id;
    this.name = name;
  }
}
