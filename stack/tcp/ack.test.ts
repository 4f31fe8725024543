import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACK_OLD, ACK_PROCESSED, ACK_TOO_OLD, ACK_UNSENT } from './ack.js';
import { enterLoss } from './recovery/enter-loss.js';
import { tcpPacketsInFlight } from './recovery/in-flight.js';
import { rackReorderingTimeout } from './recovery/rack.js';
import { sendLossProbe } from './recovery/tlp.js';
import { retransmitSegment } from './retransmit.js';
import { EVER_RETRANS, LOST, SACKED_ACKED, SACKED_RETRANS } from './send-segment.js';
import { CA_OPEN, TIMER_RETRANSMIT } from './tcb.js';
import { MSS, SenderKit } from './testing/sender-kit.js';

describe('acceptability of an ACK', () => {
  it('refuses what was never sent', () => {
    const kit = new SenderKit();
    kit.send(2);
    expect(kit.ackBytes(2 * MSS + 1)).toBe(ACK_UNSENT);
    expect(kit.tcb.snd.packetsOut).toBe(2);
    expect(kit.sent.map((s) => s.length)).toEqual([0]);
    expect(kit.ack(2)).toBe(ACK_PROCESSED);
  });

  it('takes an old one for what its SACK blocks tell', () => {
    const kit = new SenderKit();
    kit.send(10);
    kit.wait(100_000).ack(4);
    expect(kit.ack(3, [5, 6])).toBe(ACK_OLD);
    expect(kit.tcb.loss.sackedOut).toBe(1);
    expect(kit.ack(2)).toBe(ACK_OLD);
  });

  it('challenges one that is older than any window (RFC 5961 section 5.2)', () => {
    const kit = new SenderKit();
    kit.tcb.snd.maxWindow = 3 * MSS;
    kit.send(10);
    kit.wait(100_000).ack(10);
    kit.sent.length = 0;
    expect(kit.ack(6)).toBe(ACK_TOO_OLD);
    expect(kit.sent.map((s) => s.length)).toEqual([0]);
    expect(kit.ack(7)).toBe(ACK_OLD);
  });

  it('is bounded by what was ever acknowledged: an ACK below the ISS cannot pass', () => {
    const kit = new SenderKit();
    kit.send(2);
    expect(kit.ackBytes(-1)).toBe(ACK_TOO_OLD);
  });
});

describe('the retransmission queue', () => {
  it('lets the acknowledged part of a super-packet go', () => {
    const kit = new SenderKit();
    kit.send(10, 10);
    kit.wait(100_000).ack(4);
    const head = kit.tcb.snd.retransmitQueue.head!;
    expect([kit.relative(head.seq), head.segments, kit.tcb.snd.packetsOut]).toEqual([4 * MSS, 6, 6]);
    // Half a wire segment acknowledges none.
    kit.wait(1000).ackBytes(4500);
    expect(kit.tcb.snd.packetsOut).toBe(6);
    kit.ack(10);
    expect(kit.tcb.snd.retransmitQueue.empty).toBe(true);
    expect(kit.tcb.snd.packetsOut).toBe(0);
  });

  it('counts bytes acknowledged and segments delivered', () => {
    const kit = new SenderKit();
    kit.send(10);
    kit.wait(100_000).ack(3, [5, 7]);
    expect(kit.tcb.snd.bytesAcked).toBe(3 * MSS);
    expect(kit.tcb.loss.delivered).toBe(1 + 5);
    expect(kit.count('TCPDelivered')).toBe(5);
  });

  it('stops the timer when nothing is left', () => {
    const kit = new SenderKit();
    kit.tcb.opt.sack = false;
    kit.send(2);
    kit.wait(1000).ack(1);
    expect(Number.isFinite(kit.tcb.timers.deadline[TIMER_RETRANSMIT]!)).toBe(true);
    kit.ack(2);
    expect(Number.isFinite(kit.tcb.timers.deadline[TIMER_RETRANSMIT]!)).toBe(false);
  });

  it('works across the wrap of sequence numbers', () => {
    const kit = new SenderKit('cubic', 0xffff_ffff - 3 * MSS);
    kit.send(10);
    kit.wait(100_000).ack(0, [1, 4]);
    expect(kit.takeSent()).toEqual([0]);
    kit.wait(1000).ack(0, [1, 9]);
    kit.wait(100_000).ack(10);
    expect(kit.tcb.cc.caState).toBe(CA_OPEN);
    expect(kit.tcb.snd.packetsOut).toBe(0);
  });
});

