// Where reports go: streams, files, and a line of progress on a terminal that never gets into either.

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

export interface Sink {
  write(text: string): void;
  close(): void;
}

export function streamSink(stream: NodeJS.WriteStream, progress: Progress | null): Sink {
  return {
    write(text) {
      progress?.clear();
      stream.write(text);
      progress?.textEnded(text.endsWith('\n'));
    },
    close() {},
  };
}

/** A file, made with its folder. Throws as node:fs does. */
export function fileSink(path: string): Sink {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, 'w');
  return {
    write: (text) => {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    },
    close: () => closeSync(fd),
  };
}

const REDRAW_MS = 80;

/** `[12/481] 10 passed, 2 failed` on the last line of a terminal. */
export class Progress {
  private readonly stream: NodeJS.WriteStream;
  private readonly total: number | null;
  private drawn = false;
  /** A report stands in the middle of a line: drawing would wipe it out. */
  private inLine = false;
  private last = 0;

  /** @param total null: nobody knows how much there is */
  constructor(stream: NodeJS.WriteStream, total: number | null) {
    this.stream = stream;
    this.total = total;
  }

  update(done: number, text: string): void {
    const now = Date.now();
    if (this.inLine || now - this.last < REDRAW_MS) return;
    this.last = now;
    const line = `[${this.total === null ? done : `${done}/${this.total}`}] ${text}`.slice(
      0,
      (this.stream.columns || 80) - 1,
    );
    this.stream.write(`\r\x1b[2K${line}`);
    this.drawn = true;
  }

  /** Text went to the terminal; `newline`: its last line is complete. */
  textEnded(newline: boolean): void {
    this.inLine = !newline;
  }

  clear(): void {
    if (!this.drawn) return;
    this.stream.write('\r\x1b[2K');
    this.drawn = false;
  }
}
