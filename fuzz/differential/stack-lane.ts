// Plays on our stack, in virtual time, what was played on the kernel: the same calls and segments at the same moments.

import { StackTarget } from '../../conformance/targets/stack/index.js';
import { NO_VARIATION } from '../../conformance/targets/stack/variation.js';
import type { CallResult, TargetAddresses } from '../../conformance/targets/target.js';
import { Connection, type Ends, type Host } from './connection.js';
import type { Program, Trace } from './program.js';

/** CONFIG_HZ of the kernel that is compared with: its timers round up to this tick. */
export const KERNEL_HZ = 250;
const TAIL = 300_000;
const PORTS = { local: 8080, remote: 20_001 } as const;

export interface StackSetup {
  readonly addresses: TargetAddresses;
  readonly sysctls: Readonly<Record<string, string>>;
}

/** @param model the kernel's trace of the same program; null: the program by itself, in its own time */
export function playOnStack(program: Program, setup: StackSetup, model: Trace | null): Trace {
  const { addresses, sysctls } = setup;
  const target = new StackTarget(
    { addresses, file: 'generated.pkt', speed: 0 },
    { ...NO_VARIATION, hz: KERNEL_HZ },
  );
  const host: Host = {
    name: 'stack',
    call(name, args): CallResult {
      const { result } = target.call(name, args);
      if (result === null) throw new Error(`${name} blocks`);
      return result;
    },
    inject: (packet) => target.inject(packet),
    info: (fd) => target.info(fd),
  };
  const { local, remote, wire: family } = addresses;
  const ends: Ends = {
    local: { address: local, port: PORTS.local },
    remote: { address: remote, port: PORTS.remote },
    family,
  };
  const where = { file: 'generated.pkt', line: 1 };
  for (const [name, value] of Object.entries(sysctls)) target.command(`sysctl -qw ${name}="${value}"`, where);
  const connection = new Connection(program, ends, host);
  connection.open();
  const start = target.now();
  const collect = (): void => {
    for (const { bytes, time } of target.take()) connection.onPacket(bytes, time - start);
  };
  const advance = (until: number): void => {
    while (target.now() < start + until) {
      target.advance(start + until);
      collect();
    }
    collect();
  };
  let last = 0;
  for (const [i, { wait }] of program.steps.entries()) {
    const step = model?.steps[i];
    last = step?.at ?? last + wait * 1e3;
    advance(last);
    connection.sample(target.now() - start);
    if (step) connection.replay(step);
    else connection.perform(i, last);
    collect();
  }
  advance(Math.max(model?.seen.at(-1)?.at ?? 0, last + TAIL));
  connection.sample(target.now() - start);
  const trace = structuredClone(connection.trace);
  target.close();
  return trace;
}
