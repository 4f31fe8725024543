// The `ip` target's commands that have to do with fragments: what is put together is what was sent, whole and once, or
// nothing; what overlaps is given up in silence; what is given up for its time is told once at most, and never to an error.

import { buildIp, type ReadPacket, readIp } from '../packets.js';
import { bytesOfHex, invariant, Violation } from '../target.js';
import type { Datagram } from './ip-commands.js';
import type { IpHost } from './ip-host.js';
import { gaveUpFragments, isError, quotedKey } from './ip-judge.js';
import { fragmentKey, payloadOf, piecesOf, sourceOf } from './ip-pieces.js';
import { shuffled } from './shuffled.js';

/** µs that pieces wait: ipfrag_time, and RFC 8200 section 4.5. */
const WAIT = { 4: 30e6, 6: 60e6 };
/** The identification of packets that come by halves begins here: no datagram has it. */
const FIRST_HALF = 1000;

export class FragmentCommands {
  private readonly host: IpHost;
  /** Keys under which pieces wait, or were given up, and until when. */
  private readonly touched = new Map<string, number>();
  /** Keys of packets given up for overlap, and until when nothing may be said of them. */
  private readonly silent = new Map<string, number>();
  private halves = FIRST_HALF;

  constructor(host: IpHost) {
    this.host = host;
    host.onSent = (ip) => this.judgeGivingUp(ip);
  }

  /** Pieces of it are there from now on, for longer than any timeout. */
  touch(d: Datagram): void {
    this.touched.set(this.key(d), this.host.now + 61e6);
  }

  piece(d: Datagram, which: number): void {
    const pieces = piecesOf(d);
    this.touch(d);
    this.host.inject(pieces[which % pieces.length]);
  }

  whole(d: Datagram, order: number, twice: boolean): void {
    const { host } = this;
    const clean = this.clean(d);
    const pieces = shuffled(piecesOf(d), order);
    for (const [i, piece] of pieces.entries()) {
      host.inject(piece);
      // A duplicate of the last piece would begin the packet anew.
      if (twice && i < pieces.length - 1) host.inject(piece);
    }
    if (!clean) {
      this.touch(d);
      return;
    }
    invariant(
      host.received.length === 1,
      'a fragmented packet is not put together once',
      () => `${host.received.length} times, ${pieces.length} pieces`,
    );
    invariant(Buffer.compare(host.received[0], payloadOf(d)) === 0, 'a packet is put together wrongly');
  }

  mixed(d: Datagram): void {
    const { host } = this;
    const other = { ...d, source: 1 - d.source };
    const clean = this.clean(d) && this.clean(other);
    const [a, b] = [piecesOf(d), piecesOf(other)];
    for (let i = 0; i < Math.max(a.length, b.length); i++) {
      if (i < a.length) host.inject(a[i]);
      if (i < b.length) host.inject(b[i]);
    }
    if (!clean) {
      this.touch(d);
      this.touch(other);
    } else
      invariant(
        host.received.length === 2,
        'fragments of two senders are mixed up',
        () => `${host.received.length} arrived`,
      );
  }

  /** One piece reaches into the next with the same bytes: nothing of the packet may arrive (RFC 5722). */
  overlap(d: Datagram, by: number): void {
    const { host } = this;
    const pieces = piecesOf(d);
    const clean = this.clean(d);
    this.touch(d);
    if (pieces.length < 2) return;
    const [first, second] = pieces.map((piece) => readIp(piece) as ReadPacket);
    if (second.payload.length < by + 8) return;
    const { src, dst } = first;
    const joined = Uint8Array.from([...first.payload, ...second.payload.subarray(0, by)]);
    host.inject(
      buildIp({ src, dst, protocol: 17, payload: joined, id: d.id, fragment: { offset: 0, more: true } }),
    );
    for (const piece of pieces.slice(1)) host.inject(piece);
    if (!clean) return;
    invariant(host.received.length === 0, 'overlapping fragments are put together', () => `${by} bytes`);
    this.silent.set(this.key(d), host.now + WAIT[d.v6 ? 6 : 4]);
  }

  /** One of two fragments of a packet of any protocol, and so much time that it is given up. */
  half(bytes: string, cut: number, second: boolean): void {
    const { host } = this;
    const ip = readIp(bytesOfHex(bytes));
    if (typeof ip === 'string' || ip.fragment !== undefined || ip.payload.length <= 8) return;
    const { src, dst, protocol, payload } = ip;
    const at = 8 + 8 * (cut % ((payload.length - 1) >>> 3));
    const id = this.halves++;
    const [part, fragment] = second
      ? [payload.subarray(at), { offset: at, more: false }]
      : [payload.subarray(0, at), { offset: 0, more: true }];
    const packet = buildIp({ src, dst, protocol, payload: part, id, fragment });
    host.inject(packet);
    host.pass(61e6);
    const answers = host.sent.filter((out) => isError(out) && quotedKey(out) === fragmentKey(src, id));
    invariant(answers.length <= 1, 'one packet makes many', () => String(answers.length));
    const sent = readIp(packet) as ReadPacket;
    invariant(
      answers.length === 0 || !isError(sent),
      'an error is answered with an error',
      () => `type ${sent.payload[0]}`,
    );
    invariant(answers.length === 0 || !second, 'an error answers a later fragment');
  }

  private key(d: Datagram): string {
    return fragmentKey(sourceOf(d), d.id);
  }

  private clean(d: Datagram): boolean {
    return (this.touched.get(this.key(d)) ?? -1) < this.host.now && this.host.fragments.size < 60;
  }

  private judgeGivingUp(ip: ReadPacket): void {
    if (!gaveUpFragments(ip)) return;
    const key = quotedKey(ip);
    const until = key === undefined ? undefined : this.silent.get(key);
    if (until !== undefined && this.host.now <= until)
      throw new Violation('fragments that overlap are not given up in silence', key);
  }
}
