// TCP options of a script as bytes, and options from the wire as script text. It maps nothing: the caller gives
// numbers that are already the wire's.

import type { SackBlock, TcpOption, Value } from '../language/ast.js';
import type { DecodedOption } from './decode.js';
import { ScriptProblem } from './errors.js';

export const OPTION_EOL = 0;
export const OPTION_NOP = 1;
export const OPTION_MSS = 2;
export const OPTION_WSCALE = 3;
export const OPTION_SACK_PERMITTED = 4;
export const OPTION_SACK = 5;
export const OPTION_TIMESTAMP = 8;
export const OPTION_MD5 = 19;
export const OPTION_FASTOPEN = 34;
export const OPTION_ACCECN0 = 172;
export const OPTION_ACCECN1 = 174;
export const OPTION_EXPERIMENT = 254;
const MAGIC_FASTOPEN = 0xf989;
const MAGIC_ACCECN = [0xacc0, 0xacc1] as const;

/** How the numbers of an inbound option become the wire's. */
export interface OptionMapping {
  sackEdge(edge: number): number;
  /** The echo reply of a timestamp option; only asked when the segment has ACK and the script gives no `!`. */
  echoReply(value: number): number;
}

/** A number that must be known: a wildcard or a name that nobody defined is the script's fault. */
export function known(value: Value, what: string, span: TcpOption['span']): number {
  if (typeof value === 'number') return value;
  if (value === '*') throw new ScriptProblem(`${what} * says nothing in an inbound packet`, span);
  throw new ScriptProblem(`${value.name} is not defined: give it with -D ${value.name}=VALUE`, value.span);
}

export function hexBytes(text: string): number[] {
  const bytes: number[] = [];
  for (let i = 0; i + 1 < text.length; i += 2) bytes.push(Number.parseInt(text.slice(i, i + 2), 16));
  return bytes;
}

const be16 = (v: number): number[] => [(v >>> 8) & 255, v & 255];
const be24 = (v: number): number[] => [(v >>> 16) & 255, (v >>> 8) & 255, v & 255];
const be32 = (v: number): number[] => [(v >>> 24) & 255, (v >>> 16) & 255, (v >>> 8) & 255, v & 255];

/** The kind, by number, that an option has on the wire; null for raw bytes. */
export function optionKind(option: TcpOption): number | null {
  switch (option.kind) {
    case 'eol':
      return OPTION_EOL;
    case 'nop':
      return OPTION_NOP;
    case 'mss':
      return OPTION_MSS;
    case 'wscale':
      return OPTION_WSCALE;
    case 'sackOK':
      return OPTION_SACK_PERMITTED;
    case 'sack':
      return OPTION_SACK;
    case 'TS':
      return OPTION_TIMESTAMP;
    case 'FO':
      return option.experimental ? OPTION_EXPERIMENT : OPTION_FASTOPEN;
    case 'md5':
      return OPTION_MD5;
    case 'accecn':
      if (option.experimental) return OPTION_EXPERIMENT;
      return option.order === 0 ? OPTION_ACCECN0 : OPTION_ACCECN1;
    case 'generic':
      return option.optionKind;
    case 'raw':
      return null;
  }
}

/** The bytes of one option. `md5 valid` is sixteen zeros here; build.ts fills the digest in. */
export function optionBytes(option: TcpOption, mapping: OptionMapping): number[] {
  switch (option.kind) {
    case 'eol':
      return [OPTION_EOL];
    case 'nop':
      return [OPTION_NOP];
    case 'mss':
      return [OPTION_MSS, 4, ...be16(known(option.value, 'mss', option.span))];
    case 'wscale':
      return [OPTION_WSCALE, 3, known(option.value, 'wscale', option.span)];
    case 'sackOK':
      return [OPTION_SACK_PERMITTED, 2];
    case 'sack': {
      if (option.blocks === '*')
        throw new ScriptProblem('sack * says nothing in an inbound packet', option.span);
      const body = option.blocks.flatMap((b) => [
        ...be32(mapping.sackEdge(b.left)),
        ...be32(mapping.sackEdge(b.right)),
      ]);
      return [OPTION_SACK, 2 + body.length, ...body];
    }
    case 'TS': {
      const ecr = known(option.ecr, 'TS ecr', option.span);
      const echo = option.ecrAbsolute ? ecr : mapping.echoReply(ecr);
      return [OPTION_TIMESTAMP, 10, ...be32(known(option.val, 'TS val', option.span)), ...be32(echo)];
    }
    case 'FO': {
      if (typeof option.cookie !== 'string') known(option.cookie, 'cookie', option.span);
      if (option.cookie === '*')
        throw new ScriptProblem('FO * says nothing in an inbound packet', option.span);
      const cookie = hexBytes(option.cookie as string);
      if (option.experimental)
        return [OPTION_EXPERIMENT, 4 + cookie.length, ...be16(MAGIC_FASTOPEN), ...cookie];
      return [OPTION_FASTOPEN, 2 + cookie.length, ...cookie];
    }
    case 'md5': {
      if (option.digest === '*')
        throw new ScriptProblem('md5 * says nothing in an inbound packet', option.span);
      const digest = option.digest === 'valid' ? new Array<number>(16).fill(0) : hexBytes(option.digest);
      return [OPTION_MD5, 2 + digest.length, ...digest];
    }
    case 'accecn': {
      const body = option.counters.flatMap((c) => be24(known(c, 'AccECN counter', option.span)));
      if (option.experimental) {
        return [OPTION_EXPERIMENT, 4 + body.length, ...be16(MAGIC_ACCECN[option.order]), ...body];
      }
      return [option.order === 0 ? OPTION_ACCECN0 : OPTION_ACCECN1, 2 + body.length, ...body];
    }
    case 'generic': {
      if (option.data === '*') throw new ScriptProblem('* says nothing in an inbound packet', option.span);
      const id = option.experimentId === null ? [] : be16(option.experimentId);
      const data = hexBytes(option.data);
      return [option.optionKind, 2 + id.length + data.length, ...id, ...data];
    }
    case 'raw':
      return hexBytes(option.bytes);
  }
}

