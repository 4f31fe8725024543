// TCP options of a recorded packet in the packetdrill language, in the script's numbers: SACK edges relative, timestamps
// counted from each side's first.

import { decodeOptions } from '../../conformance/runner/decode.js';
import { optionsText } from '../../conformance/runner/tcp-options.js';
import { getU32, setU32 } from '../../stack/wire/bytes.js';

/** Kinds that a script can name. Others become no operations of the same length. */
const NAMED = new Set([0, 1, 2, 3, 4, 5, 8, 34]);
const MAGIC_FASTOPEN = 0xf989;

export interface OptionNumbers {
  /** What SACK edges count from: the receiver's view of the other side's SYN. */
  readonly sackBase: number;
  /** Timestamp value and echo in the script's numbers. */
  readonly value: (wire: number) => number;
  readonly echo: (wire: number) => number;
}

/** `nop,nop,TS val 1000 ecr 2000`, without the angle brackets; empty for none. */
export function optionText(options: Uint8Array, numbers: OptionNumbers): string {
  const b = options.slice();
  // What stands behind the end of the list fills up the last word.
  let filling = 0;
  for (let at = 0; at < b.length; ) {
    const kind = b[at]!;
    if (kind === 0) {
      filling = b.length - at - 1;
      break;
    }
    const size = kind === 1 ? 1 : (b[at + 1] ?? 0);
    if (size < 1 || (kind !== 1 && size < 2) || at + size > b.length) {
      b.fill(1, at);
      break;
    }
    const fastOpen = kind === 254 && size >= 4 && ((b[at + 2]! << 8) | b[at + 3]!) === MAGIC_FASTOPEN;
    if (!NAMED.has(kind) && !fastOpen) b.fill(1, at, at + size);
    else if (kind === 5) {
      for (let i = at + 2; i + 4 <= at + size; i += 4) setU32(b, i, (getU32(b, i) - numbers.sackBase) >>> 0);
    } else if (kind === 8 && size === 10) {
      setU32(b, at + 2, numbers.value(getU32(b, at + 2)));
      setU32(b, at + 6, numbers.echo(getU32(b, at + 6)));
    }
    at += size;
  }
  return optionsText(decodeOptions(b, 0, b.length).options) + ',eol'.repeat(filling);
}

/** A cookie that another host made cannot come again from another key. */
export const hasCookie = (text: string): boolean => /FO(EXP)? [0-9a-f]/.test(text);
