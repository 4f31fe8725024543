// Prints a syntax tree as a script: the inverse of the parser, so that parsing what is printed gives the same tree,
// positions aside. Comments are not in the tree and do not come back.

import type { Dialect, EventBody, EventTime, OptionLine, Script, ScriptEvent, SyscallBody } from './ast.js';
import { printExpression } from './print-expression.js';
import { printPacket } from './print-packet.js';

/** The script's text, with a newline at its end. */
export function printScript(script: Script): string {
  const lines = script.options.map(printOption);
  if (script.init !== null) lines.push(`\`${script.init.text}\``);
  if (lines.length > 0) lines.push('');
  for (const event of script.events) lines.push(printEvent(event, script.dialect));
  if (script.cleanup !== null) lines.push('', `\`${script.cleanup.text}\``);
  return `${lines.join('\n')}\n`;
}

export function printOption(option: OptionLine): string {
  if (option.value === null) return `--${option.name}`;
  return `--${option.name}=${option.quoted ? `"${option.value}"` : option.value}`;
}

/** One line of a script; `dialect` chooses between spellings. */
export function printEvent(event: ScriptEvent, dialect: Dialect = 'google'): string {
  const { body } = event;
  const end = body.kind === 'syscall' && body.end !== null ? `...${printSeconds(body.end)}` : '';
  return `${printTime(event.time) + end} ${printBody(body, dialect)}`;
}

export function printTime(time: EventTime): string {
  if (time.kind === 'any') return '*';
  const sign = time.kind.startsWith('relative') ? '+' : '';
  const start = sign + printSeconds(time.at);
  return time.until === null ? start : `${start}~${sign}${printSeconds(time.until)}`;
}

/** Microseconds as seconds, exactly, without useless zeros: 1500000 is `1.5`. */
export function printSeconds(microseconds: number): string {
  const whole = Math.floor(microseconds / 1e6);
  const fraction = String(microseconds % 1e6)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return fraction === '' ? String(whole) : `${whole}.${fraction}`;
}

/** An event's body without its time; the end of a blocking call belongs to the time. */
export function printBody(body: EventBody, dialect: Dialect = 'google'): string {
  switch (body.kind) {
    case 'packet':
      return printPacket(body, dialect);
    case 'syscall':
      return printSyscall(body);
    case 'command':
      return `\`${body.text}\``;
    case 'code':
      return `%{ ${body.text} }%`;
  }
}

export function printSyscall(call: SyscallBody): string {
  const parts = [
    `${call.name}(${call.args.map(printExpression).join(', ')}) = ${printExpression(call.result)}`,
  ];
  if (call.errno !== null) {
    parts.push(call.errno.name);
    // Without its own parentheses the note behind would be taken for the errno's text.
    if (call.errno.text !== '' || call.note !== null) parts.push(`(${call.errno.text})`);
  }
  if (call.note !== null) parts.push(`(${call.note})`);
  return parts.join(' ');
}
