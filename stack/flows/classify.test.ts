// From packet bytes to keys: what finds its flow and what goes to the default channel.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena } from '../channel/arena.js';
import { classify, keyOf, swapSides } from './classify.js';
import { anyKey, exactKey, isLinkLocal, KEY_WORDS, keyText, listenerKey } from './key.js';
import { FlowTable, NONE } from './table.js';

const a4 = (...b: number[]) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...b]);
const a6 = (head: number[], tail: number) =>
  Uint8Array.from({ length: 16 }, (_, i) => (i === 15 ? tail : (head[i] ?? 0)));

function v4(
  protocol: number,
  src: number[],
  sport: number,
  dst: number[],
  dport: number,
  options = 0,
  frag = 0,
) {
  const p = new Uint8Array(20 + options + 8);
  p[0] = 0x45 + options / 4;
  p[6] = frag >> 8;
  p[7] = frag;
  p[9] = protocol;
  p.set(src, 12);
  p.set(dst, 16);
  p.set([sport >> 8, sport, dport >> 8, dport], 20 + options);
  return p;
}
function v6(next: number[], src: Uint8Array, sport: number, dst: Uint8Array, dport: number) {
  const p = new Uint8Array(40 + 8 * (next.length - 1) + 8);
  p[0] = 0x60;
  p[6] = next[0];
  p.set(src, 8);
  p.set(dst, 24);
  for (let i = 1; i < next.length; i++) p[40 + 8 * (i - 1)] = next[i];
  p.set([sport >> 8, sport, dport >> 8, dport], p.length - 8);
  return p;
}
const read = (p: Uint8Array, zone = 0) => {
  const key = new Int32Array(KEY_WORDS);
  return keyOf(p, 0, p.length, zone, key, 0) ? keyText(key) : '-';
};

