// TCP options of a script's packet against those of the target's: order, kind, length and value, in the script's terms.

import type { TcpOption, TcpSegment, Value } from '../language/ast.js';
import type { DecodedOption, DecodedTcp } from './decode.js';
import { type Difference, differ } from './difference.js';
import { ScriptProblem } from './errors.js';
import { known, optionBytes, optionKind, optionName, optionText } from './tcp-options.js';

/** The first option that differs; `<...>` agrees with everything. */
export function compareOptions(wanted: TcpSegment['options'], got: DecodedTcp): Difference | null {
  if (wanted === 'any') return null;
  const flat = wanted.filter((o) => o.kind !== 'raw');
  if (flat.length !== wanted.length) {
    throw new ScriptProblem('raw option bytes can only be sent, not expected', wanted[0]!.span);
  }
  // Padding behind end-of-options-list is not an option of its own on the wire.
  const firstEol = wanted.findIndex((o) => o.kind === 'eol');
  const script = firstEol < 0 ? wanted : wanted.slice(0, firstEol + 1);
  const count = Math.max(script.length, got.options.length);
  for (let i = 0; i < count; i++) {
    const s = script[i];
    const g = got.options[i];
    const place = `TCP option ${i + 1}`;
    if (!s) return differ(place, 'no more options', optionText(g!));
    if (!g) return differ(place, scriptOptionText(s), 'no more options');
    const kind = optionKind(s)!;
    if (kind !== g.kind) return differ(place, scriptOptionText(s), optionText(g));
    const difference = compareOption(s, g);
    if (difference) return { ...difference, field: `${place} (${optionName(kind)})` };
  }
  if (!got.optionsOk) return differ('TCP options', 'well-formed options', 'a length that runs over the end');
  return null;
}

const identity = { sackEdge: (e: number): number => e, echoReply: (v: number): number => v };

/** Two options of one kind. The value of a timestamp is compared elsewhere; its echo reply is not compared at all. */
function compareOption(s: TcpOption, g: DecodedOption): Difference | null {
  const mismatch = (): Difference => differ('option', scriptOptionText(s), optionText(g));
  switch (s.kind) {
    case 'nop':
    case 'eol':
      return null;
    case 'TS':
      if (g.length !== 10) return mismatch();
      if (s.val !== '*') known(s.val, 'TS val', s.span);
      return null;
    case 'mss':
      if (s.value === '*') return g.length === 4 ? null : mismatch();
      break;
    case 'wscale':
      if (s.value === '*') return g.length === 3 ? null : mismatch();
      break;
    case 'sack':
      if (s.blocks === '*') return g.length >= 10 && (g.length - 2) % 8 === 0 ? null : mismatch();
      break;
    case 'FO':
      if (s.cookie === '*') return null;
      break;
    case 'md5':
      if (s.digest === '*' || s.digest === 'valid') return g.length === 18 ? null : mismatch();
      break;
    case 'accecn':
      if (s.counters.includes('*')) return compareCounters(s, g) ? null : mismatch();
      break;
    case 'generic':
      if (s.data === '*') return null;
      break;
    case 'sackOK':
    case 'raw':
      break;
  }
  const bytes = optionBytes(s, identity);
  if (bytes.length !== g.length) return mismatch();
  return bytes.slice(2).every((v, i) => v === g.data[i]) ? null : mismatch();
}

function compareCounters(s: Extract<TcpOption, { kind: 'accecn' }>, g: DecodedOption): boolean {
  const skip = s.experimental ? 2 : 0;
  if (g.data.length !== skip + 3 * s.counters.length) return false;
  return s.counters.every((c, i) => {
    const at = skip + 3 * i;
    const value = (g.data[at]! << 16) | (g.data[at + 1]! << 8) | g.data[at + 2]!;
    return c === '*' || known(c, 'AccECN counter', s.span) === value;
  });
}

/** An option of the script in words, for messages. */
function scriptOptionText(o: TcpOption): string {
  const value = (v: Value): string => (typeof v === 'object' ? v.name : String(v));
  switch (o.kind) {
    case 'mss':
      return `mss ${value(o.value)}`;
    case 'wscale':
      return `wscale ${value(o.value)}`;
    case 'sack':
      return `sack ${o.blocks === '*' ? '*' : o.blocks.map((b) => `${b.left}:${b.right}`).join(' ')}`;
    case 'TS':
      return `TS val ${value(o.val)} ecr ${value(o.ecr)}`;
    case 'FO':
      return `${o.experimental ? 'FOEXP' : 'FO'} ${typeof o.cookie === 'object' ? o.cookie.name : o.cookie}`.trimEnd();
    case 'md5':
      return `md5 ${o.digest}`;
    case 'accecn':
      return `AccECN${o.order} ${o.counters.map(value).join(' ')}`.trimEnd();
    case 'generic':
      return `gen-${o.optionKind} ${o.data}`;
    default:
      return o.kind;
  }
}
