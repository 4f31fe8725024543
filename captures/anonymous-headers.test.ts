// Options, extension headers, authentication headers and tunnels of a capture that is made anonymous.

import { describe, expect, it } from 'vitest';
import { finish, pseudoSumAt, sumBytes } from '../stack/wire/checksum.js';
import { TCP_ACK } from '../stack/wire/tcp.js';
import { Anonymiser } from './anonymise.js';
import { keepKnownOptions } from './anonymous-headers.js';
import { frameOf, packet4, packet6 } from './streams/build.test.helper.js';

const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex');
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const kept = (text: string): string => {
  const b = bytes(text);
  keepKnownOptions(b, 0, b.length);
  return hex(b);
};

const sent = { from: 40000, to: 80, seq: 1, ack: 1, flags: TCP_ACK, data: bytes('73656372657421') };
const PROTOCOL_TCP = 6;

describe('TCP options', () => {
  it('stay where everybody knows what they say', () => {
    const known = '0204 05b4 0101 0402 080a 0000 0001 0000 0002 0103 0307 0000'.replaceAll(' ', '');
    expect(kept(known)).toBe(known);
    expect(kept('2206aabbccdd fe08f989 aabbccdd')).toBe('2206aabbccddfe08f989aabbccdd');
  });

  it('are zeros inside where they hold what nobody knows, keys or addresses', () => {
    expect(kept('fd06 53454352 fe06 53454352')).toBe('fd0600000000fe0600000000');
    expect(kept('1e08 3001 c0a80507 01')).toBe('1e0830000000000001');
    expect(kept('1306 01020304 1d06 01020304')).toBe('1306000000001d0600000000');
    // Behind the end of the list, and in one that is longer than the header.
    expect(kept('00 534543')).toBe('00000000');
    expect(kept('fd14 534543')).toBe('fd14000000');
  });
});

/** Whether the TCP checksum at `tcp` counts the addresses at `source` and `destination`. */
function isRight(b: Uint8Array, tcp: number, source: number, destination: number, size: number): boolean {
  const pseudo = pseudoSumAt(b, source, size, PROTOCOL_TCP, b.length - tcp);
  return finish(pseudo + sumBytes(b, destination, destination + size) + sumBytes(b, tcp, b.length)) === 0;
}

const anonymous = (b: Uint8Array): Uint8Array => new Anonymiser().frame(frameOf(b)).data;

/** `header` between the IPv6 header and TCP. */
function extended(next: number, header: Uint8Array): Uint8Array {
  const plain = packet6(sent);
  const b = new Uint8Array(plain.length + header.length);
  b.set(plain.subarray(0, 40));
  b[6] = next;
  b[5]! += header.length;
  b.set(header, 40);
  b.set(plain.subarray(40), 40 + header.length);
  return b;
}

describe('IPv6 extension headers', () => {
  const via = 'fd000000000000000000000000000009';
  const last = 'fd000000000000000000000000000008';

  it('have stand-ins in routes, and checksums count the last address', () => {
    const segments = anonymous(extended(43, bytes(`06 04 04 01 01 00 0000 ${last} ${via}`)));
    expect(hex(segments.subarray(48, 80))).not.toMatch(/fd0000/);
    expect(isRight(segments, 80, 8, 48, 16)).toBe(true);
    const source = anonymous(extended(43, bytes(`06 04 00 02 00000000 ${via} ${last}`)));
    expect(isRight(source, 80, 8, 64, 16)).toBe(true);
    const there = anonymous(extended(43, bytes(`06 04 04 00 01 00 0000 ${last} ${via}`)));
    expect(isRight(there, 80, 8, 24, 16)).toBe(true);
  });

  it('are zeros inside where nobody knows what they say', () => {
    const options = anonymous(extended(60, bytes('06 00 1e 04 53454352')));
    expect(hex(options.subarray(40, 48))).toBe('0600010400000000');
    expect(isRight(options, 48, 8, 24, 16)).toBe(true);
    const route = anonymous(extended(43, bytes('06 00 fd 00 53454352')));
    expect(hex(route.subarray(40, 48))).toBe('0600fd0000000000');
  });
});

describe('an authentication header', () => {
  it('stays without its digest, and what is behind it is TCP', () => {
    const plain = packet4(sent);
    const head = bytes('06 04 0000 00000001 00000002 aabbccddeeff001122334455');
    const b = new Uint8Array(plain.length + head.length);
    b.set(plain.subarray(0, 20));
    b[3]! += head.length;
    b[9] = 51;
    b.set(head, 20);
    b.set(plain.subarray(20), 44);
    const out = anonymous(b);
    expect(hex(out.subarray(20, 44))).toBe(`060400000000000100000002${'00'.repeat(12)}`);
    expect(out[45]).toBe(plain[21]);
    expect(hex(out.subarray(64))).toBe('00'.repeat(7));
    expect(isRight(out, 44, 12, 16, 4)).toBe(true);
  });
});

describe('tunnels', () => {
  it('are counted where they are zeros inside', () => {
    const anonymiser = new Anonymiser();
    const inner = packet4(sent);
    // GRE with a key (RFC 2890).
    const b = new Uint8Array(28 + inner.length);
    b.set(packet4({ ...sent, data: new Uint8Array(0) }).subarray(0, 20));
    b[3] = b.length;
    b[9] = 47;
    b.set(bytes('2000 0800 00000007'), 20);
    b.set(inner, 28);
    expect(hex(anonymiser.frame(frameOf(b)).data.subarray(20))).toMatch(/^0+$/);
    anonymiser.frame(frameOf(inner));
    expect(anonymiser.emptied).toBe(1);
  });
});
