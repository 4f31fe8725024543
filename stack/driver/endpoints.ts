// The register of endpoints in shared memory: per endpoint its tx ring, the ring that names its ready channels, the doorbell
// on which it sleeps and its pool party, so that a driver in another thread finds a new endpoint without a message; and the
// few words by which the control thread tells that driver to stop or to let go of one. It must never know what an endpoint does.

import { type Arena, LINE_WORDS, PAIR_BYTES } from '../channel/arena.js';
import { DOORBELL_BYTES } from '../channel/doorbell.js';
import { freeConsumer, freeProducer, initRing, ringBytes } from '../channel/ring.js';

export const MAX_ENDPOINTS = 48;

/** Words of one endpoint's line, written by the control thread. STATE is written last. */
export const EndpointLine = { STATE: 0, TX: 1, TX_SLOTS: 2, BELL: 3, PARTY: 4, READY: 5, LIFE: 6 } as const;
export const ENDPOINT_OPEN = 1;
/** Its thread has ended: the driver takes nothing more from it. */
export const ENDPOINT_GONE = 2;
/** A grace period later: the driver shall take back what it held, and then say so. */
export const ENDPOINT_BURY = 3;

/** The control thread's line: endpoints in all, and whether the driver shall stop. */
const COUNT = 0;
const STOP = 1;
/** The driver's own lines: what it is doing and has counted, and per endpoint the last life of it that it has let go of. */
const DRIVER_LINE = PAIR_BYTES;
const STATE = 0;
const COUNTERS = 1;
const LET_GO = LINE_WORDS;
const DRIVER_BYTES = (1 + Math.ceil(MAX_ENDPOINTS / LINE_WORDS)) * LINE_WORDS * 4;
const DRIVER_BELL = DRIVER_LINE + DRIVER_BYTES;
const FIRST = DRIVER_BELL + DOORBELL_BYTES;
export const REGISTER_BYTES = FIRST + MAX_ENDPOINTS * LINE_WORDS * 4;

export const DRIVER_ABSENT = 0;
export const DRIVER_RUNNING = 1;
export const DRIVER_STOPPED = 2;

export const DEFAULT_TX_SLOTS = 1024;
/** Numbers of channels that have something new wait here for the endpoint; one that is full says so by its drop counter. */
export const READY_SLOTS = 1024;

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
  const ready = arena.alloc(ringBytes(READY_SLOTS));
  initRing(arena, ready, first);
  const bell = arena.alloc(DOORBELL_BYTES);
  const line = endpointLine(register, number);
  const { words } = arena;
  words[line + EndpointLine.TX] = tx / 64;
  words[line + EndpointLine.TX_SLOTS] = slots;
  words[line + EndpointLine.BELL] = bell / 64;
  words[line + EndpointLine.PARTY] = party;
  words[line + EndpointLine.READY] = ready / 64;
  words[line + EndpointLine.LIFE] = 1;
  Atomics.store(words, line + EndpointLine.STATE, ENDPOINT_OPEN);
  Atomics.store(words, (register >>> 2) + COUNT, number + 1);
  return number;
}

/** Control thread: gives the number of a dead endpoint that the driver has let go of, rings and doorbell with it, to a new one. */
export function renewEndpoint(arena: Arena, register: number, number: number): void {
  const line = endpointLine(register, number);
  const { words } = arena;
  for (const ring of [EndpointLine.TX, EndpointLine.READY]) {
    freeProducer(arena, words[line + ring] * 64);
    freeConsumer(arena, words[line + ring] * 64);
  }
  // No state in between: a driver that reads the new life reads no burial of the old one after it.
  Atomics.store(words, line + EndpointLine.STATE, 0);
  Atomics.add(words, line + EndpointLine.LIFE, 1);
  Atomics.store(words, line + EndpointLine.STATE, ENDPOINT_OPEN);
}

/** Control thread: changes an endpoint's state (ENDPOINT_GONE, then ENDPOINT_BURY). */
export function setEndpointState(arena: Arena, register: number, number: number, state: number): void {
  Atomics.store(arena.words, endpointLine(register, number) + EndpointLine.STATE, state);
}

export function endpointState(arena: Arena, register: number, number: number): number {
  return Atomics.load(arena.words, endpointLine(register, number) + EndpointLine.STATE);
}

/** Driver: says that it holds nothing of the endpoint's present life any more. */
export function sayLetGo(arena: Arena, register: number, number: number): void {
  Atomics.store(
    arena.words,
    ((register + DRIVER_LINE) >>> 2) + LET_GO + number,
    endpointLife(arena, register, number),
  );
}

/** Whether the driver has let go of the endpoint's life `life`. */
export function hasLetGo(
  arena: Arena,
  register: number,
  number: number,
  life = endpointLife(arena, register, number),
): boolean {
  return Atomics.load(arena.words, ((register + DRIVER_LINE) >>> 2) + LET_GO + number) === life;
}

/** How many endpoints have had this number, the present one included. */
export function endpointLife(arena: Arena, register: number, number: number): number {
  return Atomics.load(arena.words, endpointLine(register, number) + EndpointLine.LIFE);
}

/** Control thread: asks a threaded driver to stop. Ring its doorbell afterwards. */
export function askStop(arena: Arena, register: number): void {
  Atomics.store(arena.words, (register >>> 2) + STOP, 1);
}

export function stopAsked(arena: Arena, register: number): boolean {
  return Atomics.load(arena.words, (register >>> 2) + STOP) === 1;
}

/** Driver: says what it is doing. */
export function setDriverState(arena: Arena, register: number, state: number): void {
  Atomics.store(arena.words, ((register + DRIVER_LINE) >>> 2) + STATE, state);
}

export function driverState(arena: Arena, register: number): number {
  return Atomics.load(arena.words, ((register + DRIVER_LINE) >>> 2) + STATE);
}

/** Driver: shows what it has counted, in an order that both sides know. */
export function putDriverCounters(arena: Arena, register: number, counters: readonly number[]): void {
  const at = ((register + DRIVER_LINE) >>> 2) + COUNTERS;
  for (let i = 0; i < counters.length; i++) Atomics.store(arena.words, at + i, counters[i]);
}

/** The driver's `count` counters, modulo 2^32, as of its last sleep or a moment ago. */
export function driverCounters(arena: Arena, register: number, count: number): number[] {
  const at = ((register + DRIVER_LINE) >>> 2) + COUNTERS;
  return Array.from({ length: count }, (_, i) => Atomics.load(arena.words, at + i) >>> 0);
}
