// SipHash-2-4 against the vectors of its authors, and fast-open cookies against Linux's.
import { describe, expect, it } from 'vitest';
import { StackConfig } from '../config/config.js';
import { FastOpenState, fastOpenCookie, parseFastOpenKeys } from './fastopen/state.js';
import { sipHash, sipHigh, sipLow } from './siphash.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('SipHash-2-4', () => {
  const key = Uint8Array.from({ length: 16 }, (_, i) => i);
  const message = Uint8Array.from({ length: 64 }, (_, i) => i);
  // From the reference implementation's vectors_sip64: key 00 01 … 0f, message 00 01 … of the given length.
  for (const [length, expected] of [
    [0, '726fdb47dd0e0e31'],
    [1, '74f839c593dc67fd'],
    [2, '0d6c8009d9a94f5a'],
    [3, '85676696d7fb7e2d'],
    [7, 'ab0200f58b01d137'],
    [8, '93f5f5799a932462'],
    [15, 'a129ca6149be45e5'],
    [63, '958a324ceb064572'],
  ] as const) {
    it(`of ${length} bytes`, () => {
      sipHash(key, 0, message, length);
      expect(sipHigh.toString(16).padStart(8, '0') + sipLow.toString(16).padStart(8, '0')).toBe(expected);
    });
  }
});

describe('fast-open cookies', () => {
  const keys = parseFastOpenKeys('a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4')!;
  const cookie = new Uint8Array(16);

  it('are those of Linux for IPv4 and IPv6', () => {
    const four = (...last: number[]): Uint8Array =>
      Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...last);
    expect(fastOpenCookie(keys, 0, four(192, 0, 2, 1), four(192, 168, 0, 1), false, cookie)).toBe(8);
    expect(hex(cookie.subarray(0, 8))).toBe('3021b9d889017eeb');
    const six = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
    fastOpenCookie(
      keys,
      0,
      six('fd3dfa7bd17d00000000000000000001'),
      six('fd3d0a0b17d600000000000000000001'),
      true,
      cookie,
    );
    expect(hex(cookie.subarray(0, 8))).toBe('c1d1e9742a47a9bc');
  });

  it('keys are one or two groups of four words, anything else is none', () => {
    expect(hex(keys)).toBe('a1a1a1a1b2b2b2b2c3c3c3c3d4d4d4d4');
    expect(hex(parseFastOpenKeys('1-2-3-4,5-6-7-8')!.subarray(16))).toBe('05000000060000000700000008000000');
    for (const text of ['', '1-2-3', '1-2-3-4,', '1-2-3-4,1-2-3-4,1-2-3-4', 'x-1-2-3']) {
      expect(parseFastOpenKeys(text)).toBe(null);
    }
  });

  it('the stack’s keys follow the sysctl, and the secret when it is not set', () => {
    const config = new StackConfig();
    const state = new FastOpenState(
      config,
      Uint8Array.from({ length: 16 }, (_, i) => i),
    );
    expect(hex(state.serverKeys())).toBe('000102030405060708090a0b0c0d0e0f');
    config.tcpFastopenKey = '1-2-3-4';
    expect(hex(state.serverKeys())).toBe('01000000020000000300000004000000');
  });

  it('the cache is bounded and can be flushed; the pause doubles', () => {
    const config = new StackConfig();
    const state = new FastOpenState(config);
    const at = (n: number): Uint8Array => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n >>> 8, n);
    for (let n = 0; n < 5000; n++) state.entry(at(0), at(n)).mss = n;
    expect([state.lookUp(at(0), at(0)), state.lookUp(at(0), at(4999))?.mss]).toEqual([null, 4999]);
    state.flush();
    expect(state.lookUp(at(0), at(4999))).toBe(null);
    expect(state.clientPaused(0)).toBe(false);
    config.tcpFastopenBlackholeTimeoutSec = 10;
    state.pauseClient(0);
    expect([state.clientPaused(9e6), state.clientPaused(11e6)]).toEqual([true, false]);
    state.pauseClient(20e6);
    expect([state.clientPaused(39e6), state.clientPaused(41e6)]).toEqual([true, false]);
  });
});
