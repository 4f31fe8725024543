// The script's lines with what happened beside each: packets as they were on the wire, in the script's numbers, and the
// failure in its place with expected against actual.

import { timeText } from '../../runner/print-packet.js';
import type { EventRecord, PacketRecord, RunResult } from '../../runner/result.js';
import { escapeXml, type ReportedRun } from '../reporter.js';

export function script(run: ReportedRun, id: string): string {
  const { result, source } = run;
  if (source === '') return '';
  const failedLine = result.failure?.span?.line ?? -1;
  const byLine = packetsByLine(result);
  const rows = source
    .replace(/\n$/, '')
    .split('\n')
    .map((text, i) => {
      const number = i + 1;
      const event = result.events.find((e) => e.line === number);
      const state = number === failedLine ? 'failed' : stateOf(result, event);
      const seen = [
        ...(byLine.get(number) ?? []).map((p) => packetCell(p, number === failedLine)),
        ...(number === failedLine ? [failureCell(result)] : []),
        ...(event && event.kind !== 'packet' && event.time !== null
          ? [`<i>${timeText(event.time)}</i>`]
          : []),
      ];
      return `<tr class="${state}" id="${id}L${number}"><td class="line">${number}</td><td class="text">${escapeXml(text)}</td><td class="seen">${seen.join('\n')}</td></tr>`;
    });
  const strays = result.packets.filter((p) => p.line === null);
  const rest =
    strays.length > 0
      ? `<p>Of no event:</p><pre>${strays.map((p) => packetCell(p, false)).join('\n')}</pre>`
      : '';
  return `<table class="script"><tbody>${rows.join('\n')}</tbody></table>${rest}`;
}

function stateOf(result: RunResult, event: EventRecord | undefined): string {
  if (event) return event.status;
  return result.events.length > 0 ? '' : 'pending';
}

function packetsByLine(result: RunResult): Map<number, PacketRecord[]> {
  const map = new Map<number, PacketRecord[]>();
  for (const p of result.packets) {
    if (p.line === null) continue;
    const list = map.get(p.line);
    if (list) list.push(p);
    else map.set(p.line, [p]);
  }
  return map;
}

function packetCell(p: PacketRecord, failed: boolean): string {
  const wrong = p.fate === 'differs' && failed;
  const kind = wrong ? 'differs' : p.fate === 'ignored' ? 'ignored' : p.direction;
  return `<i>${timeText(p.time)}</i> <span class="${kind}">${p.direction === 'in' ? '&lt;' : '&gt;'} ${escapeXml(p.text)}</span>`;
}

function failureCell(result: RunResult): string {
  const { failure } = result;
  if (!failure) return '';
  if (failure.expected === null || failure.actual === null) {
    return `<span class="differs">${escapeXml(failure.summary)}</span>`;
  }
  const field = failure.field ? `${escapeXml(failure.field)}: ` : '';
  return `<b>${field}</b>expected <span class="expected">${escapeXml(failure.expected)}</span>, got <span class="differs">${escapeXml(failure.actual)}</span>`;
}
