// The packets of one conversation of a capture, kept together so that one side of it can be played. Sequence numbers are
// relative to each side's SYN (0; the first byte is 1) and do not wrap; times are µs since its first packet.

import { seqDiff } from '../../stack/wire/seq.js';
import { TCP_ACK, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { parseTcpOptions, TcpOptions } from '../../stack/wire/tcp-options.js';
import { type Conversation, type Direction, type StreamSink, timeOf } from '../streams/conversation.js';
import type { IcmpAboutTcp, Segment } from '../streams/segment.js';
import { readStreams, type StreamTable } from '../streams/table.js';

export interface RecordedSegment {
  readonly kind: 'tcp';
  readonly time: number;
  readonly direction: Direction;
  readonly segment: Segment;
  readonly options: TcpOptions;
  /** Relative to the sender's SYN. */
  readonly seq: number;
  /** First number behind payload, SYN and FIN. */
  readonly end: number;
  /** Relative to the other side's SYN; -1 without ACK. */
  readonly ack: number;
}

export interface RecordedIcmp {
  readonly kind: 'icmp';
  readonly time: number;
  /** Who had sent the packet that it is about. */
  readonly direction: Direction;
  readonly message: IcmpAboutTcp;
  readonly quotedSeq: number;
}

export type RecordedPacket = RecordedSegment | RecordedIcmp;

export interface Recording {
  readonly index: number;
  readonly ipv6: boolean;
  /** `address:port` of both ends, the one whose packet came first in front. */
  readonly ends: readonly [string, string];
  readonly ports: readonly [number, number];
  readonly packets: readonly RecordedPacket[];
  /** Who opened the connection, as far as can be told. */
  readonly client: Direction;
  /** Absolute sequence number of each side's SYN, seen or implied; -1: nothing is known of it. */
  readonly isn: readonly [number, number];
  /** More packets than the limit: the rest was left out. */
  readonly cut: boolean;
}

export interface CollectOptions {
  /** Told now and then how many frames have been read. */
  readonly onFrames?: (frames: number) => void;
  /** Only this stream. */
  readonly stream?: number | undefined;
  /** Bytes kept of one conversation at most; what comes later is left out and said so. Default 64 MiB. */
  readonly limit?: number;
  /** Bytes kept of all conversations that are under way; beyond it streams are cut. Default 512 MiB. */
  readonly total?: number;
}

interface Draft {
  readonly packets: { direction: Direction; item: Segment | IcmpAboutTcp }[];
  bytes: number;
  cut: boolean;
}

/** What a packet costs besides its bytes. */
const PACKET_COST = 400;

/**
 * Hands every conversation of a capture to `take` when its last packet has passed, in the order of their ends; memory is
 * that of the conversations under way. @throws CaptureError as `readCapture`
 */
export async function collect(
  path: string,
  take: (recording: Recording) => void,
  options: CollectOptions = {},
): Promise<StreamTable> {
  const { onFrames } = options;
  return await readStreams(path, collector(take, options), onFrames === undefined ? {} : { onFrames });
}

/** As `collect`, for a table that somebody else feeds. */
export function collector(take: (recording: Recording) => void, options: CollectOptions = {}): StreamSink {
  const { stream: wanted, limit = 64 << 20, total = 512 << 20 } = options;
  const drafts = new Map<number, Draft>();
  let kept = 0;
  const keep = (stream: Conversation, direction: Direction, item: Segment | IcmpAboutTcp): void => {
    const draft = drafts.get(stream.index);
    if (!draft || draft.cut) return;
    const cost = PACKET_COST + item.frame.data.length;
    if (draft.bytes + cost > limit || kept + cost > total) {
      draft.cut = true;
      return;
    }
    draft.bytes += cost;
    kept += cost;
    draft.packets.push({ direction, item });
  };
  return {
    opened(stream) {
      if (wanted === undefined || stream.index === wanted)
        drafts.set(stream.index, { packets: [], bytes: 0, cut: false });
    },
    segment: keep,
    icmp: keep,
    closed(stream) {
      const draft = drafts.get(stream.index);
      if (!draft) return;
      drafts.delete(stream.index);
      kept -= draft.bytes;
      take(recordingOf(stream, draft));
    },
  };
}

function recordingOf(stream: Conversation, draft: Draft): Recording {
  const isn = initialNumbers(draft);
  const start = draft.packets[0] ? timeOf(draft.packets[0].item) : 0;
  // The highest seen of each side: what is near it does not wrap.
  const near: [number, number] = [0, 0];
  const relative = (side: Direction, number: number): number => {
    if (isn[side] < 0) return 0;
    const at = near[side] + seqDiff(number, (isn[side] + near[side]) >>> 0);
    if (at > near[side]) near[side] = at;
    return at;
  };
  const packets = draft.packets.map(({ direction, item }): RecordedPacket => {
    const time = timeOf(item) - start;
    if (item.kind === 'icmp')
      return { kind: 'icmp', time, direction, message: item, quotedSeq: relative(direction, item.quotedSeq) };
    const options = new TcpOptions();
    parseTcpOptions(item.options, 0, item.options.length, options);
    const seq = relative(direction, item.seq);
    const { flags, length } = item;
    const numbers = length + (flags & TCP_SYN ? 1 : 0) + (flags & 1);
    const other = (1 - direction) as Direction;
    // A wild acknowledgment must not move the mark by which later ones are judged.
    const before = near[other];
    const ack = flags & TCP_ACK ? relative(other, item.ack) : -1;
    near[other] = before;
    if ((flags & TCP_RST) === 0) near[direction] = Math.max(near[direction], seq + numbers);
    return { kind: 'tcp', time, direction, segment: item, options, seq, end: seq + numbers, ack };
  });
  return {
    index: stream.index,
    ipv6: stream.ipv6,
    ends: [stream.endText(0), stream.endText(1)],
    ports: [stream.ends[0].port, stream.ends[1].port],
    packets,
    client: stream.client,
    isn,
    cut: draft.cut,
  };
}

/** A side's own SYN tells; else its first packet, or the first acknowledgment of it. */
function initialNumbers(draft: Draft): [number, number] {
  const syn: [number, number] = [-1, -1];
  const guess: [number, number] = [-1, -1];
  for (const { direction, item } of draft.packets) {
    if (item.kind === 'icmp') continue;
    const other = (1 - direction) as Direction;
    if (item.flags & TCP_SYN) {
      if (syn[direction] < 0) syn[direction] = item.seq;
      continue;
    }
    if (item.flags & TCP_RST) continue;
    // The earliest of what is seen near the beginning, because packets may be out of order.
    const implied = (item.seq - 1) >>> 0;
    if (guess[direction] < 0 || seqDiff(implied, guess[direction]) < 0) guess[direction] = implied;
    if (item.flags & TCP_ACK) {
      const theirs = (item.ack - 1) >>> 0;
      if (guess[other] < 0 || seqDiff(theirs, guess[other]) < 0) guess[other] = theirs;
    }
  }
  return [syn[0] >= 0 ? syn[0] : guess[0], syn[1] >= 0 ? syn[1] : guess[1]];
}
