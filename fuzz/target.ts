// What a fuzz target is to any engine: a generator of inputs, a function that judges one, and a JSON form of inputs.
// It knows no engine's loop, no files and no command line; the generator is a fast-check arbitrary, which byte-driven
// engines can feed.

import type * as fc from 'fast-check';

/** Anything that JSON can hold: what a shrunk input is filed as. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One packet of an exchange, as it passed the wire. */
export interface ExchangePacket {
  /** Virtual time, µs. */
  readonly time: number;
  /** Seen from the stack under test. */
  readonly direction: 'in' | 'out';
  /** From the IP header on, or from the Ethernet header when `ethernet`. */
  readonly bytes: Uint8Array;
  readonly ethernet?: boolean;
  /** The host whose link it passed, where there are several. */
  readonly host?: string;
  /** Of a super-packet: bytes of data in each of its segments. */
  readonly segmentSize?: number;
}

/** One end of a connection, where a target has several hosts or connections. */
export interface Place {
  readonly host: string;
  /** The port that tells its connection from others, whichever side's it is. */
  readonly port: number;
}

/** What a script's network has to be like. */
export interface ToldNetwork {
  readonly v6: boolean;
  readonly mtu: number;
  /** Address and port of the stack under test, where what happens depends on them. */
  readonly own?: { readonly address: string; readonly port: number };
}

/** What a run tells about itself while it is replayed; never used while fuzzing, so it may cost. */
export interface Witness {
  /** One step, for people. */
  step(text: string): void;
  packet(packet: ExchangePacket): void;
  /** A call of a program at virtual time `at` µs, as a script writes it, and what came back (negative: an errno). */
  call?(at: number, text: string, result: number, place?: Place): void;
  /** A command of the host's, as a shell writes it. */
  command?(at: number, text: string, place?: Place): void;
  /** Told once, before the first packet. */
  network?(told: ToldNetwork): void;
  /** Something happens for which scripts have no word: `what`, as the reason why there is no script. */
  untold?(what: string, place?: Place): void;
}

export interface Target<I = unknown> {
  readonly name: string;
  /** One line for `--list`. */
  readonly about: string;
  /** Runs of one slice, the unit of sharing and resuming: about a second's work. */
  readonly sliceRuns: number;
  /** Makes the generator; called once per process. */
  inputs(): fc.Arbitrary<I>;
  /**
   * Judges one input: returns when every invariant held, throws otherwise (a `Violation`, or whatever the code under
   * test threw). Deterministic: the same input gives the same outcome.
   */
  run(input: I, witness?: Witness): void | Promise<void>;
  encode(input: I): Json;
  /** Throws InputError for what is no input of this target. */
  decode(json: Json): I;
  /** Why it cannot run here (a program is missing); undefined: it can. */
  unavailable?(): string | undefined;
}

/** An invariant that did not hold. `id` tells this failure from others and names its file; `detail` has the numbers. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly id: string;
  readonly detail: string;
  constructor(id: string, detail = '') {
    super(detail === '' ? id : `${id}: ${detail}`);
    this.id = id;
    this.detail = detail;
  }
}

const places = new WeakMap<Error, Place>();

/** Notes where an error showed, unless that is known already; returns it. For targets with several hosts. */
export function placed(error: unknown, place: Place): unknown {
  if (error instanceof Error && !places.has(error)) places.set(error, place);
  return error;
}

/** Where an error showed, if its target said so. */
export function placeOf(error: unknown): Place | undefined {
  return error instanceof Error ? places.get(error) : undefined;
}

/** A filed input that its target cannot read. */
export class InputError extends Error {
  override readonly name = 'InputError';
  readonly code = 'FUZZ_INPUT';
}

/** Throws a Violation unless `holds`. */
export function invariant(holds: boolean, id: string, detail?: () => string): asserts holds {
  if (!holds) throw new Violation(id, detail?.() ?? '');
}

/**
 * What tells one failure from another: a violation's own id; of an exception its kind and the place in the project that
 * threw, by function and file and never by line, which moves.
 */
export function failureId(error: unknown): string {
  if (error instanceof Violation) return error.id;
  if (!(error instanceof Error)) return `threw ${String(error).slice(0, 60)}`;
  const code = (error as { code?: unknown }).code;
  const kind = typeof code === 'string' ? `${error.name} ${code}` : error.name;
  const frame = /at (?:async )?(?:new )?([^\s(]+) \(?[^\n]*\/dist\/((?!fuzz\/)[\w/.-]+)\.js/.exec(
    error.stack ?? '',
  );
  const where = frame === null ? '' : ` in ${frame[1]} of ${frame[2]}`;
  return `${kind}${where}: ${error.message.replace(/\d+/g, 'N').split('\n')[0].slice(0, 80)}`;
}

/** Hexadecimal text of bytes, the form in which byte inputs are filed. */
export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/** The inverse of `hexOf`. Throws InputError. */
export function bytesOfHex(json: Json): Uint8Array {
  if (typeof json !== 'string' || !/^([0-9a-f]{2})*$/.test(json))
    throw new InputError('not hexadecimal text');
  return Uint8Array.from(Buffer.from(json, 'hex'));
}

/** A target whose inputs are JSON already: commands with numbers, strings and arrays. */
export function jsonCodec<I>(): Pick<Target<I>, 'encode' | 'decode'> {
  return {
    encode: (input) => JSON.parse(JSON.stringify(input)) as Json,
    decode: (json) => {
      if (json === null || typeof json !== 'object') throw new InputError('not an object or array');
      return json as unknown as I;
    },
  };
}
