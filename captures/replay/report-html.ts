// Replays as one HTML page: totals, a table of streams, and for each a time-sequence diagram of what our stack did above
// that of the recording, with problems, differences and notes.

import { diagram } from '../../conformance/report/html/diagram.js';
import { STYLE } from '../../conformance/report/html/style.js';
import { SWITCHES } from '../../conformance/report/html/switches.js';
import { escapeXml, summaryLine, type Totals } from '../../conformance/report/reporter.js';
import { decodePacket } from '../../conformance/runner/decode.js';
import { tcpText } from '../../conformance/runner/print-packet.js';
import type { PacketRecord } from '../../conformance/runner/result.js';
import { OPTION_SACK, sackBlocks } from '../../conformance/runner/tcp-options.js';
import { seqDiff } from '../../stack/wire/seq.js';
import { TCP_ACK } from '../../stack/wire/tcp.js';
import type { RecordedSegment } from './recording.js';
import type { ReplayResult } from './verdict.js';

export class ReplayPage {
  private readonly rows: string[] = [];
  private readonly sections: string[] = [];

  add(result: ReplayResult): void {
    const id = `run${this.rows.length}`;
    const name = escapeXml(nameOf(result));
    this.rows.push(
      `<tr class="${result.verdict}" data-verdict="${result.verdict}" data-name="${name}"><td><b>${result.verdict}</b></td><td><a href="#${id}">${name}</a></td><td>${escapeXml(result.ends.join(' ↔ '))}</td><td class="number">${result.bytesSent}</td><td class="number">${result.bytesRead}</td><td>${escapeXml(result.reason)}</td></tr>\n`,
    );
    this.sections.push(section(result, id, name));
  }

  text(totals: Totals): string {
    const head = `<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>${summaryLine(totals)}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n`;
    const { passed, failed, skipped } = totals;
    const top = `<header><h1>Captures replayed against the stack</h1><p class="totals"><b class="passed">${passed} passed</b> <b class="failed">${failed} failed</b> <b class="skipped">${skipped} skipped</b></p><p class="tools"><label>Show <select id="show"><option value="all">all streams</option><option value="failed">failed</option><option value="skipped">skipped</option><option value="passed">passed</option></select></label> <label>Find <input id="find" type="search" placeholder="part of a name"></label></p></header>\n`;
    const table = `<table class="runs"><thead><tr><th>verdict</th><th>stream</th><th>ends</th><th>bytes sent</th><th>bytes read</th><th>why</th></tr></thead><tbody>\n${this.rows.join('')}</tbody></table>\n`;
    return `${head}${top}${table}${this.sections.join('')}<script>${SWITCHES}</script>\n</body>\n</html>\n`;
  }
}

export const nameOf = (result: ReplayResult): string =>
  `${result.capture} stream ${result.stream} as ${result.role}`;

function section(result: ReplayResult, id: string, name: string): string {
  const open = result.verdict === 'failed' ? ' open' : '';
  const lists = [
    ...part('Problems', result.problems),
    ...part('What our stack did in another way', result.differences),
    ...part('What is to be known of the capture', result.notes),
  ];
  const skipped = result.verdict === 'skipped' ? `<pre class="reason">${escapeXml(result.reason)}</pre>` : '';
  return `<details class="${result.verdict}" id="${id}" data-verdict="${result.verdict}" data-name="${name}"${open}><summary><b>${result.verdict}</b> ${name}</summary>\n${skipped}${lists.join('')}${drawings(result)}</details>\n`;
}

function part(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return [`<p>${title}:</p><ul>${lines.map((line) => `<li>${escapeXml(line)}</li>`).join('')}</ul>\n`];
}

function drawings(result: ReplayResult): string {
  const { played, situation } = result;
  if (!played || !situation) return '';
  const ours = replayedPackets(result);
  const recorded = recordedPackets(result);
  const end = (packets: readonly PacketRecord[]): number => packets.at(-1)?.time ?? 0;
  return (
    diagram(
      { packets: ours, scriptMicroseconds: end(ours) },
      { out: 'Replay: our stack sends', in: 'Replay: the recorded peer sends' },
    ) +
    diagram(
      { packets: recorded, scriptMicroseconds: end(recorded) },
      { out: 'Recording: this side sent', in: 'Recording: the peer sent' },
    )
  );
}

/** What went both ways in the replay, in relative numbers. */
function replayedPackets(result: ReplayResult): PacketRecord[] {
  const { observer, peer } = result.played!;
  const { recording, side } = result.situation!;
  const packets: PacketRecord[] = observer.sent.map((s) => ({
    time: s.time,
    direction: 'out',
    bytes: s.packet.bytes,
    ...relative(s.packet.bytes, observer.isn, recording.isn[1 - side]!),
    fate: s.problem === null ? 'matched' : 'differs',
    line: null,
    flow: 0,
  }));
  for (const p of peer) {
    const { text, tcp } = relative(p.bytes, recording.isn[1 - side]!, observer.isn);
    packets.push({
      time: p.time,
      direction: 'in',
      bytes: p.bytes,
      text: p.made ? `${text} (made up)` : text,
      tcp,
      fate: 'injected',
      line: null,
      flow: 0,
    });
  }
  return packets.sort((a, b) => a.time - b.time);
}

function relative(bytes: Uint8Array, own: number, other: number): Pick<PacketRecord, 'text' | 'tcp'> {
  const packet = decodePacket(bytes, 0);
  const t = packet.transport;
  if (t.kind !== 'tcp') return { text: 'ICMP', tcp: null };
  const sack = t.options
    .filter((o) => o.kind === OPTION_SACK)
    .flatMap((o) =>
      sackBlocks(o.data).map((b) => [seqDiff(b.left, other), seqDiff(b.right, other)] as const),
    );
  t.sequence = seqDiff(t.sequence, own) >>> 0;
  if (t.flags & TCP_ACK) t.ack = seqDiff(t.ack, other) >>> 0;
  return {
    text: tcpText(t, packet.payloadLength),
    tcp: {
      flags: t.flags,
      sequence: t.sequence,
      length: packet.payloadLength,
      ack: t.flags & TCP_ACK ? t.ack : 0,
      window: t.window,
      sack,
    },
  };
}

function recordedPackets(result: ReplayResult): PacketRecord[] {
  const { recording, side } = result.situation!;
  return recording.packets
    .filter((p): p is RecordedSegment => p.kind === 'tcp')
    .map((p) => ({
      time: p.time,
      direction: p.direction === side ? ('out' as const) : ('in' as const),
      bytes: p.segment.payload,
      text: lineOf(p),
      fate: 'matched' as const,
      line: null,
      flow: 0,
      tcp: {
        flags: p.segment.flags,
        sequence: Math.max(0, p.seq),
        length: p.segment.length,
        ack: Math.max(0, p.ack),
        window: p.segment.window,
        sack: Array.from({ length: p.options.sackCount }, (_, i) => {
          const base = recording.isn[1 - p.direction]!;
          return [seqDiff(p.options.sack[2 * i]!, base), seqDiff(p.options.sack[2 * i + 1]!, base)] as const;
        }),
      },
    }));
}

function lineOf(p: RecordedSegment): string {
  const scale = p.options.wscale >= 0 ? ` <wscale ${p.options.wscale}>` : '';
  return `frame ${p.segment.frame.number}: seq ${p.seq} length ${p.segment.length} ack ${p.ack} win ${p.segment.window}${scale}`;
}
