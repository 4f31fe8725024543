// Reading tells how far it is.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CaptureFile } from '../write/file.js';
import { readStreams } from './table.js';

it('every ten thousand frames', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'netchannel-progress-'));
  const path = join(folder, 'many.pcap');
  const file = new CaptureFile(path);
  const data = new Uint8Array(20);
  const times = { seconds: 1, nanoseconds: 0 };
  const frame = {
    number: 1,
    ...times,
    linkType: 101,
    interfaceId: 0,
    originalLength: 20,
    data,
    comments: [],
  };
  for (let i = 0; i < 20_001; i++) file.write(frame);
  file.close();
  const told: number[] = [];
  const sink = { opened() {}, segment() {}, icmp() {}, closed() {} };
  await readStreams(path, sink, { onFrames: (frames) => told.push(frames) });
  rmSync(folder, { recursive: true });
  expect(told).toEqual([10_000, 20_000]);
});
