// `netchannel/vitest`: packetdrill scripts as test files of vitest, with watch mode and failures at the script's lines.
//
//   // vitest.config.ts
//   import { packetdrill } from 'netchannel/vitest';
//   export default { plugins: [packetdrill()], test: { include: ['**/*.test.ts', '**/*.pkt'] } };
//
// Each script becomes a test for every IP version that it is for. It needs nothing of vitest but `test`.

import { fileURLToPath } from 'node:url';
import type { OptionValues } from './runner/config.js';
import { DEFAULT_VERSIONS, type IpVersion, namedVersionInText, versionsFor } from './runner/presets.js';
import type { RunResult } from './runner/result.js';
import { runScript } from './runner/run.js';
import { targetFactory } from './targets/registry.js';

export interface PacketdrillOptions {
  /** `stack` (default), or the path of a module that exports `createTarget(setup)`. */
  readonly target?: string;
  /** Default: ipv4 and ipv6. */
  readonly ipVersions?: readonly IpVersion[];
  readonly dialect?: 'google' | 'nplab';
  readonly defines?: Readonly<Record<string, string>>;
  /** packetdrill's options by name, over the script's. */
  readonly options?: OptionValues;
  /** Fail for packets that no event asks for. */
  readonly strictEnd?: boolean | number;
}

/** The part of a Vite plugin that is used here. */
export interface PacketdrillPlugin {
  readonly name: string;
  readonly enforce: 'pre';
  transform(code: string, id: string): { code: string; map: null } | null;
}

/** The plugin: turns every `.pkt` module into tests. */
export function packetdrill(options: PacketdrillOptions = {}): PacketdrillPlugin {
  const self = JSON.stringify(fileURLToPath(import.meta.url));
  return {
    name: 'netchannel-packetdrill',
    enforce: 'pre',
    transform(code, id) {
      const file = id.replace(/\?.*$/, '');
      if (!file.endsWith('.pkt')) return null;
      const args = [code, file, options].map((v) => JSON.stringify(v)).join(', ');
      return {
        code: `import { test } from 'vitest';\nimport { defineScriptTests } from ${self};\ndefineScriptTests(test, ${args});\n`,
        map: null,
      };
    },
  };
}

/** What `defineScriptTests` needs of a test runner. */
export type DefineTest = (name: string, body: (context: TestContext) => Promise<void>) => unknown;

export interface TestContext {
  skip?(note?: string): void;
}

/** Defines one test for each IP version of a script. */
export function defineScriptTests(
  test: DefineTest,
  text: string,
  file: string,
  options: PacketdrillOptions = {},
): void {
  const named = namedVersionInText(text);
  const wanted = versionsFor(file, options.ipVersions ?? DEFAULT_VERSIONS);
  for (const ipVersion of wanted.filter((v) => named === null || v === named)) {
    test(ipVersion, async (context) => {
      const result = await runScript(text, {
        file,
        ipVersion,
        target: await targetFactory(options.target ?? 'stack'),
        dialect: options.dialect ?? 'google',
        defines: options.defines ?? {},
        options: options.options ?? {},
        strictEnd: options.strictEnd ?? false,
      });
      if (result.verdict === 'skipped') context.skip?.(result.reason);
      if (result.verdict === 'failed') throw new ScriptFailure(result);
    });
  }
}

/** A failed run as an error whose stack is the script's line, so that a test runner shows that. */
export class ScriptFailure extends Error {
  override readonly name = 'ScriptFailure';
  readonly result: RunResult;
  readonly expected: string | undefined;
  readonly actual: string | undefined;

  constructor(result: RunResult) {
    super(result.reason);
    this.result = result;
    const { failure } = result;
    this.expected = failure?.expected ?? undefined;
    this.actual = failure?.actual ?? undefined;
    const span = failure?.span;
    const place = span ? `${span.file}:${span.line}:${span.column}` : `${result.script}:1:1`;
    this.stack = `${this.name}: ${result.reason}\n    at ${place}`;
  }
}
