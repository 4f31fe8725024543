#!/usr/bin/env node
// Bundles of the fuzz targets for Jazzer.js, which instruments CommonJS: one file a target, each exporting `fuzz(data)`.
//   node scripts/jazzer.mjs FOLDER [TARGET...]        then: npx jazzer FOLDER/tcp.cjs CORPUS -i tcp.cjs -- -len_control=0 -max_len=1200
// Needs `npm ci && npm run build`. .clusterfuzzlite/build.sh calls it; Jazzer.js itself is installed there.
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { TARGET_NAMES } from '../dist/fuzz/index.js';
import { readArguments } from './arguments.mjs';

/** These rewrite the shipped modules as they load them: there is nothing to bundle. `netchannel fuzz` and `explore` run them. */
const REWRITING = new Set(['ring', 'table']);
const TARGETS = TARGET_NAMES.filter((name) => !REWRITING.has(name));

const [folder, ...asked] = readArguments({}, true).positionals;
const unknown = asked.filter((name) => !TARGETS.includes(name));
if (folder === undefined || unknown.length > 0) {
  const what = folder === undefined ? 'which folder?' : `no bundle of ${unknown.join(', ')}`;
  console.error(`jazzer: ${what} (targets: ${TARGETS.join(', ')})`);
  process.exit(2);
}
const fuzz = resolve(import.meta.dirname, '../dist/fuzz');
for (const name of asked.length > 0 ? asked : TARGETS) {
  await build({
    stdin: {
      contents: `import { byteDriven } from './bytes.js';
import { ${name}Target } from './targets/${name}.js';
export const fuzz = byteDriven(${name}Target);`,
      resolveDir: fuzz,
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    outfile: resolve(folder, `${name}.cjs`),
    define: { 'import.meta.url': '"file:///bundle"', 'import.meta.dirname': '"/bundle"' },
    external: ['koffi'],
    logLevel: 'error',
  });
  console.log(resolve(folder, `${name}.cjs`));
}
