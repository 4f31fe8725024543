// The bounded map, routes, own addresses and path MTUs.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress, parsePrefix } from '../wire/address.js';
import { AddressMap } from './address-map.js';
import * as own from './addresses.js';
import { PathMtuCache } from './path-mtu.js';
import { RouteError, type RouteSpec, RouteTable } from './routes.js';

const ip = parseAddress;

describe('address map', () => {
  it('behaves as a Map that forgets the least recently used', () => {
    const step = fc.record({
      kind: fc.constantFrom('set', 'use', 'get', 'delete'),
      key: fc.nat(12),
      zone: fc.nat(1),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: 'max' }), fc.integer(), (steps, seed) => {
        const map = new AddressMap<number>(6, seed);
        const model = new Map<string, number>();
        const evicted: number[] = [];
        map.onEvict = (v) => evicted.push(v);
        steps.forEach(({ kind, key, zone }, at) => {
          const a = ip(`2001:db8::${key.toString(16)}`);
          const name = `${key}/${zone}`;
          if (kind === 'set') {
            const victim = [...model.entries()][0];
            const full = !model.has(name) && model.size === 6;
            map.set(a, 0, zone, at);
            if (full) {
              model.delete(victim[0]);
              expect(evicted.pop()).toBe(victim[1]);
            }
            model.set(name, at);
          } else if (kind === 'delete') {
            expect(map.delete(a, 0, zone)).toBe(model.delete(name));
          } else {
            expect(kind === 'use' ? map.use(a, 0, zone) : map.get(a, 0, zone)).toBe(model.get(name));
            const value = model.get(name);
            if (kind === 'use' && value !== undefined) {
              model.delete(name);
              model.set(name, value);
            }
          }
          expect(map.size).toBe(model.size);
          const seen: number[] = [];
          map.forEach((v) => {
            seen.push(v);
          });
          expect(seen).toEqual([...model.values()]);
        });
        expect(evicted).toEqual([]);
        map.clear();
        expect(map.size).toBe(0);
        expect(map.get(ip('2001:db8::1'), 0, 0)).toBe(undefined);
      }),
    );
  });
});

