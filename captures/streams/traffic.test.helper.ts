// Made-up TCP traffic for comparisons with tshark: connections between a few ends that overlap in time only by their ports,
// with everything that captures show and no stack should send. Deterministic by its seed.

import fc from 'fast-check';
import { TCP_ACK, TCP_FIN, TCP_PSH, TCP_RST, TCP_SYN } from '../../stack/wire/tcp.js';
import { fragments4, tooBig } from '../record/router.js';
import { packet4, type Sent } from './build.test.helper.js';

/** One packet of a connection. `at` is relative to what its side has sent so far, `acks` to what the other has. */
interface Move {
  readonly back: boolean;
  readonly at: number;
  readonly acks: number;
  readonly length: number;
  readonly flags: number;
  readonly fate:
    | 'whole'
    | 'fragments'
    | 'fragments turned'
    | 'fragment lost'
    | 'snapped'
    | 'quoted'
    | 'malformed';
  readonly cut: number;
}

interface Life {
  readonly port: number;
  readonly bases: readonly [number, number];
  readonly opened: 'handshake' | 'syn only' | 'synack only' | 'middle';
  readonly inSyn: number;
  readonly moves: readonly Move[];
  readonly ended: 'fins' | 'reset' | 'one fin' | 'open';
}

const usual = [TCP_ACK, TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH, TCP_ACK | TCP_FIN, TCP_ACK | TCP_RST, TCP_RST];

const move: fc.Arbitrary<Move> = fc.record({
  back: fc.boolean(),
  at: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(0, 0, 0, -1) },
    { weight: 2, arbitrary: fc.integer({ min: -8, max: 8 }) },
  ),
  acks: fc.constantFrom(0, 0, 0, 3, 9),
  length: fc.oneof(fc.constantFrom(0, 0, 1), fc.nat(20)),
  flags: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.nat(63).map((flags) => flags & ~TCP_SYN) },
  ),
  fate: fc.oneof(
    { weight: 24, arbitrary: fc.constant('whole' as const) },
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        'fragments' as const,
        'fragments turned' as const,
        'fragment lost' as const,
        'snapped' as const,
        'quoted' as const,
        'malformed' as const,
      ),
    },
  ),
  cut: fc.nat(30),
});

const life: fc.Arbitrary<Life> = fc.record({
  port: fc.nat(30),
  bases: fc.tuple(
    fc.constantFrom(1000, 0xffff_fff0, 0x7fff_fff8, 0),
    fc.constantFrom(1000, 0xffff_fff0, 0x7fff_fff8, 0),
  ),
  opened: fc.constantFrom('handshake', 'handshake', 'syn only', 'synack only', 'middle'),
  inSyn: fc.constantFrom(0, 0, 0, 0, 3),
  moves: fc.array(move, { maxLength: 14 }),
  ended: fc.constantFrom('fins', 'reset', 'one fin', 'open'),
});

/** A packet and how much of it was kept. */
export interface Seen {
  readonly packet: Uint8Array;
  readonly kept: number;
}

/** What a capture of `connections` made-up connections has. */
export function traffic(seed: number, connections: number): Seen[] {
  const [lives] = fc.sample(fc.array(life, { minLength: connections, maxLength: connections, size: 'max' }), {
    seed,
    numRuns: 1,
  });
  // A connection that begins in the middle on a port that was used before cannot be told from the one before.
  const used = new Set<number>();
  const told = lives!.map((l, i): Life => {
    const opened = used.has(l.port) && l.opened !== 'syn only' ? 'handshake' : l.opened;
    used.add(l.port);
    return { ...l, opened, bases: [(l.bases[0] + 1000 * i) >>> 0, (l.bases[1] + 1000 * i) >>> 0] };
  });
  let identification = 1;
  return told.flatMap((l) => new Telling(l, () => identification++ & 0xffff).run());
}

class Telling {
  private readonly life: Life;
  private readonly identify: () => number;
  private readonly seen: Seen[] = [];
  /** Behind what each side has sent. */
  private readonly high: [number, number] = [0, 0];

  /** @param identify a number for each IP packet, by which fragments are told apart */
  constructor(life: Life, identify: () => number) {
    this.life = life;
    this.identify = identify;
  }

  run(): Seen[] {
    const { opened, moves, ended, inSyn } = this.life;
    if (opened === 'handshake' || opened === 'syn only') this.put(this.packet(0, TCP_SYN, -1, 0, inSyn));
    if (opened === 'handshake' || opened === 'synack only')
      this.put(this.packet(1, TCP_SYN | TCP_ACK, -1, 0, 0));
    for (const m of moves) this.move(m);
    if (ended === 'fins' || ended === 'one fin') this.put(this.close(0, TCP_FIN));
    if (ended === 'fins') this.put(this.close(1, TCP_FIN));
    if (ended === 'reset') this.put(this.close(1, TCP_RST));
    return this.seen;
  }

  private close(side: 0 | 1, flag: number): Uint8Array {
    return this.packet(side, flag | TCP_ACK, this.high[side], this.high[1 - side]!, 0);
  }

  private move(m: Move): void {
    const side = m.back ? 1 : 0;
    const at = Math.max(-1, this.high[side] + m.at);
    const packet = this.packet(side, m.flags, at, this.high[1 - side]! + m.acks, m.length);
    this.high[side] = Math.max(this.high[side], at + m.length);
    switch (m.fate) {
      case 'whole':
        this.put(packet);
        break;
      case 'snapped':
        this.put(packet, Math.min(packet.length, 30 + m.cut));
        break;
      case 'quoted':
        this.put(packet);
        this.put(tooBig(packet.subarray(0, m.cut < 15 ? 28 : 40), 1000));
        break;
      case 'malformed':
        packet[32] = m.cut << 4;
        this.put(packet);
        break;
      default: {
        const pieces = fragments4(packet, 44);
        if (m.fate === 'fragments turned') pieces.reverse();
        if (m.fate === 'fragment lost') pieces.pop();
        for (const piece of pieces) this.put(piece);
      }
    }
  }

  /** What stands at a place of a side's stream is always the same. */
  private packet(side: 0 | 1, flags: number, at: number, ack: number, length: number): Uint8Array {
    const { port, bases } = this.life;
    const data = Uint8Array.from({ length }, (_, i) => 97 + ((at + i + 7 * side + 26) % 26));
    const ports = side === 1 ? { from: 80, to: 3000 + port, back: true } : { from: 3000 + port, to: 80 };
    const sent: Sent = { ...ports, seq: (bases[side] + at) >>> 0, flags, data };
    const packet = packet4(flags & TCP_ACK ? { ...sent, ack: (bases[1 - side]! + ack) >>> 0 } : sent);
    new DataView(packet.buffer).setUint16(4, this.identify());
    return packet;
  }

  private put(packet: Uint8Array, kept = packet.length): void {
    this.seen.push({ packet, kept });
  }
}
