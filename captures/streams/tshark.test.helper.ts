// What tshark makes of a capture: stream numbers of frames, and the bytes of a followed stream. For tests.

import { execFileSync, spawnSync } from 'node:child_process';
import type { Direction, StreamSink } from './conversation.js';
import { readStreams } from './table.js';

export const hasTshark =
  spawnSync('tshark', ['--version']).status === 0 || process.env.NETCHANNEL_REQUIRE_TSHARK === '1';

/** Options that keep application protocols out of it: only TCP's own view counts. */
function plain(ports: readonly number[]): string[] {
  return ports.flatMap((port) => ['-d', `tcp.port==${port},data`]);
}

function tshark(path: string, ports: readonly number[], args: readonly string[]): string {
  return execFileSync('tshark', ['-r', path, ...plain(ports), ...args], {
    encoding: 'latin1',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 28,
  });
}

/** Stream number of each frame, -1 for none. */
export function tsharkNumbers(path: string, ports: readonly number[] = []): number[] {
  const rows = tshark(path, ports, ['-T', 'fields', '-e', 'tcp.stream']).split('\n').slice(0, -1);
  return rows.map((row) => (row === '' ? -1 : Number(row.split(',').at(-1))));
}

/**
 * Bytes of every stream in each direction, by the end that the first packet came from.
 * tshark writes a hole as text and a NUL between the bytes, and passes over what a snapped packet lacks in silence.
 */
export function tsharkFollow(path: string, streams: number, ports: readonly number[]): [Buffer, Buffer][] {
  const args = Array.from({ length: streams }, (_, i) => ['-z', `follow,tcp,raw,${i}`]).flat();
  const followed: [Buffer, Buffer][] = [];
  for (let first = 0; first < streams; first += 200) {
    const part = args.slice(first * 2, (first + 200) * 2);
    const text = tshark(path, ports, ['-q', ...part]);
    const blocks = text.split(/^Follow: tcp,raw$/m).slice(1);
    for (const block of blocks) {
      const [, number] = /^Filter: tcp\.stream eq (\d+)$/m.exec(block)!;
      const lines = block.split('\n').filter((line) => /^\t?[0-9a-f]+$/.test(line));
      const of = (mine: (line: string) => boolean): Buffer =>
        Buffer.from(lines.filter(mine).join('').replaceAll('\t', ''), 'hex');
      followed[Number(number)] = [of((l) => l[0] !== '\t'), of((l) => l[0] === '\t')];
    }
  }
  return followed;
}

/** Our bytes in tshark's form: holes as its text; nothing behind a hole that nobody has acknowledged. */
export async function ourFollow(path: string): Promise<{ streams: [Buffer, Buffer][]; ports: number[] }> {
  const parts: [Buffer[], Buffer[]][] = [];
  const ended: [boolean, boolean][] = [];
  const ports = new Set<number>();
  const put = (index: number, direction: Direction, bytes: Buffer): void => {
    if (!ended[index]![direction]) parts[index]![direction].push(bytes);
  };
  const sink: StreamSink = {
    opened(stream) {
      parts[stream.index] = [[], []];
      ended[stream.index] = [false, false];
      for (const end of stream.ends) ports.add(end.port);
    },
    data: (stream, direction, bytes) => put(stream.index, direction, Buffer.from(bytes)),
    gap(stream, direction, length, cause) {
      if (cause === 'end') ended[stream.index]![direction] = true;
      if (cause === 'lost')
        put(stream.index, direction, Buffer.from(`[${length} bytes missing in capture file]\0`));
    },
  };
  await readStreams(path, sink);
  return {
    streams: parts.map(([a, b]) => [Buffer.concat(a), Buffer.concat(b)]),
    ports: [...ports],
  };
}