describe('routes', () => {
  const route = (destination: string, more: Partial<RouteSpec> = {}): RouteSpec => ({
    destination: parsePrefix(destination),
    link: 1,
    ...more,
  });

  it('finds the longest prefix, then the lowest metric, within the family', () => {
    const table = new RouteTable();
    table.add(route('192.0.2.0/24'));
    table.add(route('0.0.0.0/0', { gateway: ip('192.0.2.254'), mtu: 1400 }));
    table.add(route('192.0.2.128/25', { link: 2 }));
    table.add(route('::/0', { gateway: ip('fe80::1'), link: 3 }));
    table.add(route('::/0', { link: 4, metric: 100 }));
    const link = (a: string, only = -1) => table.lookup(ip(a), 0, only)?.link;
    expect(link('192.0.2.1')).toBe(1);
    expect(link('192.0.2.200')).toBe(2);
    expect(link('192.0.2.200', 1)).toBe(1);
    expect(link('198.51.100.1')).toBe(1);
    expect(table.lookup(ip('198.51.100.1'), 0)?.mtu).toBe(1400);
    expect(formatAddress(table.lookup(ip('198.51.100.1'), 0)!.gateway!)).toBe('192.0.2.254');
    expect(link('2001:db8::1')).toBe(4);
    expect(link('2001:db8::1', 3)).toBe(3);
    expect(link('2001:db8::1', 9)).toBe(undefined);
    table.remove(parsePrefix('0.0.0.0/0'));
    // ::/0 does not catch mapped addresses.
    expect(link('198.51.100.1')).toBe(undefined);
  });

  it('agrees with a search through all routes', () => {
    const prefix = fc.tuple(fc.nat(0xff), fc.integer({ min: 0, max: 8 }), fc.nat(3));
    fc.assert(
      fc.property(fc.array(prefix, { maxLength: 20, size: 'max' }), fc.nat(0xff), (list, last) => {
        const table = new RouteTable();
        const kept = new Map<string, { value: number; bits: number; metric: number; link: number }>();
        list.forEach(([byte, bits, metric], link) => {
          const value = byte & (0xff00 >>> bits) & 0xff;
          table.add(
            { destination: { address: ip(`10.0.0.${value}`), bits: 120 + bits }, link, metric },
            true,
          );
          kept.set(`${value}/${bits}/${metric}`, { value, bits, metric, link });
        });
        const best = [...kept.values()]
          .filter((r) => (last & (0xff00 >>> r.bits) & 0xff) === r.value)
          .sort((x, y) => y.bits - x.bits || x.metric - y.metric)[0];
        expect(list.length === 0 ? undefined : table.lookup(ip(`10.0.0.${last}`), 0)?.link).toBe(best?.link);
        expect(table.all.length).toBe(kept.size);
      }),
    );
  });

  it('keeps attributes, replaces on request, and says what cannot be', () => {
    const table = new RouteTable();
    table.add(
      route('10.0.0.0/8', { mtu: 1500, mtuLocked: true, advmss: 1000, initcwnd: 4, initrwnd: 5, rtoMin: 7 }),
    );
    expect(table.lookup(ip('10.1.1.1'), 0)).toMatchObject({
      mtu: 1500,
      mtuLocked: true,
      advmss: 1000,
      initcwnd: 4,
      initrwnd: 5,
      rtoMin: 7,
      quickack: false,
      hopLimit: 0,
      metric: 0,
    });
    const before = table.generation;
    const code = (f: () => unknown) => {
      try {
        f();
      } catch (e) {
        expect(e).toBeInstanceOf(RouteError);
        return (e as RouteError).code;
      }
      return 'none';
    };
    expect(code(() => table.add(route('10.0.0.0/8')))).toBe('EEXIST');
    expect(code(() => table.add(route('10.0.0.1/8')))).toBe('EINVAL');
    expect(code(() => table.add(route('172.16.0.0/12', { gateway: ip('fe80::1') })))).toBe('EINVAL');
    expect(code(() => table.add(route('172.16.0.0/12', { gateway: ip('198.51.100.1') })))).toBe(
      'ENETUNREACH',
    );
    expect(code(() => table.remove(parsePrefix('172.16.0.0/12')))).toBe('ESRCH');
    expect(code(() => table.remove(parsePrefix('10.0.0.0/8'), 2))).toBe('ESRCH');
    expect(table.generation).toBe(before);
    table.add(route('10.0.0.0/8', { mtu: 1300, connected: true }), true);
    expect(table.generation).toBe(before + 1);
    expect(table.lookup(ip('10.1.1.1'), 0)?.mtu).toBe(1300);
    expect(table.removeWhere((r) => r.connected)).toBe(1);
    expect(table.removeWhere((r) => r.connected)).toBe(0);
    expect(table.generation).toBe(before + 2);
    expect(String(table.add(route('::/0', { source: ip('2001:db8::1') })))).toBe('::/0 link 1 metric 1024');
  });
});

