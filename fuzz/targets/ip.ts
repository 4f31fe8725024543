// Target `ip`: fragments of every kind, ICMP, neighbour messages and damaged packets against one stack (ip-world.ts).

import { jsonCodec, type Target } from '../target.js';
import { type IpInput, ipInput } from './ip-commands.js';
import { IpWorld } from './ip-world.js';

export const ipTarget: Target<IpInput> = {
  name: 'ip',
  about: 'fragments and their reassembly, ICMP, ARP and neighbour discovery, right, hostile and damaged',
  sliceRuns: 100,
  inputs: () => ipInput,
  run(input, witness) {
    const world = new IpWorld(input, witness);
    for (const command of input.commands) world.step(command);
    world.finish();
  },
  ...jsonCodec<IpInput>(),
};
