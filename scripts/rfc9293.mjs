// Writes docs/rfc9293.md from the list of requirements (test/rfc9293) and the tags in code, tests and scripts, after
// `npm run build`.
//   node scripts/rfc9293.mjs [--check]
// With --check it writes nothing. Exits 1 for a missing or stale tag, and with --check for a stale page.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { findFaults, renderReport } from '../dist/test/rfc9293/report.js';
import { REQUIREMENTS } from '../dist/test/rfc9293/requirements.js';
import { findTags } from '../dist/test/rfc9293/tags.js';
import { readArguments } from './arguments.mjs';

const { values } = readArguments({ check: { type: 'boolean' } });
const root = resolve(import.meta.dirname, '..');
const file = resolve(root, 'docs/rfc9293.md');
const tags = findTags(root);
const faults = findFaults(REQUIREMENTS, tags);
const wanted = renderReport(REQUIREMENTS, tags);
if (values.check) {
  const present = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (present !== wanted) faults.push('docs/rfc9293.md is out of date: run node scripts/rfc9293.mjs');
} else {
  writeFileSync(file, wanted);
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
