import { describe, expect, it } from 'vitest';
import { CA_LOSS, CA_RECOVERY } from '../tcb.js';
import { SenderKit } from '../testing/sender-kit.js';
import { type CubicState, cubic } from './cubic.js';

const state = (kit: SenderKit): CubicState => kit.tcb.cc.state as CubicState;

/** W_cubic(t) of RFC 9438 section 4.2 in real numbers. */
function wCubic(t: number, wMax: number, cwndEpoch: number): number {
  const k = Math.cbrt((wMax - cwndEpoch) / 0.4);
  return 0.4 * (t - k) ** 3 + wMax;
}

/** A connection in congestion avoidance that lost at `wMax`; RTT `rtt` µs. */
function afterLoss(wMax: number): SenderKit {
  const kit = new SenderKit('cubic');
  kit.tcb.cc.cwnd = wMax;
  kit.tcb.cc.ssthresh = cubic.ssthresh(kit.tcb, kit.now);
  kit.tcb.cc.cwnd = kit.tcb.cc.ssthresh;
  kit.tcb.cc.isCwndLimited = true;
  return kit;
}

describe('CUBIC (RFC 9438)', () => {
  it('reduces to 0.7, at least two segments', () => {
    const kit = new SenderKit('cubic');
    kit.tcb.cc.cwnd = 1000;
    expect(cubic.ssthresh(kit.tcb, kit.now)).toBe(700);
    kit.tcb.cc.cwnd = 10;
    expect(cubic.ssthresh(kit.tcb, kit.now)).toBe(7);
    kit.tcb.cc.cwnd = 2;
    expect(cubic.ssthresh(kit.tcb, kit.now)).toBe(2);
  });

  it('converges fast: a loss below the last maximum lowers it further (section 4.7)', () => {
    const kit = new SenderKit('cubic');
    kit.tcb.cc.cwnd = 100;
    cubic.ssthresh(kit.tcb, kit.now);
    expect(state(kit).wMax).toBe(100);
    kit.tcb.cc.cwnd = 80;
    cubic.ssthresh(kit.tcb, kit.now);
    expect(state(kit).wMax).toBe(Math.floor((80 * 1741) / 2048));
    kit.tcb.cc.cwnd = 200;
    cubic.ssthresh(kit.tcb, kit.now);
    expect(state(kit).wMax).toBe(200);
  });

  it('follows the cubic curve back to W_max and beyond, within two segments', () => {
    const wMax = 1000;
    const kit = afterLoss(wMax);
    const { cc } = kit.tcb;
    const start = kit.now;
    const epochCwnd = cc.cwnd;
    const rtt = 100_000;
    state(kit).delayMin = rtt;
    // One ACK for each two segments, spread over the round trip.
    for (let t = 0; t < 16_000_000; ) {
      const acks = Math.ceil(cc.cwnd / 2);
      for (let i = 0; i < acks; i++) {
        kit.now = start + Math.floor(t + (i * rtt) / acks);
        cubic.avoid(kit.tcb, 0, 2, kit.now);
      }
      t += rtt;
      const expected = wCubic((t + rtt) / 1e6, wMax, epochCwnd);
      // The curve is aimed at a round trip ahead; growth is spread over the round that follows.
      const slope = expected - wCubic((t - 2 * rtt) / 1e6, wMax, epochCwnd);
      if (t > 500_000) {
        expect(cc.cwnd).toBeGreaterThanOrEqual(Math.floor(expected - slope - 4));
        expect(cc.cwnd).toBeLessThanOrEqual(Math.ceil(expected + 4));
      }
    }
    expect(cc.cwnd).toBeGreaterThan(wMax + 50);
  });

  it('is never slower than an AIMD flow on a short path (section 4.3)', () => {
    const kit = afterLoss(20);
    const { cc } = kit.tcb;
    const start = kit.now;
    const rtt = 5000;
    state(kit).delayMin = rtt;
    let reno = cc.cwnd;
    for (let round = 0; round < 200; round++) {
      const acks = cc.cwnd;
      for (let i = 0; i < acks; i++) {
        kit.now = start + round * rtt + Math.floor((i * rtt) / acks);
        cubic.avoid(kit.tcb, 0, 1, kit.now);
        // alpha = 3 (1 - 0.7) / (1 + 0.7) segments a window
        reno += 0.529 / reno;
      }
    }
    // In a second the cubic curve alone would still be below W_max.
    expect(wCubic(1, 20, 14)).toBeLessThan(20);
    expect(cc.cwnd).toBeGreaterThanOrEqual(Math.floor(reno) - 3);
    expect(cc.cwnd).toBeGreaterThan(50);
  });

  it('grows by at most one segment for two acknowledged', () => {
    const kit = afterLoss(100);
    state(kit).delayMin = 100_000;
    kit.now += 60_000_000;
    cubic.avoid(kit.tcb, 0, 1, kit.now);
    kit.now += 60_000_000;
    const before = kit.tcb.cc.cwnd;
    for (let i = 0; i < 20; i++) cubic.avoid(kit.tcb, 0, 1, kit.now);
    expect(kit.tcb.cc.cwnd).toBe(before + 10);
  });

  it('does not count idle time as time on the curve', () => {
    const kit = afterLoss(100);
    cubic.avoid(kit.tcb, 0, 1, kit.now);
    const epoch = state(kit).epochTicks;
    kit.tcb.snd.lastDataSent = kit.now;
    kit.wait(5_000_000);
    kit.send(1);
    expect(state(kit).epochTicks).toBe(epoch + 5000);
  });

  it('does nothing while the window is not used', () => {
    const kit = afterLoss(100);
    kit.tcb.cc.isCwndLimited = false;
    const before = kit.tcb.cc.cwnd;
    for (let i = 0; i < 500; i++) cubic.avoid(kit.tcb, 0, 2, kit.wait(1000).now);
    expect(kit.tcb.cc.cwnd).toBe(before);
  });

  it('forgets its curve on a timeout, and restores the window before a spurious one', () => {
    const kit = afterLoss(100);
    cubic.setState!(kit.tcb, CA_RECOVERY, kit.now);
    expect(state(kit).wMax).toBe(100);
    cubic.setState!(kit.tcb, CA_LOSS, kit.now);
    expect(state(kit).wMax).toBe(0);
    kit.tcb.cc.priorCwnd = 90;
    kit.tcb.cc.cwnd = 10;
    expect(cubic.undo(kit.tcb)).toBe(90);
    expect(cubic.info!(kit.tcb)).toMatchObject({ wMax: 0 });
  });
});

