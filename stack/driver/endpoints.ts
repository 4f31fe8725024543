// The register of endpoints in shared memory: per endpoint its tx ring, the doorbell on which it sleeps and its pool
// party, so that a driver in another thread finds a new endpoint without a message. Written by the control thread.
// It must never know what an endpoint does.

import { type Arena, LINE_WORDS, PAIR_BYTES } from '../channel/arena.js';
import { DOORBELL_BYTES } from '../channel/doorbell.js';
import { initRing, ringBytes } from '../channel/ring.js';

export const MAX_ENDPOINTS = 48;

/** Words of one endpoint's line. STATE is written last. */
export const EndpointLine = { STATE: 0, TX: 1, TX_SLOTS: 2, BELL: 3, PARTY: 4 } as const;
export const ENDPOINT_ABSENT = 0;
export const ENDPOINT_OPEN = 1;
/** Its thread has died or closed: the driver lets go of it and then writes nothing of it any more. */
export const ENDPOINT_GONE = 2;

/** Line 0 holds the count; then the driver's own doorbell (a pair of lines each side); then a line per endpoint. */
const COUNT = 0;
const DRIVER_BELL = PAIR_BYTES;
const FIRST = PAIR_BYTES + DOORBELL_BYTES;
export const REGISTER_BYTES = FIRST + MAX_ENDPOINTS * LINE_WORDS * 4;

export const DEFAULT_TX_SLOTS = 1024;

export class EndpointError extends Error {
  readonly code = 'ENDPOINT_EXHAUSTED';
  constructor() {
    super(`a stack has at most ${MAX_ENDPOINTS} endpoints`);
    this.name = 'EndpointError';
  }
}

/** First word of endpoint `number`'s line. */
export function endpointLine(register: number, number: number): number {
  return ((register + FIRST) >>> 2) + number * LINE_WORDS;
}

/** The doorbell on which the driver sleeps, shared by all endpoints. */
export function driverBell(register: number): number {
  return register + DRIVER_BELL;
}

export function endpointCount(arena: Arena, register: number): number {
  return Atomics.load(arena.words, (register >>> 2) + COUNT);
}

/** Control thread: adds an endpoint whose packets to send are allocated from `party`. Returns its number. */
export function addEndpoint(
  arena: Arena,
  register: number,
  party: number,
  slots = DEFAULT_TX_SLOTS,
  first = 0,
): number {
  const number = endpointCount(arena, register);
  if (number >= MAX_ENDPOINTS) throw new EndpointError();
  const tx = arena.alloc(ringBytes(slots));
  initRing(arena, tx, first);
  const bell = arena.alloc(DOORBELL_BYTES);
  const line = endpointLine(register, number);
  const { words } = arena;
  words[line + EndpointLine.TX] = tx / 64;
  words[line + EndpointLine.TX_SLOTS] = slots;
  words[line + EndpointLine.BELL] = bell / 64;
  words[line + EndpointLine.PARTY] = party;
  Atomics.store(words, line + EndpointLine.STATE, ENDPOINT_OPEN);
  Atomics.store(words, (register >>> 2) + COUNT, number + 1);
  return number;
}

/** Control thread: from here on the driver takes nothing more from this endpoint. */
export function markGone(arena: Arena, register: number, number: number): void {
  Atomics.store(arena.words, endpointLine(register, number) + EndpointLine.STATE, ENDPOINT_GONE);
}