describe('own addresses', () => {
  function table(): own.AddressTable {
    const t = new own.AddressTable();
    t.add(ip('192.0.2.1'), 120, 1);
    t.add(ip('198.51.100.1'), 120, 1);
    t.add(ip('203.0.113.8'), 127, 2);
    t.add(ip('fe80::1'), 64, 1);
    t.add(ip('2001:db8:1::1'), 64, 1);
    t.add(ip('fd00::1'), 64, 2);
    return t;
  }

  it('says what a destination means on a link', () => {
    const t = table();
    const means = (a: string, link = 1) => t.classify(ip(a), 0, link);
    for (const a of ['192.0.2.1', '203.0.113.8', '2001:db8:1::1', 'fe80::1', '127.0.0.1', '::1']) {
      expect(means(a), a).toBe(own.DST_UNICAST);
    }
    expect(means('fe80::1', 2)).toBe(own.DST_NOT_OURS);
    expect(means('192.0.2.255')).toBe(own.DST_BROADCAST);
    expect(means('192.0.2.255', 2)).toBe(own.DST_NOT_OURS);
    expect(means('192.0.2.0')).toBe(own.DST_NOT_OURS);
    expect(means('255.255.255.255')).toBe(own.DST_BROADCAST);
    // RFC 3021: a /31 has no broadcast address.
    expect(means('203.0.113.9', 2)).toBe(own.DST_NOT_OURS);
    expect(means('224.0.0.1')).toBe(own.DST_MULTICAST);
    expect(means('224.0.0.2')).toBe(own.DST_NOT_OURS);
    expect(means('ff02::1')).toBe(own.DST_MULTICAST);
    expect(means('ff01::1')).toBe(own.DST_MULTICAST);
    expect(means('ff05::1')).toBe(own.DST_NOT_OURS);
    expect(means('ff02::2')).toBe(own.DST_NOT_OURS);
    expect(means('ff02::1:ff00:1')).toBe(own.DST_MULTICAST);
    expect(means('ff02::1:ff00:2')).toBe(own.DST_NOT_OURS);
    expect(t.isLocal(ip('198.51.100.1'), 0)).toBe(true);
    expect(t.isLocal(ip('198.51.100.2'), 0)).toBe(false);
  });

  it('selects sources by subnet, link, scope and prefix', () => {
    const t = table();
    const source = (to: string, link: number, next = to) => {
      const a = t.selectSource(ip(to), 0, link, ip(next), 0);
      return a === null ? null : formatAddress(a);
    };
    expect(source('192.0.2.9', 1)).toBe('192.0.2.1');
    expect(source('8.8.8.8', 1, '198.51.100.254')).toBe('198.51.100.1');
    expect(source('8.8.8.8', 1, '10.0.0.1')).toBe('192.0.2.1');
    expect(source('8.8.8.8', 3)).toBe('192.0.2.1');
    expect(source('192.0.2.1', 0)).toBe('192.0.2.1');
    expect(source('fe80::9', 1)).toBe('fe80::1');
    expect(source('ff02::1', 1)).toBe('fe80::1');
    expect(source('2001:db8:1::9', 1)).toBe('2001:db8:1::1');
    expect(source('2600::1', 1)).toBe('2001:db8:1::1');
    // Rule 2: a wide enough scope beats the outgoing link and the longer prefix.
    const scopes = new own.AddressTable();
    scopes.add(ip('fe80::5'), 64, 1);
    scopes.add(ip('fd00::5'), 64, 2);
    const global = scopes.selectSource(ip('2600::1'), 0, 1, ip('fe80::1'), 0);
    expect(global === null ? null : formatAddress(global)).toBe('fd00::5');
    expect(formatAddress(scopes.selectSource(ip('fe80::7'), 0, 1, ip('fe80::7'), 0)!)).toBe('fe80::5');
    // RFC 6724 rule 6: unique-local to unique-local.
    expect(source('fd00:9::1', 3)).toBe('fd00::1');
    expect(source('2001:db8:1::1', 2)).toBe('2001:db8:1::1');
    // Rule 3: a deprecated address is the last choice within a scope, but the only one where it is the destination itself (rule 1).
    const aged = new own.AddressTable();
    const old = aged.add(ip('2001:db8::1'), 64, 0);
    aged.add(ip('2001:db8:ffff::1'), 64, 0);
    aged.deprecate(old, true);
    const near = ip('2001:db8::7');
    expect(formatAddress(aged.selectSource(near, 0, 0, near, 0)!)).toBe('2001:db8:ffff::1');
    expect(formatAddress(aged.selectSource(old.address, 0, 0, old.address, 0)!)).toBe('2001:db8::1');
    aged.deprecate(old, false);
    expect(formatAddress(aged.selectSource(near, 0, 0, near, 0)!)).toBe('2001:db8::1');
    expect(new own.AddressTable().selectSource(ip('8.8.8.8'), 0, 1, ip('8.8.8.8'), 0)).toBe(null);
    expect(new own.AddressTable().selectSource(ip('::9'), 0, 1, ip('::9'), 0)).toBe(null);
  });

  it('adds and removes, and says what cannot be', () => {
    const t = table();
    const before = t.generation;
    expect(() => t.add(ip('192.0.2.1'), 120, 1)).toThrow('EEXIST: 192.0.2.1');
    expect(() => t.add(ip('224.0.0.1'), 120, 1)).toThrow(own.LocalAddressError);
    expect(() => t.add(ip('10.0.0.1'), 95, 1)).toThrow('EINVAL');
    expect(() => t.remove(ip('10.0.0.1'))).toThrow('EADDRNOTAVAIL: 10.0.0.1');
    expect(t.generation).toBe(before);
    t.add(ip('192.0.2.1'), 120, 2);
    expect(t.remove(ip('192.0.2.1')).map((x) => x.link)).toEqual([2, 1]);
    expect(t.isLocal(ip('192.0.2.1'), 0)).toBe(false);
    expect(t.all.length).toBe(5);
    expect(t.generation).toBe(before + 2);
  });
});

