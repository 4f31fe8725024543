// Target `network`: two to four whole stacks over bad links in virtual time. Every byte arrives once and in order, every
// connection ends, and no transfer takes longer than its links excuse, whatever is lost, doubled, late, damaged or cut;
// when a stack restarts or packets are changed on their way, connections may break, but nothing else may.

import { jsonCodec, placed, type Target } from '../target.js';
import { type NetworkInput, networkInput } from './network-commands.js';
import { NetworkWorld } from './network-world.js';

export const networkTarget: Target<NetworkInput> = {
  name: 'network',
  about: 'two to four stacks over links that lose, double, reorder, damage, delay, cut, and change packets',
  sliceRuns: 15,
  inputs: () => networkInput,
  run(input, witness) {
    const world = new NetworkWorld(input, witness);
    try {
      world.run();
      world.finish();
    } catch (error) {
      throw placed(error, world.where);
    }
  },
  ...jsonCodec<NetworkInput>(),
};
