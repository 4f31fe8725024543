// Rewrites the tables in conformance/scripts/README.md from the scripts' own heads (after `npm run build`).
//   node scripts/list-scripts.mjs [--check]
// With --check it writes nothing and exits 1 when the file is out of date.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readScriptHeads, renderReadme } from '../dist/conformance/script-index.js';
import { readArguments } from './arguments.mjs';

const { values } = readArguments({ check: { type: 'boolean' } });
const folder = join(import.meta.dirname, '../conformance/scripts');
const file = join(folder, 'README.md');
const present = readFileSync(file, 'utf8');
const wanted = renderReadme(present, readScriptHeads(folder));
if (values.check) {
  if (present !== wanted) {
    console.error('conformance/scripts/README.md is out of date: run node scripts/list-scripts.mjs');
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, wanted);
}
