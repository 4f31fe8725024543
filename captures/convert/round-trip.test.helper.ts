// A script is run on the stack, its packets become a recording, and that a script again.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runScript } from '../../conformance/runner/run.js';
import { captureBytes } from '../../conformance/suite/pcap.js';
import { targetFactory } from '../../conformance/targets/registry.js';
import { collect, type Recording } from '../replay/recording.js';
import type { Role } from '../replay/situation.js';
import { convertStream } from './script.js';

export async function run(text: string) {
  return await runScript(text, { target: await targetFactory('stack'), file: 'x.pkt', ipVersion: 'ipv4' });
}

/** The packets of the script's run. @throws Error when it does not pass */
export async function recorded(script: string): Promise<Recording> {
  const result = await run(script);
  if (result.verdict !== 'passed') throw new Error(result.reason ?? '');
  const folder = mkdtempSync(join(tmpdir(), 'netchannel-round-trip-'));
  try {
    const path = join(folder, 'run.pcap');
    writeFileSync(path, captureBytes(result));
    const list: Recording[] = [];
    await collect(path, (recording) => list.push(recording));
    return list[0]!;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The streams of a capture of the corpus. */
export async function corpus(name: string): Promise<Recording[]> {
  const list: Recording[] = [];
  const folder = fileURLToPath(new URL('../../../captures/corpus/', import.meta.url));
  await collect(join(folder, name), (recording) => list.push(recording));
  return list;
}

/** The recording's side as a script, and how that one runs: '' when it passes. */
export async function converted(recording: Recording, role: Role): Promise<{ text: string; reason: string }> {
  const { text } = convertStream('x', recording, role);
  return { text, reason: (await run(text)).reason ?? '' };
}