describe('CUBIC as Linux computes it', () => {
  // A bulk transfer as google's cubic-bulk-166k has it: RTT 100 ms at first, then an ACK of two segments every 100 ms.
  // The windows are those that Linux 6.18 showed in tcpi_snd_cwnd.
  it('gives the windows of a bulk transfer under a growing queue', () => {
    const kit = new SenderKit('cubic', 1, (k) => {
      k.route.gsoMaxSize = 65_536;
    });
    const { cc, rtt } = kit.tcb;
    rtt.minValue.fill(100_000);
    const at = (segments: number): number => {
      for (; kit.relative(kit.tcb.snd.una) / 1000 < segments; ) {
        kit.wait(100_000);
        kit.ack(kit.relative(kit.tcb.snd.una) / 1000 + 2);
        kit.fill(400);
      }
      return cc.cwnd;
    };
    kit.fill(400);
    const windows = [10, 20, 30, 38, 40, 60, 80, 100, 120].map((n) => at(n));
    expect(windows).toEqual([20, 30, 36, 36, 36, 37, 39, 45, 54]);
    for (let n = 122; n <= 140; n += 2) expect(at(n)).toBe(54 + (n - 120) / 2);
    for (let n = 160; n <= 240; n += 20) expect(at(n)).toBe(54 + (n - 120) / 2);
    expect(kit.count('TCPHystartDelayDetect')).toBe(1);
    expect(kit.count('TCPHystartDelayCwnd')).toBe(36);
  });
});
