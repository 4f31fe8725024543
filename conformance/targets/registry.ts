// Targets by name. Each is loaded only when it is asked for: a run against one does not need the others.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nearest } from '../language/suggest.js';
import type { TargetFactory } from '../runner/run.js';
import { parseVariation } from './stack/variation.js';

export class UnknownTarget extends Error {
  override readonly name = 'UnknownTarget';
  readonly code = 'ERR_UNKNOWN_TARGET';
}

const LOADERS: Readonly<Record<string, (parameters: string) => Promise<TargetFactory>>> = {
  stack: async (parameters) => {
    const { StackTarget } = await import('./stack/index.js');
    const variation = parseVariation(parameters);
    return (setup) => new StackTarget(setup, variation);
  },
  silent: async () => {
    const { SilentTarget } = await import('./silent.js');
    return () => new SilentTarget();
  },
  echo: async () => {
    const { EchoTarget } = await import('./echo.js');
    return () => new EchoTarget();
  },
  linux: async () => {
    const { LinuxTarget } = await import('./linux.js');
    return (setup) => new LinuxTarget(setup);
  },
};

export const TARGET_NAMES: readonly string[] = Object.keys(LOADERS);

/**
 * The factory of a target: a name, `stack:NAME=VALUE,…` (see stack/variation.ts), or the path of a module that exports
 * `createTarget(setup)`.
 * @throws UnknownTarget
 */
export async function targetFactory(name: string): Promise<TargetFactory> {
  const [plain, parameters = ''] = name.split(/:(.*)/s);
  const load = LOADERS[plain!];
  if (load && (parameters === '' || plain === 'stack')) return load(parameters);
  if (existsSync(name)) {
    const module = (await import(pathToFileURL(resolve(name)).href)) as { createTarget?: TargetFactory };
    if (typeof module.createTarget === 'function') return module.createTarget;
    throw new UnknownTarget(`${name} exports no createTarget(setup)`);
  }
  const near = nearest(name, TARGET_NAMES);
  const hint = near
    ? `: did you mean ${near}?`
    : ` (there are ${TARGET_NAMES.join(', ')}, or a module's path)`;
  throw new UnknownTarget(`unknown target '${name}'${hint}`);
}
