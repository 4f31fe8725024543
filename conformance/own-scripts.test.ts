// Every own script on the embedded stack, inside the test run: `npm test` alone says whether the stack behaves, and
// coverage sees the stack at work. `netchannel conform` runs the same scripts with reports for people.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_VERSIONS, namedVersionInText, versionsFor } from './runner/presets.js';
import { runScript } from './runner/run.js';
import { targetFactory } from './targets/registry.js';

const folder = resolve(import.meta.dirname, '../../conformance/scripts');
const target = await targetFactory('stack');
const topics = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'common')
  .map((entry) => entry.name);

describe.each(topics)('%s', (topic) => {
  const scripts = readdirSync(join(folder, topic)).filter((name) => name.endsWith('.pkt'));

  it.each(scripts)('%s', async (name) => {
    const file = join(folder, topic, name);
    const text = readFileSync(file, 'utf8');
    const named = namedVersionInText(text);
    for (const ipVersion of named === null ? versionsFor(file, DEFAULT_VERSIONS) : [named]) {
      const result = await runScript(text, { file, target, ipVersion, strictEnd: true, record: false });
      expect(result.verdict, result.reason).toBe('passed');
    }
  });
});
