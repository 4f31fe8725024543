// One neighbour of a link and what is known about it: the states of RFC 4861 section 7.3.2, used for ARP as well (as
// Linux does). Data only; the transitions are in neighbour-cache.ts.

/** Being asked for: packets wait. */
export const NUD_INCOMPLETE = 0;
/** Known to be reachable within the reachable time. */
export const NUD_REACHABLE = 1;
/** The hardware address is known, reachability is not. */
export const NUD_STALE = 2;
/** A packet went to a stale address; a moment for upper layers to confirm it. */
export const NUD_DELAY = 3;
/** Being asked by unicast whether it is still there. */
export const NUD_PROBE = 4;
/** Did not answer. */
export const NUD_FAILED = 5;
/** Set by hand: never asked, never forgotten. */
export const NUD_PERMANENT = 6;

const NAMES = ['INCOMPLETE', 'REACHABLE', 'STALE', 'DELAY', 'PROBE', 'FAILED', 'PERMANENT'];

export class Neighbour {
  readonly address: Uint8Array;
  /** Number of the link. */
  readonly link: number;
  readonly hardware: Uint8Array = new Uint8Array(6);
  state = NUD_INCOMPLETE;
  isRouter = false;
  /** Questions asked in this state. */
  probes = 0;
  /** When the state's timer is due, Infinity without one. All times µs. */
  deadline = Number.POSITIVE_INFINITY;
  /** Last proof of reachability, last packet sent to it, last change of the hardware address. */
  confirmed = Number.NEGATIVE_INFINITY;
  used = Number.NEGATIVE_INFINITY;
  updated = Number.NEGATIVE_INFINITY;
  /** Reachable for this long after a confirmation: random around the base time (RFC 4861 section 6.3.2). */
  reachableTime = 0;
  /** Packets (numbers of the caller's choice) that wait for the hardware address, oldest first. */
  readonly queue: number[] = [];

  constructor(address: Uint8Array, o: number, link: number) {
    this.address = address.slice(o, o + 16);
    this.link = link;
  }

  /** Whether `hardware` may be used for sending. */
  get usable(): boolean {
    return this.state !== NUD_INCOMPLETE && this.state !== NUD_FAILED;
  }

  get stateName(): string {
    return NAMES[this.state];
  }
}
