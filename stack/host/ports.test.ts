import { describe, expect, test } from 'vitest';
import { parseAddress } from '../wire/address.js';
import { Binding, overlaps, PortTable } from './ports.js';

interface Wish {
  inet6?: boolean;
  v6only?: boolean;
  reuse?: boolean;
  listening?: boolean;
}

function binding(address: string, wish: Wish = {}): Binding {
  const made = new Binding();
  made.address.set(parseAddress(address));
  made.inet6 = wish.inet6 ?? address.includes(':');
  made.v6only = wish.v6only ?? false;
  made.reuseAddress = wish.reuse ?? false;
  made.listening = wish.listening ?? false;
  return made;
}

function table(range: [number, number] = [100, 103], datagram = false): PortTable {
  let state = 12345;
  const random32 = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state;
  };
  return new PortTable({ range: () => range, random32, datagram });
}

describe('overlap of bindings', () => {
  const cases: [string, Wish, string, Wish, boolean][] = [
    ['0.0.0.0', {}, '10.0.0.1', {}, true],
    ['10.0.0.1', {}, '10.0.0.2', {}, false],
    ['10.0.0.1', {}, '10.0.0.1', {}, true],
    ['::', {}, '10.0.0.1', {}, true],
    ['::', { v6only: true }, '10.0.0.1', {}, false],
    ['::', {}, '0.0.0.0', {}, true],
    ['::', { v6only: true }, '0.0.0.0', {}, false],
    ['::', {}, 'fd00::1', {}, true],
    ['fd00::1', {}, '0.0.0.0', {}, false],
    ['::ffff:10.0.0.1', { inet6: true }, '10.0.0.1', {}, true],
    ['::ffff:10.0.0.1', { inet6: true }, '::', { v6only: true }, false],
    ['::ffff:10.0.0.1', { inet6: true }, '::', {}, true],
    ['::ffff:0.0.0.0', { inet6: true }, 'fd00::1', {}, false],
  ];
  for (const [a, wishA, b, wishB, expected] of cases) {
    test(`${a}${wishA.v6only ? ' (v6only)' : ''} and ${b}${wishB.v6only ? ' (v6only)' : ''}`, () => {
      expect(overlaps(binding(a, wishA), binding(b, wishB))).toBe(expected);
      expect(overlaps(binding(b, wishB), binding(a, wishA))).toBe(expected);
    });
  }
});

describe('port table', () => {
  test('SO_REUSEADDR lets two hold a port, but not beside a listener', () => {
    const ports = table();
    expect(ports.bind(binding('0.0.0.0'), 80)).toBe(true);
    expect(ports.bind(binding('0.0.0.0'), 80)).toBe(false);
    expect(ports.bind(binding('10.0.0.1', { reuse: true }), 80)).toBe(false);
    const first = binding('0.0.0.0', { reuse: true });
    const second = binding('0.0.0.0', { reuse: true });
    expect(ports.bind(first, 81)).toBe(true);
    expect(ports.bind(second, 81)).toBe(true);
    expect(ports.listen(first)).toBe(true);
    expect(ports.listen(second)).toBe(false);
    expect(ports.bind(binding('10.0.0.9', { reuse: true }), 81)).toBe(false);
    ports.remove(first);
    expect(ports.listen(second)).toBe(true);
  });

  test('bind(0) takes every port of the range once, then none', () => {
    const ports = table([100, 106]);
    const taken = Array.from({ length: 8 }, () => ports.bindEphemeral(binding('0.0.0.0')));
    expect(taken.slice(0, 7).sort()).toEqual([100, 101, 102, 103, 104, 105, 106]);
    expect(taken[7]).toBe(0);
    expect(ports.size).toBe(7);
  });

  test('a range of one port works', () => {
    const ports = table([7, 7]);
    expect(ports.bindEphemeral(binding('0.0.0.0'))).toBe(7);
    expect(ports.connectEphemeral(binding('10.0.0.1'), 3, () => true)).toBe(0);
  });

  test('connect shares ports towards different peers, prefers the first parity, and never a port that was bound', () => {
    const ports = table([100, 103]);
    ports.bind(binding('0.0.0.0'), 102);
    const used = new Set<number>();
    const take = () => ports.connectEphemeral(binding('10.0.0.1'), 0, (port) => !used.has(port));
    const first = take();
    expect(first).toBe(100);
    used.add(first);
    const others = [take(), 0, 0];
    used.add(others[0]);
    others[1] = take();
    used.add(others[1]);
    others[2] = take();
    expect(others.slice(0, 2).sort()).toEqual([101, 103]);
    expect(others[2]).toBe(0);
    used.clear();
    expect(take()).toBeGreaterThan(0); // another peer: the same ports again
  });
});
