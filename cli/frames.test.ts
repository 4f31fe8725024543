// The line that tells how far a long capture is read: every half minute where there is no terminal, and never before.
import { afterEach, expect, it, vi } from 'vitest';
import { frameProgress } from './frames.js';

afterEach(() => vi.restoreAllMocks());

it('a line every half minute', () => {
  const written: string[] = [];
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  const terminal = process.stderr.isTTY;
  process.stderr.isTTY = false;
  let now = 1_000_000;
  const { onFrames, clear } = frameProgress('trace.pcap', () => now);
  onFrames(10_000);
  now += 29_000;
  onFrames(20_000);
  expect(written).toEqual([]);
  now += 2_000;
  onFrames(30_000);
  now += 1_000;
  onFrames(40_000);
  clear();
  process.stderr.isTTY = terminal;
  expect(written).toEqual(['trace.pcap: 30000 frames read in 31 s\n']);
});
