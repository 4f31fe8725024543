// How far the reading of a long capture is: a line that stays in its place on a terminal, elsewhere one every half minute.

const REDRAW_MS = 200;
const LINE_MS = 30_000;

export interface FrameProgress {
  readonly onFrames: (frames: number) => void;
  /** Takes the terminal's line away: text follows, or the end. */
  clear(): void;
}

export function frameProgress(path: string, clock: () => number = Date.now): FrameProgress {
  const { stderr } = process;
  const began = clock();
  let last = stderr.isTTY ? 0 : began;
  let drawn = false;
  return {
    onFrames(frames) {
      const now = clock();
      if (now - last < (stderr.isTTY ? REDRAW_MS : LINE_MS)) return;
      last = now;
      const line = `${path}: ${frames} frames read in ${Math.round((now - began) / 1000)} s`;
      stderr.write(stderr.isTTY ? `\r\x1b[2K${line.slice(0, (stderr.columns || 80) - 1)}` : `${line}\n`);
      drawn = stderr.isTTY === true;
    },
    clear() {
      if (drawn) stderr.write('\r\x1b[2K');
      drawn = false;
    },
  };
}
