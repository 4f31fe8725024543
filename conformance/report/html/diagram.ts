// The time-sequence diagram of a run, as tcptrace draws it: time to the right, sequence numbers upwards, a panel for
// each direction of each flow. Data as bars, retransmissions in another colour, the ACK line of the other side, the
// window's edge above it, SACK blocks, and marks for SYN, FIN, RST and packets that were not as they should be.

import type { PacketRecord, RunResult } from '../../runner/result.js';
import { escapeXml } from '../reporter.js';
import { Axes } from './axes.js';
import { isDrawable, type Side, sidesOf } from './sides.js';

const FIN = 1;
const SYN = 2;
const RST = 4;

/** What a diagram is drawn from. */
export type Drawable = Pick<RunResult, 'packets' | 'scriptMicroseconds'>;

/** Captions: who sends in each direction. */
export interface Senders {
  readonly out: string;
  readonly in: string;
}

const SCRIPT: Senders = { out: 'The target sends', in: 'The script sends' };

export function diagram(result: Drawable, senders: Senders = SCRIPT): string {
  const packets = result.packets.filter(isDrawable);
  if (packets.length < 2) return '';
  const sides = sidesOf(packets);
  if (sides.length === 0) return '';
  const flows = [...new Set(sides.map((side) => side.flow))];
  return sides.map((side) => panel(side, result, flows, senders)).join('');
}

function panel(side: Side, result: Drawable, flows: readonly number[], senders: Senders): string {
  const axes = new Axes(side, result);
  const parts: string[] = [axes.grid()];
  parts.push(steps('win', side.window, axes), steps('ack', side.acks, axes));
  for (const s of side.sacks)
    parts.push(bar('sack', s.time, s.left, s.right, axes, 'selectively acknowledged'));
  let highest = -1;
  for (const p of side.segments) {
    const { sequence, length, flags } = p.tcp!;
    const end = sequence + length;
    const again = length > 0 && end <= highest;
    highest = Math.max(highest, end);
    const wrong = p.fate === 'differs' || p.fate === 'ignored';
    const kind = wrong ? 'wrong' : again ? 'again' : 'data';
    if (length > 0) parts.push(bar(kind, p.time, sequence, end, axes, title(p, again)));
    else if (wrong) parts.push(cross(p, axes));
    const name = flags & RST ? 'RST' : flags & SYN ? 'SYN' : flags & FIN ? 'FIN' : '';
    if (name) parts.push(mark(name, p, axes));
  }
  const who = senders[side.direction];
  const flow = flows.length > 1 ? ` (connection ${flows.indexOf(side.flow) + 1})` : '';
  return `<figure><figcaption>${escapeXml(who)}${flow}</figcaption><svg viewBox="0 0 ${Axes.WIDTH} ${Axes.HEIGHT}" role="img" aria-label="${escapeXml(who)}: time-sequence diagram">${parts.join('')}${key(side)}</svg></figure>\n`;
}

function title(p: PacketRecord, again: boolean): string {
  const notes = [
    again ? 'sent again' : '',
    p.fate === 'differs' ? 'not as expected' : '',
    p.fate === 'ignored' ? 'of no event' : '',
  ];
  return `${(p.time / 1e6).toFixed(6)} ${p.direction === 'in' ? '<' : '>'} ${p.text} ${notes.filter(Boolean).join(', ')}`.trim();
}

function bar(kind: string, time: number, from: number, to: number, axes: Axes, text: string): string {
  const x = axes.x(time);
  return `<line class="${kind}" x1="${x}" x2="${x}" y1="${axes.y(from)}" y2="${axes.y(to)}"><title>${escapeXml(text)}</title></line>`;
}

function cross(p: PacketRecord, axes: Axes): string {
  const x = axes.x(p.time);
  const y = axes.y(p.tcp!.sequence);
  return `<path class="drop" d="M${x - 4} ${y - 4}l8 8m0 -8l-8 8"><title>${escapeXml(title(p, false))}</title></path>`;
}

function mark(name: string, p: PacketRecord, axes: Axes): string {
  const x = axes.x(p.time);
  const y = axes.y(p.tcp!.sequence + p.tcp!.length);
  return `<circle class="flag" cx="${x}" cy="${y}" r="2.5"><title>${escapeXml(title(p, false))}</title></circle><text x="${x + 4}" y="${y - 5}">${name}</text>`;
}

/** A line that keeps its height until the next point. */
function steps(kind: string, points: readonly { time: number; value: number }[], axes: Axes): string {
  if (points.length === 0) return '';
  let path = `M${axes.x(points[0]!.time)} ${axes.y(points[0]!.value)}`;
  for (const p of points.slice(1)) path += `H${axes.x(p.time)}V${axes.y(p.value)}`;
  return `<path class="${kind}" d="${path}H${axes.right}"/>`;
}

function key(side: Side): string {
  const entries: [string, string][] = [
    ['data', 'data'],
    ['again', 'sent again'],
    ['ack', 'acknowledged'],
    ['win', 'window'],
    ...(side.sacks.length > 0 ? ([['sack', 'SACK']] as [string, string][]) : []),
  ];
  return entries
    .map(([kind, text], i) => {
      const x = 70 + i * 110;
      return `<line class="${kind} key" x1="${x}" x2="${x + 16}" y1="10" y2="10"/><text x="${x + 21}" y="14">${text}</text>`;
    })
    .join('');
}
