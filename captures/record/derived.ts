// Captures of the corpus that are made from others of it.

/** Captures made from others by leaving frames out: `frames` is what editcap keeps. */
export interface Derived {
  readonly name: string;
  readonly from: string;
  readonly frames: string;
  readonly shows: string;
}

export const DERIVED: readonly Derived[] = [
  {
    name: 'begins-mid-stream',
    from: 'bulk-30k',
    frames: '9-10000',
    shows: 'bulk-30k without its first eight packets: no handshake',
  },
  {
    name: 'ends-mid-stream',
    from: 'bulk-30k',
    frames: '1-20',
    shows: 'the first twenty packets of bulk-30k',
  },
  {
    name: 'capture-dropped',
    from: 'upload',
    frames: '1-7 9-11 14-10000',
    shows: 'upload with three packets missing that the network did deliver',
  },
  {
    name: 'synack-missing',
    from: 'http-curl',
    frames: '1 3-10000',
    shows: 'http-curl without the SYN with ACK',
  },
];
