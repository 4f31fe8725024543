// The targets by name. Each is loaded when it is asked for, because some bring the whole stack with them.

import type { Target } from '../target.js';

const LOADERS: Readonly<Record<string, () => Promise<unknown>>> = {
  wire: async () => (await import('./wire.js')).wireTarget,
  ip: async () => (await import('./ip.js')).ipTarget,
  tcp: async () => (await import('./tcp.js')).tcpTarget,
  network: async () => (await import('./network.js')).networkTarget,
  language: async () => (await import('./language.js')).languageTarget,
  ring: async () => (await import('./ring.js')).ringTarget,
  table: async () => (await import('./table.js')).tableTarget,
  pool: async () => (await import('./pool.js')).poolTarget,
  captures: async () => (await import('./captures.js')).capturesTarget,
};

export const TARGET_NAMES: readonly string[] = Object.keys(LOADERS);

/** A name that is no target. */
export class UnknownTarget extends Error {
  override readonly name = 'UnknownTarget';
  readonly code = 'FUZZ_TARGET';
  constructor(name: string) {
    super(`no fuzz target "${name}" (there are ${TARGET_NAMES.join(', ')})`);
  }
}

/** Throws UnknownTarget. */
export async function loadTarget(name: string): Promise<Target> {
  const load = LOADERS[name];
  if (load === undefined) throw new UnknownTarget(name);
  return (await load()) as Target;
}
