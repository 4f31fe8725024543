// The TCP conversations of a capture, numbered as Wireshark numbers them, in one pass and bounded memory: when too many
// are open the one that was silent longest is closed (a packet of it that still comes begins a new one then).

import type { Frame } from '../frame.js';
import { readCapture } from '../read/open.js';
import { Conversation, type StreamSink } from './conversation.js';
import { type DecoderCounters, PacketDecoder } from './decoder.js';
import type { IcmpAboutTcp, Segment } from './segment.js';

export interface StreamTableOptions {
  /** Told now and then how many frames `readStreams` has read. */
  readonly onFrames?: (frames: number) => void;
  /** Conversations that are kept open at most. Default 65,536. */
  readonly conversations?: number;
  /** Bytes of one direction that may wait behind a hole. Default 4 MiB. */
  readonly held?: number;
  /** Bytes of incomplete fragmented packets. Default 4 MiB. */
  readonly fragments?: number;
}

export class StreamTable {
  private readonly decoder: PacketDecoder;
  private readonly sink: StreamSink;
  private readonly conversations: number;
  private readonly held: number;
  /** In the order of their last packets: a Map keeps the order of insertion. */
  private readonly open = new Map<string, Conversation>();
  private count = 0;

  constructor(sink: StreamSink, options: StreamTableOptions = {}) {
    this.sink = sink;
    this.conversations = options.conversations ?? 65_536;
    this.held = options.held ?? 4 << 20;
    this.decoder = new PacketDecoder(options.fragments);
  }

  /** Conversations so far. */
  get size(): number {
    return this.count;
  }

  get counters(): DecoderCounters {
    return this.decoder.counters;
  }

  add(frame: Frame): void {
    const found = this.decoder.decode(frame);
    if (found === null) return;
    if (found.kind === 'icmp') this.message(found);
    else this.segment(found);
  }

  /** Closes all that is open. */
  finish(): void {
    const all = [...this.open.values()].sort((a, b) => a.index - b.index);
    this.open.clear();
    for (const stream of all) stream.finish();
  }

  private segment(segment: Segment): void {
    const { source, sourcePort, destination, destinationPort } = segment;
    const key = keyOf(source, sourcePort, destination, destinationPort);
    let stream = this.open.get(key);
    if (stream !== undefined) this.open.delete(key);
    if (stream?.isReusedBy(segment)) {
      stream.finish();
      stream = undefined;
    }
    stream ??= this.begin(segment);
    this.open.set(key, stream);
    stream.add(segment);
  }

  private message(message: IcmpAboutTcp): void {
    const { quotedSource, quotedSourcePort, quotedDestination, quotedDestinationPort } = message;
    const key = keyOf(quotedSource, quotedSourcePort, quotedDestination, quotedDestinationPort);
    let stream = this.open.get(key);
    if (stream === undefined && message.telling) {
      stream = this.begin(message);
      this.open.set(key, stream);
    }
    stream?.about(message);
  }

  private begin(first: Segment | IcmpAboutTcp): Conversation {
    if (this.open.size >= this.conversations) this.closeOldest();
    const stream = new Conversation(this.count++, first, this.sink, this.held);
    this.sink.opened?.(stream);
    return stream;
  }

  private closeOldest(): void {
    for (const [key, stream] of this.open) {
      this.open.delete(key);
      stream.finish();
      return;
    }
  }
}

/** The same for both directions. */
function keyOf(
  source: Uint8Array,
  sourcePort: number,
  destination: Uint8Array,
  destinationPort: number,
): string {
  const a = half(source, sourcePort);
  const b = half(destination, destinationPort);
  return a < b ? a + b : b + a;
}

function half(address: Uint8Array, port: number): string {
  return `${String.fromCharCode(port)}${Buffer.from(address.buffer, address.byteOffset, 16).toString('latin1')}`;
}

/** Frames between two calls of `onFrames`. */
const TELL = 10_000;

/** Feeds a whole capture to a sink. @throws CaptureError as `readCapture`, after the streams so far have been finished */
export async function readStreams(
  path: string,
  sink: StreamSink,
  options: StreamTableOptions = {},
): Promise<StreamTable> {
  const table = new StreamTable(sink, options);
  try {
    let frames = 0;
    for await (const frame of readCapture(path)) {
      table.add(frame);
      if (++frames % TELL === 0) options.onFrames?.(frames);
    }
  } finally {
    table.finish();
  }
  return table;
}
