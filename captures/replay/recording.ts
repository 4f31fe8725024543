// The packets of one conversation of a capture, kept together so that one side of it can be played. Sequence numbers are
// relative to each side's SYN (0; the first byte is 1) and do not wrap; times are µs since its first packet.

import { seqDiff } from '../../stack/wire/seq.js';
import { TCP_ACK, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { parseTcpOptions, TcpOptions } from '../../stack/wire/tcp-options.js';
import { type Conversation, type Direction, type StreamSink, timeOf } from '../streams/conversation.js';
import type { IcmpAboutTcp, Segment } from '../streams/segment.js';
import { readStreams, type StreamTable } from '../streams/table.js';
import { inPackets } from './big-tcp.js';
import { type Directed, inOrder, RecordedClock } from './clock.js';
import { undamaged } from './damage.js';

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
  /** What the capture lacks or lies about, and what was done about it. */
  readonly notes: readonly string[];
}

/** Whether a TCP takes the payload of this: not of a reset, nor of what has neither SYN nor ACK (RFC 9293 section 3.10.7.4). */
export const carriesData = (p: RecordedSegment): boolean =>
  p.segment.length > 0 && (p.segment.flags & TCP_RST) === 0 && (p.segment.flags & (TCP_SYN | TCP_ACK)) !== 0;

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
  readonly packets: Directed[];
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
  const notes: string[] = [];
  if (draft.cut) notes.push('the conversation was cut at the limit of what is kept of one');
  const whole = undamaged(draft.packets);
  const damaged = draft.packets.length - whole.length;
  if (damaged > 0)
    notes.push(`${damaged} packets have a wrong checksum, unlike their sender's others: they are left out`);
  const isn = initialNumbers(whole);
  const used = whole.filter(
    ({ direction, item }) => item.kind === 'icmp' || !startsOther(item, isn[direction]),
  );
  if (used.length < whole.length)
    notes.push(`${whole.length - used.length} SYNs with other initial numbers are left out`);
  const ordered = inOrder(used);
  if (ordered !== used) notes.push('its packets are put in the order of their times');
  const { packets, jumps } = relativePackets(ordered.flatMap(inPackets), isn);
  if (jumps > 0)
    notes.push(`${jumps} pauses longer than any host tries to be heard are taken for a second each`);
  return {
    index: stream.index,
    ipv6: stream.ipv6,
    ends: [stream.endText(0), stream.endText(1)],
    ports: [stream.ends[0].port, stream.ends[1].port],
    packets,
    client: stream.client,
    isn,
    notes,
  };
}

/** A SYN that does not begin what the other packets go on with. */
const startsOther = (item: Segment, isn: number): boolean =>
  (item.flags & (TCP_SYN | TCP_RST)) === TCP_SYN && isn >= 0 && item.seq !== isn;

function relativePackets(
  packets: readonly Directed[],
  isn: readonly [number, number],
): { packets: RecordedPacket[]; jumps: number } {
  const start = packets[0] ? timeOf(packets[0].item) : 0;
  const clock = new RecordedClock();
  // The highest seen of each side, sent and acknowledged: what is near it does not wrap.
  const near: [number, number] = [0, 0];
  const acked: [number, number] = [0, 0];
  const relative = (side: Direction, number: number): number => {
    if (isn[side] < 0) return 0;
    const at = near[side] + seqDiff(number, (isn[side] + near[side]) >>> 0);
    if (at > near[side]) near[side] = at;
    return at;
  };
  const list = packets.map(({ direction, item }): RecordedPacket => {
    const time = clock.time(timeOf(item) - start, near[0] > acked[0] || near[1] > acked[1]);
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
    acked[other] = Math.max(acked[other], ack);
    if ((flags & TCP_RST) === 0) near[direction] = Math.max(near[direction], seq + numbers);
    return { kind: 'tcp', time, direction, segment: item, options, seq, end: seq + numbers, ack };
  });
  return { packets: list, jumps: clock.jumps };
}

/**
 * A side's own SYN tells, or the other's SYN with ACK; else the first of its data, or the first acknowledgment of it,
 * whatever is earlier, because packets may be out of order. Its segments without data count only where there is nothing
 * else: a keepalive probe stands one number below what comes next (RFC 9293 section 3.8.4).
 */
function initialNumbers(packets: readonly Directed[]): [number, number] {
  const syns: [number[], number[]] = [[], []];
  const answered: [number, number] = [-1, -1];
  const guess: [number, number] = [-1, -1];
  const bare: [number, number] = [-1, -1];
  for (const { direction, item } of packets) {
    if (item.kind === 'icmp' || item.flags & TCP_RST) continue;
    const other = (1 - direction) as Direction;
    const implied = (item.seq - 1) >>> 0;
    const theirs = item.flags & TCP_ACK ? (item.ack - 1) >>> 0 : -1;
    if (item.flags & TCP_SYN) {
      syns[direction].push(item.seq);
      if (answered[other] < 0) answered[other] = theirs;
      continue;
    }
    earlier(item.length > 0 ? guess : bare, direction, implied);
    if (theirs >= 0) earlier(guess, other, theirs);
  }
  const of = (side: Direction): number => {
    const told = [answered, guess, bare].find((numbers) => numbers[side] >= 0)?.[side] ?? -1;
    const away = (isn: number): number => Math.abs(seqDiff(isn, told));
    const syn = syns[side].reduce(
      (best, isn) => (best < 0 || (told >= 0 && away(isn) < away(best)) ? isn : best),
      -1,
    );
    return syn >= 0 ? syn : told;
  };
  return [of(0), of(1)];
}

function earlier(marks: [number, number], side: Direction, number: number): void {
  if (marks[side] < 0 || seqDiff(number, marks[side]) < 0) marks[side] = number;
}

/** The host began with a SYN of its own: it connected, whoever was first. */
export function connects({ packets }: Recording, side: Direction): boolean {
  const first = packets.find((p) => p.kind === 'tcp' && p.direction === side);
  return first?.kind === 'tcp' && (first.segment.flags & (TCP_SYN | TCP_ACK)) === TCP_SYN;
}
