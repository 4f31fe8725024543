// Target `wire`: every parser of stack/wire and stack/ip on arbitrary, damaged and cut bytes. A parser neither throws nor
// hangs, and what it says rests on its range alone: it says the same among zeros, among ones and at an array's very end.
// What it reads of a right packet is what an independent reader reads, and building it again gives the same bytes.

import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describeFrame, describePacket } from '../../stack/wire/describe.js';
import { bytesOfHex, hexOf, InputError, invariant, type Target, type Witness } from '../target.js';
import { damagedPacket, rightPacket } from './packets-arbitrary.js';
import { judgeReading } from './wire-agree.js';
import { PARSERS } from './wire-parsers.js';
import { judgeBuilding, type RebuildInput, rebuildInput } from './wire-rebuild.js';

export type WireInput =
  | { readonly kind: 'parse'; readonly parser: string; readonly bytes: Uint8Array }
  | { readonly kind: 'packet'; readonly bytes: Uint8Array }
  | { readonly kind: 'build'; readonly fields: RebuildInput };

const GUARD = 96;

/** Reads `data` in three surroundings; a read outside shows as a difference. */
export function selfContained(
  name: string,
  data: Uint8Array,
  read: (b: Uint8Array, o: number, n: number) => unknown,
): unknown {
  const zeros = new Uint8Array(data.length + 2 * GUARD);
  const ones = new Uint8Array(data.length + 2 * GUARD).fill(0xff);
  const exact = new Uint8Array(data.length + 3);
  zeros.set(data, GUARD);
  ones.set(data, GUARD);
  exact.set(data, 3);
  const answer = read(zeros, GUARD, data.length);
  const others = [read(ones, GUARD, data.length), read(exact, 3, data.length)];
  for (const other of others) {
    invariant(
      isDeepStrictEqual(other, answer),
      `${name} looks outside its range`,
      () => `${JSON.stringify(answer)} against ${JSON.stringify(other)}`,
    );
  }
  return answer;
}

function judge(input: WireInput, witness: Witness | undefined): void {
  if (input.kind === 'build') {
    witness?.step(`build ${JSON.stringify(input.fields)}`);
    judgeBuilding(input.fields);
    return;
  }
  const { bytes } = input;
  if (input.kind === 'parse') {
    const parser = PARSERS.find(({ name }) => name === input.parser);
    if (parser === undefined) throw new InputError(`no parser ${input.parser}`);
    const answer = selfContained(parser.name, bytes, parser.read);
    witness?.step(`${parser.name} of ${hexOf(bytes)}: ${JSON.stringify(answer)}`);
    return;
  }
  witness?.step(describePacket(bytes, 0, bytes.length));
  witness?.packet({ time: 0, direction: 'in', bytes });
  selfContained('describePacket', bytes, (b, o, n) => describePacket(b, o, n));
  selfContained('describeFrame', bytes, (b, o, n) => describeFrame(b, o, n));
  for (const parser of PARSERS) if (parser.packet) selfContained(parser.name, bytes, parser.read);
  judgeReading(bytes);
}

export const wireTarget: Target<WireInput> = {
  name: 'wire',
  about: 'every parser on arbitrary, damaged and cut bytes; building and parsing as inverses',
  sliceRuns: 1000,
  inputs: () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 120 }), fc.uint8Array({ maxLength: 16 }));
    const seeded = fc.oneof(
      bytes,
      damagedPacket.map((packet) => packet.slice(packet[0] >>> 4 === 6 ? 40 : 20)),
      damagedPacket,
    );
    return fc.oneof(
      {
        weight: 3,
        arbitrary: fc
          .tuple(fc.constantFrom(...PARSERS.map(({ name }) => name)), seeded)
          .map(([parser, data]) => ({ kind: 'parse' as const, parser, bytes: data })),
      },
      {
        weight: 5,
        arbitrary: fc
          .oneof(damagedPacket, fc.boolean().chain(rightPacket))
          .map((packet) => ({ kind: 'packet' as const, bytes: packet })),
      },
      { weight: 3, arbitrary: rebuildInput.map((fields) => ({ kind: 'build' as const, fields })) },
    );
  },
  run: judge,
  encode: (input) =>
    input.kind === 'build'
      ? (JSON.parse(JSON.stringify(input)) as never)
      : { ...input, bytes: hexOf(input.bytes) },
  decode(json) {
    const input = json as { kind?: string; bytes?: string };
    if (input?.kind === 'build') return input as never;
    if (input?.kind !== 'parse' && input?.kind !== 'packet')
      throw new InputError('kind is parse, packet or build');
    return { ...input, bytes: bytesOfHex(input.bytes ?? '') } as never;
  },
};