const u16 = (b: Uint8Array, o: number): number => (b[o]! << 8) | b[o + 1]!;
const u24 = (b: Uint8Array, o: number): number => (b[o]! << 16) | (b[o + 1]! << 8) | b[o + 2]!;
export const u32At = (b: Uint8Array, o: number): number =>
  ((b[o]! << 24) | (b[o + 1]! << 16) | (b[o + 2]! << 8) | b[o + 3]!) >>> 0;

export function toHex(b: Uint8Array): string {
  return Array.from(b, (v) => v.toString(16).padStart(2, '0')).join('');
}

/** SACK blocks of an option's data, in wire order. */
export function sackBlocks(data: Uint8Array): SackBlock[] {
  const blocks: SackBlock[] = [];
  for (let o = 0; o + 8 <= data.length; o += 8)
    blocks.push({ left: u32At(data, o), right: u32At(data, o + 4) });
  return blocks;
}

const ACCECN_NAMES = [
  ['e0b', 'ceb', 'e1b'],
  ['e1b', 'ceb', 'e0b'],
] as const;

function accecnText(order: 0 | 1, data: Uint8Array, prefix: string): string {
  let text = prefix;
  for (let i = 0; i * 3 + 3 <= data.length; i++) text += ` ${ACCECN_NAMES[order][i]} ${u24(data, 3 * i)}`;
  return text;
}

/** A name for an option kind in messages. */
export function optionName(kind: number): string {
  const names: Record<number, string> = {
    [OPTION_EOL]: 'eol',
    [OPTION_NOP]: 'nop',
    [OPTION_MSS]: 'mss',
    [OPTION_WSCALE]: 'wscale',
    [OPTION_SACK_PERMITTED]: 'sackOK',
    [OPTION_SACK]: 'sack',
    [OPTION_TIMESTAMP]: 'TS',
    [OPTION_MD5]: 'md5',
    [OPTION_FASTOPEN]: 'FO',
    [OPTION_ACCECN0]: 'AccECN0',
    [OPTION_ACCECN1]: 'AccECN1',
    [OPTION_EXPERIMENT]: 'experimental',
  };
  return names[kind] ?? `kind ${kind}`;
}

/** An option from the wire in the script's language; odd lengths show as `gen-N hex`. */
export function optionText(option: DecodedOption): string {
  const { kind, data, length } = option;
  const generic = `gen-${kind}${data.length > 0 ? ` ${toHex(data)}` : ''}`;
  switch (kind) {
    case OPTION_EOL:
      return 'eol';
    case OPTION_NOP:
      return 'nop';
    case OPTION_MSS:
      return length === 4 ? `mss ${u16(data, 0)}` : generic;
    case OPTION_WSCALE:
      return length === 3 ? `wscale ${data[0]}` : generic;
    case OPTION_SACK_PERMITTED:
      return length === 2 ? 'sackOK' : generic;
    case OPTION_SACK:
      if (length < 10 || (length - 2) % 8 !== 0) return generic;
      return `sack ${sackBlocks(data)
        .map((b) => `${b.left}:${b.right}`)
        .join(' ')}`;
    case OPTION_TIMESTAMP:
      return length === 10 ? `TS val ${u32At(data, 0)} ecr ${u32At(data, 4)}` : generic;
    case OPTION_MD5:
      return data.length > 0 ? `md5 ${toHex(data)}` : 'md5';
    case OPTION_FASTOPEN:
      return data.length > 0 ? `FO ${toHex(data)}` : 'FO';
    case OPTION_ACCECN0:
    case OPTION_ACCECN1:
      if (data.length % 3 !== 0 || data.length > 9) return generic;
      return accecnText(kind === OPTION_ACCECN0 ? 0 : 1, data, 'ECN');
    case OPTION_EXPERIMENT: {
      if (data.length < 2) return generic;
      const magic = u16(data, 0);
      const rest = data.subarray(2);
      if (magic === MAGIC_FASTOPEN) return rest.length > 0 ? `FOEXP ${toHex(rest)}` : 'FOEXP';
      return `exp-${magic.toString(16)}${rest.length > 0 ? ` ${toHex(rest)}` : ''}`;
    }
    default:
      return generic;
  }
}

export function optionsText(options: readonly DecodedOption[]): string {
  return options.map(optionText).join(',');
}
