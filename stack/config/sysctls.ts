// Reading and writing the configuration by Linux's sysctl names, with Linux's rules for what is a valid value.
// Knows the table (sysctl-table.ts) and the configuration; nothing of what the options do.
import type { StackConfig } from './config.js';
import { SYSCTL_TABLE, type SysctlRow } from './sysctl-table.js';

export class SysctlError extends Error {
  readonly code: 'SYSCTL_UNKNOWN' | 'SYSCTL_INVALID' | 'SYSCTL_READONLY';
  readonly sysctl: string;
  constructor(code: SysctlError['code'], sysctl: string, message: string) {
    super(message);
    this.name = 'SysctlError';
    this.code = code;
    this.sysctl = sysctl;
  }
}

/** Congestion controls that `tcp_congestion_control` takes: what the stack has. */
let congestionControls: readonly string[] = ['reno', 'cubic'];

/** Called once where the algorithms are registered. */
export function setCongestionControlNames(names: readonly string[]): void {
  congestionControls = names;
}

const byName = new Map(SYSCTL_TABLE.map((row) => [row.name, row]));

/** Values that Linux shows and nobody can write. */
const readOnly: Record<string, (config: StackConfig) => string> = {
  'net.ipv4.tcp_available_congestion_control': () => congestionControls.join(' '),
  'net.ipv4.tcp_allowed_congestion_control': () => congestionControls.join(' '),
};

/** 'net/ipv4/tcp_sack', '/proc/sys/net/ipv4/tcp_sack' and 'net.ipv4.tcp_sack' are one. */
export function canonicalSysctl(name: string): string {
  return name
    .replace(/^\/proc\/sys\//, '')
    .replaceAll('/', '.')
    .trim();
}

/** The value as the sysctl's file reads (without the line feed). Throws SYSCTL_UNKNOWN. */
export function getSysctl(config: StackConfig, name: string): string {
  const key = canonicalSysctl(name);
  const fixed = readOnly[key];
  if (fixed) return fixed(config);
  const value: unknown = config[find(key).field];
  return Array.isArray(value) ? value.join('\t') : String(value);
}

/** Sets a value from text as `sysctl -w` does. Throws SYSCTL_UNKNOWN, SYSCTL_INVALID or SYSCTL_READONLY. */
export function setSysctl(config: StackConfig, name: string, text: string): void {
  const key = canonicalSysctl(name);
  if (readOnly[key]) throw new SysctlError('SYSCTL_READONLY', key, `${key} cannot be written`);
  const row = find(key);
  const fields = config as unknown as Record<string, unknown>;
  const now = fields[row.field];
  switch (row.kind) {
    case 'congestion': {
      const word = text.trim();
      if (!congestionControls.includes(word)) {
        throw invalid(key, text, `no such congestion control; there are ${congestionControls.join(', ')}`);
      }
      fields[row.field] = word;
      return;
    }
    case 'word':
      if (!/^\S+$/.test(text.trim())) throw invalid(key, text, 'one word is expected');
      fields[row.field] = text.trim();
      return;
    case 'key':
      fields[row.field] = fastOpenKey(key, text);
      return;
    case 'int': {
      const numbers = integers(row, text);
      if (!Array.isArray(now)) {
        fields[row.field] = numbers[0];
        return;
      }
      // As proc_dointvec: the first n of the vector are replaced, the others stay.
      if (numbers.length > now.length) throw invalid(key, text, `at most ${now.length} values`);
      const next = [...(now as number[])];
      numbers.forEach((number, index) => {
        next[index] = number;
      });
      if (row.field === 'ipLocalPortRange' && next[0]! > next[1]!) {
        throw invalid(key, text, 'the first port is above the last');
      }
      fields[row.field] = next;
    }
  }
}

/** Whether there is such a sysctl. */
export function hasSysctl(name: string): boolean {
  const key = canonicalSysctl(name);
  return byName.has(key) || key in readOnly;
}

/** All names, sorted. */
export function sysctlNames(): string[] {
  return [...byName.keys(), ...Object.keys(readOnly)].sort();
}

function find(key: string): SysctlRow {
  const row = byName.get(key);
  if (!row) throw new SysctlError('SYSCTL_UNKNOWN', key, `no sysctl ${key} in this stack`);
  return row;
}

function invalid(key: string, text: string, why: string): SysctlError {
  return new SysctlError('SYSCTL_INVALID', key, `${key}: ${JSON.stringify(text)} is not valid: ${why}`);
}

/** Whitespace-separated integers in C's notation (decimal, 0x hexadecimal, 0 octal), each within the row's bounds. */
function integers(row: SysctlRow, text: string): number[] {
  const words = text.trim().split(/\s+/);
  if (words[0] === '') throw invalid(row.name, text, 'a number is expected');
  return words.map((word) => {
    const match = /^(-?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)$/.exec(word);
    if (!match) throw invalid(row.name, text, `${JSON.stringify(word)} is not a number`);
    const digits = match[2]!;
    const magnitude = /^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
    const value = match[1] === '-' ? -magnitude : magnitude;
    if (value < row.min || value > row.max) {
      throw invalid(row.name, text, `${value} is not within ${row.min} … ${row.max}`);
    }
    return value;
  });
}

/** One or two keys, each four groups of up to eight hexadecimal digits; given back as Linux prints them. */
function fastOpenKey(name: string, text: string): string {
  const keys = text.trim().split(',');
  if (keys.length > 2) throw invalid(name, text, 'at most two keys');
  return keys
    .map((key) => {
      const groups = key.split('-');
      if (groups.length !== 4 || !groups.every((group) => /^[0-9a-fA-F]{1,8}$/.test(group))) {
        throw invalid(
          name,
          text,
          'a key is four groups of hexadecimal digits: xxxxxxxx-xxxxxxxx-xxxxxxxx-xxxxxxxx',
        );
      }
      return groups.map((group) => group.toLowerCase().padStart(8, '0')).join('-');
    })
    .join(',');
}

/** The table as Markdown, for docs/sysctls.md. */
export function sysctlMarkdown(config: StackConfig): string {
  const lines = [
    '# Sysctls of the stack',
    '',
    'Generated from `stack/config/sysctl-table.ts` by `node dist/stack/config/sysctls-doc.js`; a test keeps it up to date.',
    'Every option belongs to one stack, may be written while it runs, and has the default of Linux 6.18.',
    '"Read" says whether it counts each time it matters (use), once, when a socket or connection is made (creation), or never: it is kept.',
    '',
    '| sysctl | default | unit | bounds | read | what it does |',
    '| --- | --- | --- | --- | --- | --- |',
  ];
  for (const row of [...SYSCTL_TABLE].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const bounds = row.kind === 'int' ? `${row.min} … ${row.max}` : '';
    const value = getSysctl(config, row.name).replaceAll('\t', ' ') || '(random)';
    lines.push(`| \`${row.name}\` | ${value} | ${row.unit} | ${bounds} | ${row.read} | ${row.doc} |`);
  }
  return `${lines.join('\n')}\n`;
}
