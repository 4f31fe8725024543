import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../wire/address.js';
import * as nd from '../wire/nd.js';
import { MAX_PREFIXES, MAX_ROUTERS, RouterDiscovery } from './router-discovery.js';

const S = 1e6;
const R1 = parseAddress('fe80::1');
const R2 = parseAddress('fe80::2');
const P = parseAddress('2001:db8:1::');

interface Announced {
  life?: number;
  hops?: number;
  /** RFC 4191's two bits. */
  preference?: number;
  reachable?: number;
  retrans?: number;
  mtu?: number;
  prefixes?: [Uint8Array, bits: number, flags: number, valid: number, preferred: number][];
}

/** Discovery with chance that is always one half, and what it says. */
function discovery() {
  const said: string[] = [];
  const it = new RouterDiscovery(
    {
      solicit: (now) => void said.push(`solicit ${(now / S).toFixed(1)}`),
      defaultRouter: (router) =>
        void said.push(`default ${router === null ? 'none' : formatAddress(router)}`),
      onLink: (prefix, bits, present) =>
        void said.push(`${present ? 'on' : 'off'} link ${formatAddress(prefix)}/${bits}`),
      autonomous: (_now, prefix, bits, preferred, valid) =>
        void said.push(`autonomous ${formatAddress(prefix)}/${bits} ${preferred / S} ${valid / S}`),
      linkMtu: (mtu) => void said.push(`mtu ${mtu}`),
      hopLimit: (hops) => void said.push(`hops ${hops}`),
      neighbourTimes: (reachable, retrans) => {
        if (reachable + retrans > 0) said.push(`times ${reachable} ${retrans}`);
      },
    },
    () => 0x8000_0000,
  );
  const options = new nd.NdOptions();
  return {
    it,
    said,
    hear(now: number, source: Uint8Array, a: Announced = {}): boolean {
      const b = new Uint8Array(16 + 8 + 32 * (a.prefixes?.length ?? 0));
      let at = nd.writeRouterAdvertisement(b, 0, a.hops ?? 0, a.life ?? 1800);
      b[5] = (a.preference ?? 0) << 3;
      new DataView(b.buffer).setUint32(8, a.reachable ?? 0);
      new DataView(b.buffer).setUint32(12, a.retrans ?? 0);
      if (a.mtu !== undefined) at = nd.writeMtuOption(b, at, a.mtu);
      for (const prefix of a.prefixes ?? []) at = nd.writePrefixOption(b, at, ...prefix);
      expect(nd.checkNd(b, 0, at, 255, options)).toBe(0);
      return it.advertisement(now, b, 0, source, options, 1500);
    },
    /** What was said since the last call. */
    told: () => said.splice(0),
  };
}

describe('router discovery', () => {
  it('asks at once, then after 4 s, 8 s, 16 s … an hour at most, until a router is there (RFC 7559)', () => {
    const d = discovery();
    d.it.start(0);
    for (let i = 0; i < 13; i++) d.it.onTimer(d.it.nextTimeout());
    const times = d.told().map((each) => Number(each.split(' ')[1]));
    expect(times.slice(0, 5)).toEqual([0, 4, 12, 28, 60]);
    expect(times[12] - times[11]).toBe(3600);
    d.hear(1e10, R1);
    expect(d.it.nextTimeout()).toBe(1e10 + 1800 * S);
  });

  it('takes a default router for its lifetime, and lets it go when that is 0', () => {
    const d = discovery();
    d.hear(0, R1, { life: 60, hops: 32 });
    expect(d.told()).toEqual(['hops 32', 'default fe80::1']);
    d.hear(30 * S, R1, { life: 60 });
    d.it.onTimer(60 * S);
    expect(d.told()).toEqual([]);
    d.it.onTimer(90 * S);
    expect(d.told()).toEqual(['default none']);
    d.hear(100 * S, R1);
    d.hear(101 * S, R1, { life: 0 });
    expect(d.told()).toEqual(['default fe80::1', 'default none']);
  });

  it('prefers by RFC 4191, then stays; a router that does not answer gives way (RFC 4861 section 6.3.6)', () => {
    const d = discovery();
    d.hear(0, R1);
    d.hear(0, R2);
    expect(d.told()).toEqual(['default fe80::1']);
    d.hear(0, R2, { preference: 1 });
    expect(d.told()).toEqual(['default fe80::2']);
    d.it.neighbourFailed(R2);
    expect(d.told()).toEqual(['default fe80::1']);
    // None answers: the better one is as good as any.
    d.it.neighbourFailed(R1);
    expect(d.told()).toEqual(['default fe80::2']);
    d.hear(1, R1, { preference: 3 });
    expect(d.told()).toEqual(['default fe80::1']);
  });

  it('believes prefixes, MTU and times within what RFC 4861 allows, and no router from beyond the link', () => {
    const d = discovery();
    expect(d.hear(0, parseAddress('2001:db8::1'), { mtu: 1400 })).toBe(false);
    d.hear(0, R1, { mtu: 1279 });
    d.hear(0, R1, { mtu: 1501 });
    d.hear(0, R1, { mtu: 1400, reachable: 20_000, retrans: 500 });
    expect(d.told()).toEqual(['default fe80::1', 'times 20000000 500000', 'mtu 1400']);
    d.hear(0, R1, { reachable: 0xffff_ffff, retrans: 0xffff_ffff });
    d.hear(0, R1, { retrans: 1 });
    expect(d.told()).toEqual([]);
    d.hear(0, R1, {
      prefixes: [
        [parseAddress('2001:db8:1::ffff'), 64, 0xc0, 100, 50],
        [parseAddress('fe80::'), 64, 0xc0, 100, 50],
        [parseAddress('ff02::'), 64, 0xc0, 100, 50],
        [new Uint8Array(16), 0, 0x80, 100, 50],
        [P, 129, 0xc0, 100, 50],
      ],
    });
    expect(d.told()).toEqual(['on link 2001:db8:1::/64', 'autonomous 2001:db8:1::/64 50 100']);
    d.hear(50 * S, R1, { prefixes: [[P, 64, 0x80, 100, 0]] });
    d.it.onTimer(149 * S);
    expect(d.told()).toEqual([]);
    d.it.onTimer(150 * S);
    expect(d.told()).toEqual(['off link 2001:db8:1::/64']);
  });

  it('keeps what it has when strangers announce more than it takes', () => {
    const d = discovery();
    d.hear(0, R1);
    for (let i = 2; i < 5000; i++) {
      const prefix = parseAddress(`2001:db8:${i.toString(16)}::`);
      d.hear(0, parseAddress(`fe80::${i.toString(16)}`), { prefixes: [[prefix, 64, 0x80, 0xffff_ffff, 0]] });
    }
    expect(d.it.routers.length).toBe(MAX_ROUTERS);
    expect(d.told().filter((each) => each.startsWith('on')).length).toBe(MAX_PREFIXES);
    d.it.neighbourFailed(R1);
    expect(d.told()).toEqual(['default fe80::2']);
  });
});
