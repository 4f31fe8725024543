import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../wire/address.js';
import { MAX_ADDRESSES, Slaac } from './slaac.js';
import { isReservedIdentifier, stableAddress } from './stable-address.js';

const S = 1e6;
const H = 3600 * S;
const SECRET = Uint8Array.from({ length: 16 }, (_, i) => i);
const P = parseAddress('2001:db8:1::');
const at = (counter: number, prefix = P) => stableAddress(prefix, 'tap0', counter, SECRET);

function slaac() {
  const said: string[] = [];
  const it = new Slaac(
    {
      claim: (_now, address) => void said.push(`claim ${formatAddress(address)}`),
      remove: (address) => void said.push(`remove ${formatAddress(address)}`),
      deprecate: (address, deprecated) =>
        void said.push(`${deprecated ? '' : 'un'}deprecate ${formatAddress(address)}`),
    },
    'tap0',
    SECRET,
  );
  return { it, told: () => said.splice(0) };
}

describe('stable identifiers (RFC 7217)', () => {
  it('are the same for the same prefix, interface, counter and secret, and others else', () => {
    expect(at(0)).toEqual(at(0));
    const others = [
      at(1),
      at(0, parseAddress('2001:db8:2::')),
      stableAddress(P, 'tap1', 0, SECRET),
      stableAddress(
        P,
        'tap0',
        0,
        SECRET.map((byte) => byte ^ 1),
      ),
    ];
    const identifiers = [at(0), ...others].map((each) => each.subarray(8).join());
    expect(new Set(identifiers).size).toBe(5);
    expect(formatAddress(at(0)).startsWith('2001:db8:1:0:')).toBe(true);
  });

  it('are never reserved ones (RFC 5453, RFC 2526)', () => {
    const identifier = (text: string) => isReservedIdentifier(parseAddress(`2001:db8::${text}`));
    expect(isReservedIdentifier(parseAddress('2001:db8::'))).toBe(true);
    expect(['1', '200:5eff:fe00:5213', 'fdff:ffff:ffff:ff7f'].map(identifier)).toEqual([false, false, false]);
    expect(
      ['200:5eff:fe00:0', '200:5eff:fe00:5212', 'fdff:ffff:ffff:ff80', 'fdff:ffff:ffff:ffff'].map(identifier),
    ).toEqual([true, true, true, true]);
  });
});

describe('stateless address autoconfiguration (RFC 4862 section 5.5)', () => {
  const address = formatAddress(at(0));

  it('forms an address, deprecates it, and lets it go by its lifetimes', () => {
    const { it: s, told } = slaac();
    s.prefix(0, P, 64, 100 * S, 200 * S);
    expect(told()).toEqual([`claim ${address}`]);
    s.assigned(2 * S, at(0));
    expect(s.nextTimeout()).toBe(100 * S);
    s.onTimer(100 * S);
    expect(told()).toEqual([`deprecate ${address}`]);
    // Announced again: the preferred lifetime counts at once.
    s.prefix(150 * S, P, 64, 100 * S, 200 * S);
    expect(told()).toEqual([`undeprecate ${address}`]);
    s.onTimer(350 * S);
    expect(told()).toEqual([`remove ${address}`]);
    expect(s.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
  });

  it('a forged announcement cuts no life below two hours', () => {
    const { it: s, told } = slaac();
    s.prefix(0, P, 64, 24 * H, 24 * H);
    s.assigned(0, at(0));
    s.prefix(H, P, 64, 0, 0);
    expect(told()).toEqual([`claim ${address}`, `deprecate ${address}`]);
    expect(s.nextTimeout()).toBe(3 * H);
    // Within its last two hours it is not cut at all, but may be made longer.
    s.prefix(2 * H, P, 64, 0, 60 * S);
    expect(s.nextTimeout()).toBe(3 * H);
    s.prefix(2 * H, P, 64, 0, 1.5 * H);
    expect(s.nextTimeout()).toBe(3.5 * H);
  });

  it('ignores what makes no sense: preferred longer than valid, other lengths, no life', () => {
    const { it: s, told } = slaac();
    s.prefix(0, P, 64, 200 * S, 100 * S);
    s.prefix(0, P, 63, 100 * S, 100 * S);
    s.prefix(0, P, 128, 100 * S, 100 * S);
    s.prefix(0, P, 64, 0, 0);
    expect(told()).toEqual([]);
  });

  it('after a duplicate the next identifier is tried, three times, then no more (RFC 7217 section 6)', () => {
    const { it: s, told } = slaac();
    s.prefix(0, P, 64, 100 * S, 200 * S);
    for (let i = 0; i < 4; i++) s.duplicate(i, at(i));
    expect(told()).toEqual([0, 1, 2, 3].map((counter) => `claim ${formatAddress(at(counter))}`));
    s.prefix(10 * S, P, 64, 100 * S, 200 * S);
    expect(told()).toEqual([]);
    expect(s.all).toEqual([]);
  });

  it('makes no more than sixteen addresses of whatever is announced', () => {
    const { it: s, told } = slaac();
    s.linkLocal(0);
    for (let i = 0; i < 5000; i++)
      s.prefix(0, parseAddress(`2001:db8:${i.toString(16)}::`), 64, 100 * S, 100 * S);
    expect(told().length).toBe(MAX_ADDRESSES);
    s.onTimer(1000 * S);
    // The link-local one stays.
    expect(s.all.length).toBe(1);
  });
});
