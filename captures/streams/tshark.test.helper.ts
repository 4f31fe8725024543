// What tshark makes of a capture: stream numbers of frames, and the bytes of a followed stream. For tests.

import { execFileSync, spawnSync } from 'node:child_process';
import type { Frame } from '../frame.js';
import type { Conversation, Direction, StreamSink } from './conversation.js';
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
function tsharkNumbers(path: string, ports: readonly number[] = []): number[] {
  const rows = tshark(path, ports, ['-T', 'fields', '-e', 'tcp.stream']).split('\n').slice(0, -1);
  return rows.map((row) => (row === '' ? -1 : Number(row.split(',').at(-1))));
}

/** A followed stream: bytes of each direction, and the end that sent the first. */
interface Followed {
  readonly first: string;
  readonly bytes: readonly [Buffer, Buffer];
}

/**
 * Bytes of every stream in each direction, by the end that the first packet with a whole header came from.
 * tshark writes a hole as text and a NUL between the bytes, and passes over what a snapped packet lacks in silence.
 */
function tsharkFollow(path: string, streams: number, ports: readonly number[]): Followed[] {
  const args = Array.from({ length: streams }, (_, i) => ['-z', `follow,tcp,raw,${i}`]).flat();
  const followed: Followed[] = [];
  for (let first = 0; first < streams; first += 200) {
    const part = args.slice(first * 2, (first + 200) * 2);
    const text = tshark(path, ports, ['-q', ...part]);
    const blocks = text.split(/^Follow: tcp,raw$/m).slice(1);
    for (const block of blocks) {
      const [, number] = /^Filter: tcp\.stream eq (\d+)$/m.exec(block)!;
      const [, first] = /^Node 0: (.*)$/m.exec(block)!;
      const lines = block.split('\n').filter((line) => /^\t?[0-9a-f]+$/.test(line));
      const of = (mine: (line: string) => boolean): Buffer =>
        Buffer.from(lines.filter(mine).join('').replaceAll('\t', ''), 'hex');
      followed[Number(number)] = {
        first: first!,
        bytes: [of((l) => l[0] !== '\t'), of((l) => l[0] === '\t')],
      };
    }
  }
  return followed;
}

/** Our bytes in tshark's form: holes as its text; nothing behind a hole that nobody has acknowledged. */
async function ourFollow(path: string): Promise<{ streams: Followed[]; ports: number[] }> {
  const parts: { first: string; bytes: [Buffer[], Buffer[]]; ended: [boolean, boolean] }[] = [];
  const ports = new Set<number>();
  const put = (index: number, direction: Direction, bytes: Buffer): void => {
    const part = parts[index]!;
    if (!part.ended[direction]) part.bytes[direction].push(bytes);
  };
  const sink: StreamSink = {
    opened(stream) {
      parts[stream.index] = { first: '', bytes: [[], []], ended: [false, false] };
      for (const end of stream.ends) ports.add(end.port);
    },
    segment(stream, direction, segment) {
      if (!segment.headerSnapped) parts[stream.index]!.first ||= stream.endText(direction);
    },
    data: (stream, direction, bytes) => put(stream.index, direction, Buffer.from(bytes)),
    gap(stream, direction, length, cause) {
      if (cause === 'end') parts[stream.index]!.ended[direction] = true;
      if (cause === 'lost')
        put(stream.index, direction, Buffer.from(`[${length} bytes missing in capture file]\0`));
    },
    closed(stream) {
      const part = parts[stream.index]!;
      // tshark names the end of the first packet that it can follow.
      if (part.first === stream.endText(1)) part.bytes.reverse();
      if (part.first === '') part.first = ':0';
    },
  };
  await readStreams(path, sink);
  return {
    streams: parts.map(({ first, bytes: [a, b] }) => ({
      first,
      bytes: [Buffer.concat(a), Buffer.concat(b)],
    })),
    ports: [...ports],
  };
}

/** Where the two differ, as text; empty when each stream has the same bytes. */
export async function followDifferences(path: string): Promise<string[]> {
  const { streams, ports } = await ourFollow(path);
  const theirs = tsharkFollow(path, streams.length, ports);
  const show = (f: Followed | undefined): string =>
    f === undefined ? 'nothing' : `${f.first} ${f.bytes.map((b) => b.toString('latin1')).join(' | ')}`;
  return streams.flatMap((ours, i) => {
    const [a, b] = [show(ours), show(theirs[i])];
    return a === b ? [] : [`stream ${i}: ${a.slice(0, 300)}; tshark ${b.slice(0, 300)}`];
  });
}

/** Frames whose stream number is another in tshark's eyes. */
export async function numberDifferences(path: string): Promise<string[]> {
  const ours: number[] = [];
  const ports = new Set<number>();
  const put = (stream: Conversation, frame: Frame): void => {
    ours[frame.number - 1] = stream.index;
  };
  await readStreams(path, {
    opened(stream) {
      for (const { port } of stream.ends) ports.add(port);
    },
    segment: (stream, _direction, { frame }) => put(stream, frame),
    malformed: (stream, _direction, { frame }) => put(stream, frame),
    icmp(stream, _direction, { frame, telling }) {
      if (telling) put(stream, frame);
    },
  });
  return tsharkNumbers(path, [...ports]).flatMap((theirs, i) =>
    (ours[i] ?? -1) === theirs ? [] : [`frame ${i + 1}: stream ${ours[i] ?? -1}; tshark ${theirs}`],
  );
}