describe('RTT samples (RFC 6298 section 3)', () => {
  it('takes the oldest never-retransmitted segment, none when a copy was acknowledged', () => {
    const kit = new SenderKit();
    kit.send(1);
    kit.wait(50_000).send(1);
    kit.wait(100_000).ack(2);
    expect(kit.tcb.rtt.latest).toBe(150_000);

    const resent = new SenderKit();
    resent.send(1);
    resent.wait(300_000);
    enterLoss(resent.tcb, resent.now);
    retransmitSegment(resent.tcb, resent.now, resent.tcb.snd.retransmitQueue.head!, 1);
    resent.wait(10_000).ack(1);
    expect(resent.tcb.rtt.latest).toBe(0);
    expect(resent.tcb.rtt.sampled).toBe(false);
  });

  it('times a SACKed segment too', () => {
    const kit = new SenderKit();
    kit.send(5);
    kit.wait(70_000).ack(0, [2, 3]);
    expect(kit.tcb.rtt.latest).toBe(70_000);
    expect(kit.tcb.rtt.minValue[0]).toBe(70_000);
  });
});

/** The counters must be the sums over the queue, whatever happened. */
function checkInvariants(kit: SenderKit): void {
  const { tcb } = kit;
  const { snd, loss } = tcb;
  let packets = 0;
  let sacked = 0;
  let lost = 0;
  let retrans = 0;
  let seq = snd.una;
  let size = 0;
  let previous: number | null = null;
  for (let s = snd.retransmitQueue.head; s !== null; s = s.next) {
    size++;
    packets += s.segments;
    if (s.sacked & SACKED_ACKED) sacked += s.segments;
    if (s.sacked & LOST) lost += s.segments;
    if (s.sacked & SACKED_RETRANS) retrans += s.segments;
    expect(s.sacked & (SACKED_ACKED | LOST)).not.toBe(SACKED_ACKED | LOST);
    if (s.sacked & SACKED_RETRANS) expect(s.sacked & EVER_RETRANS).toBe(EVER_RETRANS);
    expect(s.segments).toBe(Math.max(1, Math.ceil(s.length / MSS)));
    expect((s.endSeq - s.seq) >>> 0).toBe(s.length);
    if (previous === null) expect((seq - s.seq) >>> 0).toBeLessThan(s.length);
    else expect(s.seq).toBe(previous);
    previous = s.endSeq;
    seq = s.endSeq;
  }
  expect(size).toBe(snd.retransmitQueue.size);
  expect(seq).toBe(snd.nxt);
  expect([packets, lost, retrans]).toEqual([snd.packetsOut, loss.lostOut, loss.retransOut]);
  if (tcb.opt.sack) expect(sacked).toBe(loss.sackedOut);
  else expect(loss.sackedOut).toBeLessThanOrEqual(snd.packetsOut);
  expect(tcpPacketsInFlight(tcb)).toBeGreaterThanOrEqual(0);
  expect(tcb.cc.cwnd).toBeGreaterThan(0);
  expect(Number.isInteger(tcb.cc.cwnd)).toBe(true);
  const seen = new Set<unknown>();
  for (let s = snd.timeList.head; s !== null; s = s.timeNext) {
    expect(s.list).toBe(snd.retransmitQueue);
    // SACKed ones leave the list; only a loss probe may bring one back.
    if ((s.sacked & EVER_RETRANS) === 0) expect(s.sacked & SACKED_ACKED).toBe(0);
    expect(seen.has(s)).toBe(false);
    seen.add(s);
  }
}

