// Inputs that begin where the corpus has been: an entry's setting and first commands, and then whatever the generator makes.
// So runs reach from there what they would hardly reach from the beginning. Knows fast-check and the corpus.

import * as fc from 'fast-check';
import { CORPUS, readCorpus } from './corpus.js';
import type { Target } from './target.js';

/** An input that is a list of commands, and what belongs to it. */
interface Commanded {
  readonly commands: readonly unknown[];
}

function isCommanded(input: unknown): input is Commanded {
  return Array.isArray((input as Partial<Commanded> | null)?.commands);
}

/** Lists beside the commands, which may point into them: both one's and the other's. */
function joined(start: Commanded, rest: Commanded): Record<string, unknown> {
  const lists: Record<string, unknown> = {};
  for (const [key, list] of Object.entries(rest)) {
    const own = (start as unknown as Record<string, unknown>)[key];
    if (Array.isArray(list) && Array.isArray(own)) lists[key] = [...own, ...list];
  }
  return lists;
}

/** Of how many inputs one comes from the corpus. */
const SHARE = 4;

/** `target`'s generator, guided by `entries`; by none it is the generator itself, and so it is where inputs are no commands. */
export function guided(target: Target, entries: readonly unknown[]): fc.Arbitrary<unknown> {
  const plain = target.inputs();
  const starts = entries.filter(isCommanded);
  if (starts.length === 0) return plain;
  const continued = fc
    .tuple(
      fc.constantFrom(...starts),
      plain as fc.Arbitrary<Commanded>,
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([start, rest, share]) => {
      const kept = Math.ceil(start.commands.length * (1 - share));
      return {
        ...start,
        ...joined(start, rest),
        commands: [...start.commands.slice(0, kept), ...rest.commands],
      };
    });
  return fc.oneof({ weight: SHARE - 1, arbitrary: plain }, { weight: 1, arbitrary: continued });
}

const made = new Map<string, fc.Arbitrary<unknown>>();

/** A target's generator guided by the corpus of this source tree, made once: what campaigns run. */
export function campaignInputs(target: Target): fc.Arbitrary<unknown> {
  let inputs = made.get(target.name);
  if (inputs === undefined) {
    const entries = readCorpus(CORPUS, target.name).map(({ file }) => target.decode(file.input));
    inputs = guided(target, entries);
    made.set(target.name, inputs);
  }
  return inputs;
}
