// Target `tcp`: one connection of the stack and everything that may happen to it (tcp-commands.ts), judged by the
// invariants of RFC 9293 (tcp-model.ts, tcp-inside.ts). At the end everything is closed, and must end.

import { jsonCodec, type Target } from '../target.js';
import { type TcpInput, tcpInput } from './tcp-commands.js';
import { TcpWorld } from './tcp-world.js';

export const tcpTarget: Target<TcpInput> = {
  name: 'tcp',
  about: 'a connection under calls, segments valid and hostile, time, ICMP and pressure, against RFC 9293',
  sliceRuns: 100,
  inputs: () => tcpInput,
  run({ setting, commands }, witness) {
    const world = new TcpWorld(setting, witness);
    world.begin();
    for (const command of commands) world.step(command);
    world.finish();
  },
  ...jsonCodec<TcpInput>(),
};
