// Replays as text for people and as JSON for machines.

import type { ReplayResult } from './verdict.js';

/** A line for the verdict, and indented ones for what there is to say. */
export function textOf(result: ReplayResult, color: boolean): string {
  const paint = (code: number, text: string): string => (color ? `\x1b[${code}m${text}\x1b[0m` : text);
  const marks = { passed: paint(32, 'passed '), failed: paint(31, 'failed '), skipped: paint(33, 'skipped') };
  const { verdict, stream, role, ends, bytesSent, bytesRead } = result;
  const amount = verdict === 'skipped' ? '' : `  ${bytesSent} bytes out, ${bytesRead} in`;
  const lines = [
    `${marks[verdict]} ${result.capture}  stream ${stream} as ${role}  ${ends.join(' > ')}${amount}`,
  ];
  const add = (title: string, list: readonly string[]): void => {
    for (const text of list) lines.push(`          ${paint(2, title)} ${text}`);
  };
  if (verdict === 'skipped') lines.push(`          ${result.reason}`);
  add('problem:   ', result.problems);
  add('difference:', result.differences);
  add('note:      ', result.notes);
  return `${lines.join('\n')}\n`;
}

/** What a machine reads: one object a line. */
export function jsonOf(result: ReplayResult): string {
  const { situation: _situation, played, ...rest } = result;
  const packets = played ? { sent: played.observer.sent.length, injected: played.peer.length } : null;
  return `${JSON.stringify({ ...rest, packets })}\n`;
}