type Step =
  | { kind: 'send'; count: number; per: number }
  | {
      kind: 'ack';
      ack: number;
      blocks: [number, number][];
      wait: number;
      echo: number;
      ece: boolean;
      raw: number;
    }
  | { kind: 'rto' | 'reorder' | 'probe'; wait: number };

const block = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 8 }))
  .map(([at, length]) => [at, at + length] as [number, number]);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('send' as const),
      count: fc.integer({ min: 1, max: 12 }),
      per: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('ack' as const),
      ack: fc.integer({ min: -2, max: 6 }),
      blocks: fc.array(block, { maxLength: 4 }),
      wait: fc.integer({ min: 0, max: 150_000 }),
      echo: fc.integer({ min: -1, max: 400 }),
      ece: fc.boolean(),
      raw: fc.constantFrom(0, 0, 0, 1, 500, 999),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('rto' as const, 'reorder' as const, 'probe' as const),
      wait: fc.integer({ min: 0, max: 400_000 }),
    }),
  },
);

function run(kit: SenderKit, steps: Step[]): void {
  const { tcb } = kit;
  for (const s of steps) {
    if (s.kind === 'send') {
      if (tcb.snd.packetsOut < 60) kit.send(s.count, s.per);
    } else if (s.kind === 'ack') {
      kit.wait(s.wait);
      const una = kit.relative(tcb.snd.una);
      const nxt = kit.relative(tcb.snd.nxt);
      const base = Math.floor(una / MSS) * MSS;
      const ack = Math.min(nxt, Math.max(0, base + s.ack * MSS + s.raw));
      const blocks = s.blocks.map(
        ([l, r]) => [base + l * MSS - s.raw, base + r * MSS + s.raw] as [number, number],
      );
      kit.ackBytes(ack, blocks, (seg) => {
        if (s.ece) seg.flags |= 0x40;
        if (s.echo >= 0) {
          seg.options.hasTimestamps = true;
          seg.options.tsVal = Math.floor(kit.now / 1000);
          seg.options.tsEcr = Math.max(1, Math.floor(kit.now / 1000) - s.echo);
        }
      });
    } else {
      kit.wait(s.wait);
      if (tcb.snd.packetsOut > 0) {
        if (s.kind === 'probe') sendLossProbe(tcb, kit.now);
        else if (s.kind === 'reorder') rackReorderingTimeout(tcb, kit.now);
        else {
          enterLoss(tcb, kit.now);
          tcb.timers.retransmits++;
          retransmitSegment(tcb, kit.now, tcb.snd.retransmitQueue.head!, 1);
        }
      }
    }
    checkInvariants(kit);
  }
}

describe('whatever ACKs come', () => {
  for (const algorithm of ['reno', 'cubic', 'bbr']) {
    it(`the scoreboard's counts are the sums over the queue (${algorithm}, SACK)`, () => {
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), fc.boolean(), (steps, ecn) => {
          const kit = new SenderKit(algorithm, 0xffff_0000);
          kit.tcb.opt.ecnFlags = ecn ? 1 : 0;
          run(kit, steps);
        }),
        { numRuns: 60 },
      );
    });
  }

  it('and without SACK', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        const kit = new SenderKit('reno', 7, (k) => {
          k.tcb.opt.sack = false;
        });
        run(kit, steps);
      }),
      { numRuns: 60 },
    );
  });

  it('an honest ACK of everything always ends with an empty queue and zero counts', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), fc.boolean(), (steps, sack) => {
        const kit = new SenderKit('cubic', 0x7fff_f000, (k) => {
          k.tcb.opt.sack = sack;
        });
        kit.send(1);
        run(kit, steps);
        kit.wait(100_000).ackBytes(kit.relative(kit.tcb.snd.nxt));
        const { loss, snd } = kit.tcb;
        expect([snd.packetsOut, loss.sackedOut, loss.lostOut, loss.retransOut]).toEqual([0, 0, 0, 0]);
        expect(snd.retransmitQueue.empty).toBe(true);
        expect(snd.timeList.head).toBe(null);
        expect(tcpPacketsInFlight(kit.tcb)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