describe('path MTU cache', () => {
  const config = { routeMinPmtu: 552, routeMtuExpires: 600 };
  const v4 = ip('192.0.2.9');
  const v6 = ip('2001:db8::9');

  it('learns what is smaller, forgets it in time, and counts generations', () => {
    const cache = new PathMtuCache(config, 1);
    expect(cache.get(0, v4, 0, 0, 1500)).toBe(1500);
    expect(cache.learn(0, v4, 0, 0, 1400, 1500)).toBe(true);
    expect(cache.learn(5, v4, 0, 0, 1450, 1500)).toBe(false);
    expect(cache.learn(5, v4, 0, 0, 1400, 1500)).toBe(false);
    expect([cache.get(9, v4, 0, 0, 1500), cache.get(9, v4, 0, 0, 1300)]).toEqual([1400, 1300]);
    expect(cache.isLocked(9, v4, 0, 0)).toBe(false);
    expect(cache.expires(9, v4, 0, 0)).toBe(600e6);
    expect(cache.learn(10, v4, 0, 0, 1200, 1500)).toBe(true);
    const generation = cache.generation;
    expect(cache.get(600e6 + 9, v4, 0, 0, 1500)).toBe(1200);
    expect(cache.get(600e6 + 10, v4, 0, 0, 1500)).toBe(1500);
    expect(cache.generation).toBe(generation + 1);
    expect(cache.expires(600e6 + 10, v4, 0, 0)).toBe(Number.POSITIVE_INFINITY);
  });

  it('holds min_pmtu without DF for absurd IPv4 values, and discards those below 1280 of IPv6', () => {
    const cache = new PathMtuCache(config, 1);
    expect(cache.learn(0, v4, 0, 0, 0, 1500)).toBe(true);
    expect([cache.get(0, v4, 0, 0, 1500), cache.isLocked(0, v4, 0, 0)]).toEqual([552, true]);
    expect(cache.learn(0, v6, 0, 0, 1279, 1500)).toBe(false);
    expect(cache.get(0, v6, 0, 0, 1500)).toBe(1500);
    expect(cache.learn(0, v6, 0, 0, 1280, 1500)).toBe(true);
    expect([cache.get(0, v6, 0, 0, 1500), cache.isLocked(0, v6, 0, 0)]).toEqual([1280, false]);
  });

  it('stays within its bound', () => {
    const cache = new PathMtuCache(config, 1, 8);
    for (let i = 0; i < 100; i++) cache.learn(0, ip(`2001:db8::${i}`), 0, 0, 1300, 1500);
    expect(cache.size).toBe(8);
    const generation = cache.generation;
    cache.clear();
    expect([cache.size, cache.generation]).toEqual([0, generation + 1]);
    cache.clear();
    expect(cache.generation).toBe(generation + 1);
  });
});
