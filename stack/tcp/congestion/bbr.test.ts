import { describe, expect, it } from 'vitest';
import { tcpPacketsInFlight } from '../recovery/in-flight.js';
import { CA_LOSS, CA_RECOVERY } from '../tcb.js';
import { MSS, SenderKit } from '../testing/sender-kit.js';
import { bbr } from './bbr.js';
import {
  BBR_DRAIN,
  BBR_PROBE_BW,
  BBR_PROBE_RTT,
  BBR_STARTUP,
  BW_UNIT,
  bbrBandwidth,
  bbrState,
  HIGH_GAIN,
} from './bbr-state.js';
import { findCongestionControl } from './registry.js';

/**
 * A path of one segment per ms and 50 ms round trip without queueing: segments leave paced, a FIFO of the bottleneck
 * serves them, each is acknowledged in order.
 */
class Path {
  readonly kit: SenderKit;
  private readonly acks: { at: number; upTo: number }[] = [];
  private free: number;
  private nextSend: number;
  maxQueue = 0;

  constructor(kit: SenderKit) {
    this.kit = kit;
    this.free = kit.now;
    this.nextSend = kit.now;
  }

  /** Plays for `duration` µs; returns how many segments were delivered. */
  play(duration: number): number {
    const { kit } = this;
    const end = kit.now + duration;
    const first = kit.tcb.loss.delivered;
    this.maxQueue = 0;
    for (;;) {
      const ack = this.acks[0];
      const canSend = tcpPacketsInFlight(kit.tcb) < kit.tcb.cc.cwnd;
      const sendAt = canSend ? Math.max(this.nextSend, kit.now) : Number.POSITIVE_INFINITY;
      const at = Math.max(kit.now, Math.ceil(Math.min(ack?.at ?? Number.POSITIVE_INFINITY, sendAt)));
      if (at >= end) break;
      kit.now = at;
      if (ack !== undefined && ack.at <= sendAt) {
        this.acks.shift();
        kit.ack(ack.upTo);
        continue;
      }
      kit.send(1);
      this.nextSend = kit.now + (MSS * 1_000_000) / kit.tcb.snd.pacingRate;
      this.free = Math.max(this.free, kit.now) + 1000;
      this.maxQueue = Math.max(this.maxQueue, (this.free - kit.now) / 1000);
      this.acks.push({ at: this.free + 50_000, upTo: kit.relative(kit.tcb.snd.nxt) / MSS });
    }
    kit.now = end;
    return kit.tcb.loss.delivered - first;
  }
}

function wideOpen(): { kit: SenderKit; path: Path } {
  const kit = new SenderKit('bbr', 1, (k) => {
    k.tcb.snd.wnd = 100_000_000;
  });
  return { kit, path: new Path(kit) };
}

