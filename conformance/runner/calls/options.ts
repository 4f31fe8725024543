// getsockopt and setsockopt: option values of every form as Linux's bytes.

import type { Expression, GreHeader, SyscallBody } from '../../language/ast.js';
import { formatAddress, parseAddress } from '../addresses.js';
import { mplsHeader } from '../encapsulate.js';
import { ScriptProblem } from '../errors.js';
import { bracketed, describe, exactInteger, integer, isEllipsis, stringBytes } from '../expressions.js';
import { type CallMaker, descriptor, expectArguments, integerArgument, mismatch } from './plan.js';

/** Little-endian integer of 1, 2, 4 or 8 bytes. */
function integerBytes(value: number | bigint, width: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt.asIntN(64, BigInt(value)), true);
  return bytes.subarray(0, width);
}

function greBytes(header: GreHeader): Uint8Array {
  // struct gre of the original: flags, protocol, checksum and offset, key, sequence number, all in network order.
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, header.flags);
  view.setUint16(4, header.checksum);
  view.setUint16(6, header.offset);
  view.setUint32(8, header.key);
  view.setUint32(12, header.sequence);
  return bytes;
}

/** The bytes that a value stands for; null for NULL. Strings keep C's closing zero behind them. */
function valueBytes(e: Expression, length: number): Uint8Array | null {
  switch (e.kind) {
    case 'linger': {
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setInt32(0, e.onOff, true);
      new DataView(bytes.buffer).setInt32(4, e.seconds, true);
      return bytes;
    }
    case 'gre':
      return greBytes(e.header);
    case 'mpls':
      return mplsHeader(e.labels);
    case 'inet-addr':
      return parseAddress(e.address);
    case 'list':
      return listBytes(e.items, length, e);
    case 'string':
    case 'concatenation': {
      const text = stringBytes(e)!;
      const bytes = new Uint8Array(Math.max(text.length + 1, length));
      bytes.set(text);
      return bytes;
    }
    case 'integer':
    case 'word':
      if (integer(e) === 0) return null;
      break;
    default:
  }
  throw new ScriptProblem(`${describe(e)} is no option value`, e.span);
}

function listBytes(items: readonly Expression[], length: number, e: Expression): Uint8Array {
  if (items.length === 1) {
    const width = [1, 2, 8].includes(length) ? length : 4;
    return integerBytes(exactInteger(items[0]!), width);
  }
  if (items.length === 0) throw new ScriptProblem('an option value needs at least one number', e.span);
  const bytes = new Uint8Array(4 * items.length);
  items.forEach((item, i) => {
    bytes.set(integerBytes(integer(item), 4), 4 * i);
  });
  return bytes;
}

const setsockopt: CallMaker = (call, context) => {
  expectArguments(call, 5);
  // Level and name before the value: what another system's option takes need not have a meaning here.
  const [level, name, length] = [1, 2, 4].map((i) => integerArgument(call, i)) as [number, number, number];
  const value = valueBytes(call.args[3]!, length);
  // A structure in the script is what its pointer points at: a longer length reads zeros behind it.
  const padded =
    value && value.length < length ? Uint8Array.from({ length }, (_, i) => value[i] ?? 0) : value;
  return {
    name: 'setsockopt',
    args: [descriptor(call, context), level, name, padded, length],
    result: 'exact',
  };
};

const getsockopt: CallMaker = (call, context) => {
  expectArguments(call, 5);
  const wanted = call.args[3]!;
  const length = integer(bracketed(call.args[4]!));
  return {
    name: 'getsockopt',
    args: [descriptor(call, context), integerArgument(call, 1), integerArgument(call, 2), length],
    result: 'exact',
    after: (result) => {
      if (result.value < 0) return;
      const got = result.out?.[0] as Uint8Array;
      if (got.length !== length) mismatch(call, 'option length', length, got.length);
      compareValue(call, wanted, got);
    },
  };
};

function compareValue(call: SyscallBody, wanted: Expression, got: Uint8Array): void {
  if (isEllipsis(wanted)) return;
  const text = stringBytes(wanted);
  if (text) {
    if (text.length !== got.length) mismatch(call, 'option length', text.length, got.length);
    if (text.some((v, i) => v !== got[i])) mismatch(call, 'option value', printable(text), printable(got));
  } else if (wanted.kind === 'list' && wanted.items.length === 1) {
    const value = wanted.items[0]!;
    if (isEllipsis(value)) return;
    const expected = exactInteger(value);
    if (integerBytes(expected, got.length).some((v, i) => v !== got[i])) {
      mismatch(call, 'option value', expected, littleEndian(got));
    }
  } else if (wanted.kind === 'inet-addr') {
    const expected = parseAddress(wanted.address);
    const same = expected?.length === got.length && expected.every((v, i) => v === got[i]);
    const shown = got.length === 4 || got.length === 16 ? formatAddress(got, 0, got.length) : printable(got);
    if (!same) mismatch(call, 'option value', wanted.address, shown);
  } else {
    const expected = valueBytes(wanted, got.length);
    if (!expected || expected.some((v, i) => v !== got[i])) {
      mismatch(call, 'option value', expected ? printable(expected) : 'NULL', printable(got));
    }
  }
}

function littleEndian(b: Uint8Array): number | bigint {
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  if (b.length === 8) return view.getBigInt64(0, true);
  if (b.length === 4) return view.getInt32(0, true);
  return b.length === 2 ? view.getInt16(0, true) : (b[0] ?? 0);
}

const printable = (b: Uint8Array): string =>
  `"${Array.from(b, (v) => (v >= 32 && v < 127 ? String.fromCharCode(v) : `\\x${v.toString(16).padStart(2, '0')}`)).join('')}"`;

export const OPTION_CALLS: Readonly<Record<string, CallMaker>> = { setsockopt, getsockopt };
