import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FlowAddress } from '../tcp/flow-ends.js';
import { FlowMap } from './flow-map.js';

function flow(
  local: number,
  localPort: number,
  remote: number,
  remotePort: number,
  zone: number,
): FlowAddress {
  const address = (last: number) => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, last);
  return {
    localAddress: address(local),
    remoteAddress: address(remote),
    localPort,
    remotePort,
    zone,
    ipv6: false,
  };
}

test('agrees with a map by text under any additions, removals and look-ups', () => {
  const tuple = fc.tuple(fc.nat(2), fc.nat(30), fc.nat(2), fc.nat(30), fc.nat(1));
  fc.assert(
    fc.property(fc.array(fc.tuple(tuple, fc.boolean()), { maxLength: 400 }), fc.integer(), (steps, seed) => {
      const map = new FlowMap<FlowAddress>(seed);
      const model = new Map<string, FlowAddress>();
      for (const [parts, add] of steps) {
        const key = parts.join();
        const wanted = flow(...parts);
        const { localAddress, localPort, remoteAddress, remotePort, zone } = wanted;
        const found = map.find(localAddress, localPort, remoteAddress, remotePort, zone);
        expect(found).toBe(model.get(key) ?? null);
        if (add && found === null) {
          map.add(wanted);
          model.set(key, wanted);
        } else if (!add && found !== null) {
          expect(map.remove(found)).toBe(true);
          expect(map.remove(found)).toBe(false);
          model.delete(key);
        }
        expect(map.size).toBe(model.size);
      }
      expect(new Set(map.values())).toEqual(new Set(model.values()));
    }),
    { numRuns: 100 },
  );
});
