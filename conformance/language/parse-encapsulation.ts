// GRE headers and MPLS label stacks, which stand in packets and in expressions alike.

import type { GreHeader, MplsLabel } from './ast.js';
import type { Cursor } from './cursor.js';

/** Bits of GRE's first 16 (RFC 2784, RFC 2890). */
const GRE_FLAGS: ReadonlyMap<string, number> = new Map([
  ['checksum', 0x8000],
  ['key', 0x2000],
  ['sequence#', 0x1000],
]);

/** `flags 0x2000, sum 0, off 0, key 5, seq 0`, or `flags [key present, sequence# present], ...`; commas at will. */
export function parseGreHeader(cursor: Cursor): GreHeader {
  const first = cursor.peek();
  if (!cursor.accept('Flags')) cursor.expect('flags');
  const flags = cursor.accept('[') ? parseGreFlagNames(cursor) : cursor.anyInteger('GRE flags', 0, 0xffff);
  cursor.accept(',');
  cursor.expect('sum');
  const checksum = cursor.anyInteger('GRE checksum', 0, 0xffff);
  cursor.accept(',');
  cursor.expect('off');
  const offset = cursor.anyInteger('GRE offset', 0, 0xffff);
  cursor.accept(',');
  cursor.expect('key');
  cursor.accept('=');
  const key = cursor.anyInteger('GRE key', 0, 0xffffffff);
  cursor.accept(',');
  cursor.expect('seq');
  const sequence = cursor.anyInteger('GRE sequence number', 0, 0xffffffff);
  return { flags, checksum, offset, key, sequence, span: cursor.spanFrom(first.start) };
}

function parseGreFlagNames(cursor: Cursor): number {
  const names = ['none', ...GRE_FLAGS.keys()];
  let flags = 0;
  do {
    const token = cursor.peek();
    const bit = token.kind === 'word' ? GRE_FLAGS.get(token.text) : undefined;
    if (bit === undefined && !cursor.at('none')) {
      throw cursor.unexpected(
        names.map((name) => (name === 'none' ? "'none'" : `'${name} present'`)),
        names,
      );
    }
    cursor.take();
    if (bit !== undefined) {
      cursor.expect('present');
      flags |= bit;
    }
  } while (cursor.accept(','));
  cursor.expect(']', ["','"]);
  return flags;
}

/** `(label N, tc N, [S], ttl N)` again and again; `[S]` marks the bottom of the stack (RFC 3032). */
export function parseMplsLabels(cursor: Cursor): MplsLabel[] {
  const labels: MplsLabel[] = [];
  while (cursor.at('(')) {
    const first = cursor.take();
    cursor.expect('label');
    const label = cursor.integer('MPLS label', 0, 0xfffff);
    cursor.expect(',');
    cursor.expect('tc');
    const trafficClass = cursor.integer('MPLS traffic class', 0, 7);
    cursor.expect(',');
    const bottom = cursor.accept('[');
    if (bottom) {
      cursor.expect('S');
      cursor.expect(']');
      cursor.expect(',');
    }
    cursor.expect('ttl', bottom ? [] : ["'[S]'"]);
    const ttl = cursor.integer('MPLS TTL', 0, 0xff);
    cursor.expect(')');
    labels.push({ label, trafficClass, bottom, ttl, span: cursor.spanFrom(first.start) });
  }
  return labels;
}
