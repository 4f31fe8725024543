// `netchannel streams`: the TCP streams of a capture, or the bytes of one direction of one of them.

import { createHash, type Hash } from 'node:crypto';
import { Command, Option } from 'commander';
import { CaptureError } from '../captures/errors.js';
import type { Conversation, Direction, StreamSink } from '../captures/streams/conversation.js';
import type { DecoderCounters } from '../captures/streams/decoder.js';
import { readStreams } from '../captures/streams/table.js';
import { EXIT_OK, EXIT_USAGE, UsageError } from './exit.js';
import { Progress } from './output.js';
import { streamNumber } from './replay.js';

interface StreamsFlags {
  readonly stream: string;
  readonly from?: 'client' | 'server';
  readonly json?: true;
}

export function streamsCommand(): Command {
  return new Command('streams')
    .description('List the TCP streams of a capture, or write the bytes of one')
    .argument('<capture>', 'a pcap or pcapng file, in gzip or not; - reads standard input')
    .option('--stream <n>', "one stream by its number (Wireshark's tcp.stream), or all", 'all')
    .addOption(
      new Option('--from <side>', 'write what this side of the stream sent, as it is').choices([
        'client',
        'server',
      ]),
    )
    .option('--json', 'one object a line instead of text, with a SHA-256 of the bytes each way')
    .addHelpText(
      'after',
      `
Streams appear when they end, in one pass and bounded memory. Bytes that the capture lacks are counted as gaps; --from
leaves them out and says so on standard error. What could not be read is said there, too.
Exit status: 0 the capture was read, 2 it cannot be read or the usage is wrong.

  netchannel streams trace.pcapng
  tcpdump -w - tcp | netchannel streams - --json
  netchannel streams trace.pcap.gz --stream 3 --from server > answer.bin`,
    )
    .exitOverride()
    .action(async (path: string, flags: StreamsFlags) => {
      process.exitCode = await streams(path, flags);
    });
}

async function streams(path: string, flags: StreamsFlags): Promise<number> {
  const wanted = streamNumber(flags.stream);
  if (flags.from !== undefined && wanted === undefined)
    throw new UsageError('--from: name one stream with --stream N');
  const lister = new Lister(flags, wanted);
  let failed = false;
  try {
    const table = await readStreams(path, lister);
    for (const line of unread(table.counters)) process.stderr.write(`netchannel streams: ${line}\n`);
    if (wanted !== undefined && wanted >= table.size)
      throw new UsageError(`${path}: no stream ${wanted} in it`);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    lister.progress?.clear();
    process.stderr.write(`netchannel streams: ${error.message}\n`);
    failed = true;
  }
  return failed ? EXIT_USAGE : EXIT_OK;
}

/** What a capture holds that is in no stream, where that may surprise. */
export function unread(counters: DecoderCounters): string[] {
  const lines = [...counters.unknownLinks].map(
    ([type, frames]) => `${frames} frames of link type ${type} cannot be read`,
  );
  if (counters.malformed > 0) lines.push(`${counters.malformed} packets make no sense`);
  if (counters.fragmentsDropped > 0)
    lines.push(`${counters.fragmentsDropped} IP fragments were of no use: cut off or never complete`);
  if (counters.tunnelled > 0) lines.push(`${counters.tunnelled} TCP segments came through tunnels`);
  return lines;
}

/** Sums up each stream while it passes. */
class Lister implements StreamSink {
  readonly progress = process.stderr.isTTY ? new Progress(process.stderr, null) : null;
  private readonly flags: StreamsFlags;
  private readonly wanted: number | undefined;
  private readonly hashes = new Map<number, [Hash, Hash]>();
  private packets = 0;

  constructor(flags: StreamsFlags, wanted: number | undefined) {
    this.flags = flags;
    this.wanted = wanted;
  }

  private isWanted(stream: Conversation): boolean {
    return this.wanted === undefined || stream.index === this.wanted;
  }

  opened(stream: Conversation): void {
    if (this.flags.json && this.isWanted(stream))
      this.hashes.set(stream.index, [createHash('sha256'), createHash('sha256')]);
  }

  segment(): void {
    if (++this.packets % 4096 === 0) this.progress?.update(this.packets, 'packets');
  }

  data(stream: Conversation, direction: Direction, bytes: Uint8Array): void {
    this.hashes.get(stream.index)?.[direction].update(bytes);
    // Who the client is, the handshake has told by now.
    if (this.flags.from && this.isWanted(stream) && this.isFrom(stream, direction))
      process.stdout.write(Buffer.from(bytes));
  }

  gap(stream: Conversation, direction: Direction, length: number, cause: string): void {
    if (this.flags.from && this.isWanted(stream) && this.isFrom(stream, direction))
      process.stderr.write(`netchannel streams: ${length} bytes are missing here (${cause})\n`);
  }

  private isFrom(stream: Conversation, direction: Direction): boolean {
    return (direction === stream.client) === (this.flags.from === 'client');
  }

  closed(stream: Conversation): void {
    if (!this.isWanted(stream) || this.flags.from) return;
    this.progress?.clear();
    process.stdout.write(`${this.flags.json ? this.object(stream) : this.line(stream)}\n`);
  }

  private line(stream: Conversation): string {
    const [there, back] = stream.counters;
    const gaps = there.missing + back.missing;
    const parts = [
      `stream ${stream.index}  ${stream.endText(0)} > ${stream.endText(1)}`,
      `${stream.packets} packets`,
      `${there.bytes} bytes >, ${back.bytes} <`,
    ];
    if (gaps > 0) parts.push(`${gaps} bytes missing`);
    if (!stream.syn) parts.push('no SYN');
    if (!stream.over) parts.push('no end');
    return parts.join('  ');
  }

  private object(stream: Conversation): string {
    const digests = this.hashes.get(stream.index)!.map((hash) => hash.digest('hex'));
    this.hashes.delete(stream.index);
    const ends = ([0, 1] as const).map((side) => ({
      address: stream.endText(side),
      ...stream.counters[side],
      sha256: digests[side],
    }));
    return JSON.stringify({
      stream: stream.index,
      client: stream.client,
      packets: stream.packets,
      firstFrame: stream.firstFrame,
      seconds: Number(((stream.last - stream.began) / 1e6).toFixed(6)),
      syn: stream.syn,
      over: stream.over,
      snapped: stream.snapped,
      ends,
    });
  }
}
