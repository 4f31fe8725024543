import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../wire/address.js';
import { AddressClaims, MAX_CLAIMS } from './address-claims.js';

const A6 = parseAddress('2001:db8::2');
const A4 = parseAddress('10.0.0.2');
const OTHER = Uint8Array.of(2, 0, 0, 0, 0, 9);
const S = 1e6;

/** Claims with chance that is always one half; what they say, one line each. */
function claims() {
  const said: string[] = [];
  const line = (now: number, text: string, address: Uint8Array) =>
    void said.push(`${now / S} ${text} ${formatAddress(address)}`);
  const it = new AddressClaims(
    {
      probe: (now, { address }) => line(now, 'probe', address),
      announce: (now, address) => line(now, 'announce', address),
      ended: (now, { address }, duplicate, hardware) =>
        line(now, duplicate ? `duplicate by ${hardware?.[5] ?? 'nobody'}` : 'assigned', address),
      conflict: (now, address, _link, _hw, defended) => line(now, `conflict, defended ${defended}`, address),
    },
    () => 0x8000_0000,
  );
  return {
    it,
    said,
    run(until: number, transmits = 1) {
      for (let at = it.nextTimeout(); at <= until; at = it.nextTimeout()) it.onTimer(at, transmits);
    },
  };
}
const want = (address: Uint8Array, link = 0) => ({
  address,
  bits: 64,
  link,
  owner: { assigned() {}, duplicate() {} },
});

describe('duplicate address detection (RFC 4862 section 5.4)', () => {
  it('one solicitation after a random delay, a second of silence, then the address is ours', () => {
    const { it: c, said, run } = claims();
    expect(c.start(0, want(A6), true)).toBe(true);
    run(10 * S);
    expect(said).toEqual(['0.5 probe 2001:db8::2', '1.5 assigned 2001:db8::2']);
    expect(c.nextTimeout()).toBe(Number.POSITIVE_INFINITY);
  });

  it('takes DupAddrDetectTransmits from the configuration, and no delay when there is none to take', () => {
    const { it: c, said, run } = claims();
    c.start(0, want(A6), false);
    run(10 * S, 3);
    expect(said.map((each) => each.slice(0, 7))).toEqual(['0 probe', '1 probe', '2 probe', '3 assig']);
  });

  it('another’s word ends the claim at any time before, and is nothing afterwards', () => {
    const { it: c, said, run } = claims();
    c.start(0, want(A6), true);
    expect(c.contested(0.7 * S, A6, 0, 1, OTHER)).toBe(false);
    run(0.5 * S);
    expect(c.contested(0.7 * S, A6, 0, 0, OTHER)).toBe(true);
    run(10 * S);
    expect(said).toEqual(['0.5 probe 2001:db8::2', '0.7 duplicate by 9 2001:db8::2']);
    expect(c.contested(11 * S, A6, 0, 0, OTHER)).toBe(false);
  });

  it('is bounded, and one claim for one address', () => {
    const { it: c } = claims();
    expect(c.start(0, want(A6), true)).toBe(true);
    expect(c.start(0, want(A6), true)).toBe(false);
    for (let i = 1; i < MAX_CLAIMS; i++) c.start(0, want(parseAddress(`fd00::${i}`)), true);
    expect(c.start(0, want(parseAddress('fd00::ffff')), true)).toBe(false);
    expect(c.cancel(A6)).toBe(true);
    expect(c.start(0, want(A6), true)).toBe(true);
  });
});

describe('IPv4 address conflict detection (RFC 5227)', () => {
  it('three probes, a pause, two announcements', () => {
    const { it: c, said, run } = claims();
    c.start(0, want(A4), false);
    run(60 * S);
    expect(said).toEqual([
      '0.5 probe 10.0.0.2',
      '2 probe 10.0.0.2',
      '3.5 probe 10.0.0.2',
      '5.5 assigned 10.0.0.2',
      '5.5 announce 10.0.0.2',
      '7.5 announce 10.0.0.2',
    ]);
  });

  it('an address in use is defended, but once in ten seconds', () => {
    const { it: c, said } = claims();
    for (const at of [0, 3, 9.9, 10, 12]) c.conflict(at * S, A4, 0, OTHER);
    expect(said).toEqual([
      '0 announce 10.0.0.2',
      '0 conflict, defended true 10.0.0.2',
      '3 conflict, defended false 10.0.0.2',
      '9.9 conflict, defended false 10.0.0.2',
      '10 announce 10.0.0.2',
      '10 conflict, defended true 10.0.0.2',
      '12 conflict, defended false 10.0.0.2',
    ]);
  });

  it('after ten conflicts no more than one new address a minute', () => {
    const { it: c, run } = claims();
    let now = 0;
    for (let i = 0; i < 10; i++) {
      c.start(now, want(A4), false);
      run(now + S);
      c.contested(now + S, A4, 0, 0, OTHER);
      now += S;
    }
    c.start(now, want(A4), false);
    // The tenth was begun a second ago, half a second late.
    expect(c.nextTimeout() - now).toBe(59.5 * S);
  });
});
