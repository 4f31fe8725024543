// Builds the peer's packets as our stack is to see them: acknowledgments and SACK edges in our numbers, timestamp echoes
// of values that we really sent, addresses of the replay, checksums anew. The peer's own numbers stay as recorded.

import { parseAddress } from '../../stack/wire/address.js';
import { getU32, setU16, setU32 } from '../../stack/wire/bytes.js';
import { finish, pseudoSum, sumBytes } from '../../stack/wire/checksum.js';
import * as ipv4 from '../../stack/wire/ipv4.js';
import * as tcp from '../../stack/wire/tcp.js';
import type { RecordedIcmp, Recording } from './recording.js';
import type { PeerSegment } from './situation.js';

export const LOCAL4 = '192.168.0.1';
export const REMOTE4 = '192.0.2.1';
export const LOCAL6 = 'fd3d:a0b:17d6::1';
export const REMOTE6 = '2001:db8::1';

const OPTION_SACK = 5;
const OPTION_TIMESTAMP = 8;
const OPTION_FASTOPEN = 34;

export interface Numbers {
  /** Absolute ISNs: the peer's as recorded, ours as our stack chose it. */
  readonly peer: number;
  readonly ours: number;
  /** Our port and the peer's. */
  readonly ourPort: number;
  readonly peerPort: number;
  /** The recorded host's ISN: SACK edges count from it. */
  readonly recorded: number;
}

export class Translator {
  readonly local: Uint8Array;
  readonly remote: Uint8Array;
  private readonly six: boolean;
  private identification = 1;

  constructor(recording: Recording) {
    this.six = recording.ipv6;
    this.local = parseAddress(this.six ? LOCAL6 : LOCAL4);
    this.remote = parseAddress(this.six ? REMOTE6 : REMOTE4);
  }

  /** @param echo our timestamp for one that the recorded host sent */
  segment(p: PeerSegment, n: Numbers, echo: (recorded: number) => number): Uint8Array {
    const options = padded(this.options(p, n, echo));
    const length = tcp.TCP_MIN_HEADER + options.length + p.payload.length;
    const head = this.six ? 40 : 20;
    const b = new Uint8Array(head + length);
    this.header(b, tcp.TCP_PROTOCOL, length, p.tos, this.remote);
    const ack = p.flags & tcp.TCP_ACK ? (n.ours + p.ack) >>> 0 : 0;
    tcp.writeTcp(
      b,
      head,
      n.peerPort,
      n.ourPort,
      (n.peer + p.seq) >>> 0,
      ack,
      20 + options.length,
      p.flags,
      p.window,
      p.urgent,
    );
    b.set(options, head + 20);
    b.set(p.payload, head + 20 + options.length);
    tcp.setChecksum(b, head, this.checksum(b, head, tcp.TCP_PROTOCOL, this.remote));
    return b;
  }

  /** An ICMP error about a packet that our stack sent, from the router's place. */
  icmp(p: RecordedIcmp, n: Numbers): Uint8Array {
    const head = this.six ? 40 : 20;
    const quoted = head + 8;
    const b = new Uint8Array(head + 8 + quoted);
    const inner = head + 8;
    b.set(this.quotation(n, p.quotedSeq), inner);
    // The peer's address stands for the router's: the stack looks at the quotation.
    this.header(b, this.six ? 58 : 1, 8 + quoted, 0, this.remote);
    b[head] = p.message.type;
    b[head + 1] = p.message.code;
    setU32(b, head + 4, p.message.rest);
    setU16(
      b,
      head + 2,
      this.six ? this.checksum(b, head, 58, this.remote) : finish(sumBytes(b, head, b.length)),
    );
    return b;
  }

  private quotation(n: Numbers, seq: number): Uint8Array {
    const head = this.six ? 40 : 20;
    const b = new Uint8Array(head + 8);
    const back = new Translator({ ipv6: this.six } as Recording);
    back.local.set(this.remote);
    back.header(b, tcp.TCP_PROTOCOL, 1400, 0, this.local);
    setU16(b, head, n.ourPort);
    setU16(b, head + 2, n.peerPort);
    setU32(b, head + 4, (n.ours + seq) >>> 0);
    return b;
  }

  private header(b: Uint8Array, protocol: number, length: number, tos: number, source: Uint8Array): void {
    if (!this.six) {
      ipv4.writeIpv4(
        b,
        0,
        tos,
        20 + length,
        this.identification++ & 0xffff,
        ipv4.IPV4_DF,
        64,
        protocol,
        source,
        0,
        this.local,
        0,
      );
      return;
    }
    setU32(b, 0, (0x6000_0000 | (tos << 20)) >>> 0);
    setU16(b, 4, length);
    b[6] = protocol;
    b[7] = 64;
    b.set(source, 8);
    b.set(this.local, 24);
  }

  private checksum(b: Uint8Array, head: number, protocol: number, source: Uint8Array): number {
    return finish(
      pseudoSum(source, 0, this.local, 0, protocol, b.length - head) + sumBytes(b, head, b.length),
    );
  }

  private options(p: PeerSegment, n: Numbers, echo: (recorded: number) => number): Uint8Array {
    const b = p.options.slice();
    for (let at = 0; at < b.length; ) {
      const kind = b[at]!;
      if (kind === 0) break;
      const size = kind === 1 ? 1 : (b[at + 1] ?? 0);
      if (size === 0 || (kind !== 1 && size < 2) || at + size > b.length) break;
      if (kind === OPTION_SACK) {
        for (let i = at + 2; i + 4 <= at + size; i += 4)
          setU32(b, i, (n.ours + ((getU32(b, i) - n.recorded) | 0)) >>> 0);
      } else if (kind === OPTION_TIMESTAMP && size === 10 && p.flags & tcp.TCP_ACK) {
        setU32(b, at + 6, echo(getU32(b, at + 6)));
      } else if (
        kind === OPTION_FASTOPEN &&
        size > 2 &&
        (p.flags & (tcp.TCP_SYN | tcp.TCP_ACK)) === tcp.TCP_SYN
      ) {
        // The cookie is another host's.
        b.fill(1, at, at + size);
      }
      at += size;
    }
    return b;
  }
}

/** To whole words, as the header counts. */
function padded(options: Uint8Array): Uint8Array {
  if (options.length % 4 === 0) return options;
  const out = new Uint8Array((options.length + 3) & ~3);
  out.set(options);
  return out;
}