describe('classify', () => {
  it('reads IPv4 keys, options included, and leaves fragments and other protocols to the default channel', () => {
    expect(read(v4(6, [10, 0, 0, 2], 4321, [10, 0, 0, 1], 80))).toBe('6 10.0.0.1:80 < 10.0.0.2:4321');
    expect(read(v4(17, [10, 0, 0, 2], 4321, [10, 0, 0, 1], 80, 8))).toBe('17 10.0.0.1:80 < 10.0.0.2:4321');
    expect(read(v4(1, [10, 0, 0, 2], 1, [10, 0, 0, 1], 80))).toBe('-');
    expect(read(v4(6, [10, 0, 0, 2], 1, [10, 0, 0, 1], 80, 0, 0x2000))).toBe('-');
    expect(read(v4(6, [10, 0, 0, 2], 1, [10, 0, 0, 1], 80, 0, 0x0001))).toBe('-');
    expect(read(v4(6, [10, 0, 0, 2], 1, [10, 0, 0, 1], 80, 0, 0x4000))).toBe('6 10.0.0.1:80 < 10.0.0.2:1');
  });

  it('reads IPv6 keys behind extension headers, with the zone for link-local addresses only', () => {
    const [src, dst] = [a6([0x20, 1], 2), a6([0x20, 1], 1)];
    expect(read(v6([6], src, 4321, dst, 80), 5)).toBe('6 [2001::1]:80 < [2001::2]:4321');
    expect(read(v6([0, 60, 43, 17], src, 4321, dst, 80))).toBe('17 [2001::1]:80 < [2001::2]:4321');
    expect(read(v6([44, 6], src, 4321, dst, 80))).toBe('-');
    expect(read(v6([58], src, 4321, dst, 80))).toBe('-');
    expect(read(v6(Array(12).fill(0), src, 4321, dst, 80))).toBe('-');
    const local = a6([0xfe, 0x80], 1);
    expect(isLinkLocal(local)).toBe(true);
    expect(read(v6([6], src, 4321, local, 80), 5)).toBe('6 [fe80::1]%5:80 < [2001::2]:4321');
  });

  it('never throws and never reads beyond the packet, whatever the bytes', () => {
    const key = new Int32Array(KEY_WORDS);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 120 }),
        fc.constantFrom(0x45, 0x46, 0x60, 0x4f),
        (bytes, first) => {
          if (bytes.length > 0) bytes[0] = first;
          const padded = new Uint8Array(bytes.length + 64).fill(6);
          padded.set(bytes);
          const inside = keyOf(bytes, 0, bytes.length, 0, key, 0);
          const text = inside ? keyText(key) : '';
          expect(keyOf(padded, 0, bytes.length, 0, key, 0)).toBe(inside);
          if (inside) expect(keyText(key)).toBe(text);
        },
      ),
    );
  });

  it('gives an outgoing packet the key of its flow', () => {
    const key = new Int32Array(KEY_WORDS);
    const p = v4(6, [10, 0, 0, 1], 80, [10, 0, 0, 2], 4321);
    keyOf(p, 0, p.length, 0, key, 0);
    swapSides(key, 0);
    expect(keyText(key)).toBe('6 10.0.0.1:80 < 10.0.0.2:4321');
  });

  it('finds a dual-stack listener for either family, an IPv6-only one for its own', () => {
    const arena = Arena.create(1 << 20);
    const table = new FlowTable(arena, { secret: () => 1 });
    const reader = table.reader();
    reader.online();
    table.setDefault(9);
    table.insert(anyKey(6, 6, 80), 1);
    table.insert(anyKey(6, 4, 80), 1);
    table.insert(anyKey(6, 6, 81), 2);
    table.insert(listenerKey(6, { address: a6([0xfe, 0x80], 1), port: 80 }, 5), 3);
    const key = new Int32Array(KEY_WORDS);
    const find = (p: Uint8Array, zone = 0) => classify(reader, p, 0, p.length, zone, key);
    const [src, dst] = [a6([0x20, 1], 2), a6([0x20, 1], 1)];
    expect(find(v4(6, [10, 0, 0, 2], 1, [10, 0, 0, 1], 80))).toBe(1);
    expect(find(v6([6], src, 1, dst, 80))).toBe(1);
    expect(find(v6([6], src, 1, dst, 81))).toBe(2);
    expect(find(v4(6, [10, 0, 0, 2], 1, [10, 0, 0, 1], 81))).toBe(9);
    expect(find(v6([6], src, 1, a6([0xfe, 0x80], 1), 80), 5)).toBe(3);
    expect(find(v6([6], src, 1, a6([0xfe, 0x80], 1), 80), 6)).toBe(1);
    // A link-local peer of a global listener: the listener has no zone.
    table.insert(listenerKey(6, { address: dst, port: 80 }), 4);
    expect(find(v6([6], a6([0xfe, 0x80], 7), 1, dst, 80), 5)).toBe(4);
    expect(find(v4(1, [10, 0, 0, 2], 1, [10, 0, 0, 1], 81))).toBe(9);
    table.setDefault(NONE);
    expect(find(v4(1, [10, 0, 0, 2], 1, [10, 0, 0, 1], 81))).toBe(NONE);
  });

  it('refuses keys that cannot be', () => {
    const side = { address: a4(10, 0, 0, 1), port: 80 };
    const six = { address: a6([0x20], 1), port: 80 };
    const bad = expect.objectContaining({ code: 'KEY_BAD' });
    expect(() => exactKey(6, side, six)).toThrow(bad);
    expect(() => exactKey(256, side, side)).toThrow(bad);
    expect(() => exactKey(6, side, { ...side, port: 65536 })).toThrow(bad);
    expect(() => listenerKey(6, { ...side, address: new Uint8Array(4) })).toThrow(bad);
    expect(() => listenerKey(6, side, 70000)).toThrow(bad);
    expect(() => anyKey(6, 4, -1)).toThrow(bad);
    expect(keyText(anyKey(17, 6, 53))).toBe('17 *6:53 < *');
    expect(keyText(listenerKey(17, side))).toBe('17 10.0.0.1:80 < *');
  });
});