describe('BBR', () => {
  it('is known by name, paces itself and starts at 2/ln 2', () => {
    const kit = new SenderKit('bbr');
    expect(findCongestionControl('bbr')).toBe(bbr);
    expect(bbr.needsPacing).toBe(true);
    const s = bbrState(kit.tcb);
    expect(s.mode).toBe(BBR_STARTUP);
    // Ten segments of 1000 bytes per 100 ms, times 2.89, one per cent less.
    expect(kit.tcb.snd.pacingRate / ((100_000 * HIGH_GAIN) / 256)).toBeCloseTo(0.99, 3);
  });

  it('finds the bandwidth and the RTT of a path, and then keeps about a BDP in flight', () => {
    const { kit, path } = wideOpen();
    path.play(3_000_000); // 1 segment/ms, BDP of 50 and a little
    const s = bbrState(kit.tcb);
    expect(s.fullBwReached).toBe(true);
    expect([BBR_PROBE_BW, BBR_PROBE_RTT]).toContain(s.mode);
    expect(bbrBandwidth(s) / BW_UNIT).toBeGreaterThan(0.9 / 1000);
    expect(bbrBandwidth(s) / BW_UNIT).toBeLessThan(1.1 / 1000);
    const steady = path.play(4_000_000);
    expect(s.minRtt).toBeGreaterThanOrEqual(50_000);
    expect(s.minRtt).toBeLessThan(56_000);
    expect(steady).toBeGreaterThan(3500);
    expect(kit.tcb.cc.cwnd).toBeLessThan(150);
    // The queue of a probe is a quarter of a BDP, not a buffer full.
    expect(path.maxQueue).toBeLessThan(30);
  });

  it('drains what startup queued before it probes', () => {
    const { kit, path } = wideOpen();
    const seen = new Set<number>();
    for (let i = 0; i < 100; i++) {
      path.play(20_000);
      seen.add(bbrState(kit.tcb).mode);
    }
    expect([...seen].slice(0, 3)).toEqual([BBR_STARTUP, BBR_DRAIN, BBR_PROBE_BW]);
    expect(kit.tcb.cc.ssthresh).toBeLessThan(200);
  });

  it('visits PROBE_RTT when ten seconds brought no lower RTT, for 200 ms with four segments', () => {
    const { kit, path } = wideOpen();
    path.play(2_000_000);
    bbrState(kit.tcb).minRtt = 40_000; // the path became longer
    bbrState(kit.tcb).minRttStamp = kit.now - 10_000_001;
    path.play(5000);
    expect(bbrState(kit.tcb).mode).toBe(BBR_PROBE_RTT);
    expect(kit.tcb.cc.cwnd).toBe(4);
    expect(bbrState(kit.tcb).minRtt).toBeGreaterThan(40_000);
    path.play(1_000_000);
    expect(bbrState(kit.tcb).mode).toBe(BBR_PROBE_BW);
    expect(kit.tcb.cc.cwnd).toBeGreaterThan(50);
  });

  it('adopts the rate of a policer', () => {
    const kit = new SenderKit('bbr');
    const s = bbrState(kit.tcb);
    const { loss } = kit.tcb;
    s.ltSampling = true;
    s.ltBw = BW_UNIT / 1000;
    s.ltLastStamp = kit.now / 1000;
    s.ltLastDelivered = 0;
    s.ltLastLost = 0;
    s.ltRounds = 4;
    loss.delivered = 100;
    loss.lost = 30;
    loss.deliveredTime = kit.now + 100_000;
    bbr.setState!(kit.tcb, CA_LOSS, kit.now);
    expect(s.ltUse).toBe(true);
    expect(bbrBandwidth(s)).toBeCloseTo(BW_UNIT / 1000, -2);
    bbr.undo(kit.tcb);
    expect(s.ltUse).toBe(false);
  });

  it('conserves packets in the first round of recovery and restores the window after it', () => {
    const kit = new SenderKit('bbr', 1, (k) => {
      k.tcb.snd.wnd = 100_000_000;
    });
    kit.tcb.cc.cwnd = 40;
    kit.send(40);
    kit.wait(100_000).ack(0, [1, 5]);
    expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
    const s = bbrState(kit.tcb);
    expect(s.packetConservation).toBe(true);
    expect(kit.tcb.cc.cwnd).toBeLessThan(40);
    expect(s.priorCwnd).toBe(40);
    kit.takeSent();
    kit.wait(100_000).ack(40);
    expect(kit.tcb.cc.cwnd).toBeGreaterThanOrEqual(40);
  });

  it('shows its model', () => {
    const kit = new SenderKit('bbr');
    expect(bbr.info!(kit.tcb)).toMatchObject({ minRtt: 100_000, pacingGain: HIGH_GAIN, mode: BBR_STARTUP });
    expect(bbr.sndbufExpand!(kit.tcb)).toBe(3);
    kit.tcb.snd.pacingRate = 100_000;
    expect(bbr.minTsoSegments!(kit.tcb)).toBe(1);
    kit.tcb.snd.pacingRate = 10_000_000;
    expect(bbr.minTsoSegments!(kit.tcb)).toBe(2);
  });
});
