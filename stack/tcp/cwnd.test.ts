import { describe, expect, it } from 'vitest';
import { CHRONO_SNDBUF_LIMITED } from './chrono.js';
import {
  additiveIncrease,
  currentSsthresh,
  idleRestartCheck,
  initCongestion,
  initialCwnd,
  inSlowStart,
  isCwndLimited,
  slowStart,
  updatePacingRate,
  validateCwnd,
} from './cwnd.js';
import { takeDestination } from './destination.js';
import { CA_RECOVERY } from './tcb.js';
import { MSS, SenderKit } from './testing/sender-kit.js';

describe('initial window', () => {
  it('is ten segments (RFC 6928), the route knows better, the clamp bounds it', () => {
    const kit = new SenderKit();
    expect(kit.tcb.cc.cwnd).toBe(10);
    kit.route.initcwnd = 4;
    expect(initialCwnd(kit.tcb)).toBe(4);
    kit.tcb.cc.cwndClamp = 3;
    expect(initialCwnd(kit.tcb)).toBe(3);
  });

  it('is one segment after two lost SYNs, unless they proved spurious', () => {
    const kit = new SenderKit();
    kit.tcb.loss.totalRetrans = 2;
    initCongestion(kit.tcb, kit.now);
    expect(kit.tcb.cc.cwnd).toBe(10);
    kit.tcb.loss.undoMarked = true;
    initCongestion(kit.tcb, kit.now);
    expect(kit.tcb.cc.cwnd).toBe(1);
  });

  it('takes ssthresh, RTT and RTO floor that are known of the destination', () => {
    const kit = new SenderKit();
    kit.config.tcpNoSsthreshMetricsSave = 0;
    Object.assign(kit.tcb.host.destinations.obtain(kit.tcb), {
      ssthresh: 20,
      rtt8: 8 * 500_000,
      reordering: 7,
    });
    kit.route.rtoMin = 50_000;
    takeDestination(kit.tcb);
    initCongestion(kit.tcb, kit.now);
    expect(kit.tcb.cc.ssthresh).toBe(20);
    expect(kit.tcb.rtt.rtoMin).toBe(50_000);
    expect(kit.tcb.rtt.rto).toBe(1_500_000);
    expect(kit.tcb.loss.reordering).toBe(7);
  });
});

describe('growth (RFC 5681 section 3.1)', () => {
  it('slow start stops at ssthresh and gives the rest back', () => {
    const kit = new SenderKit();
    kit.tcb.cc.ssthresh = 12;
    expect(inSlowStart(kit.tcb)).toBe(true);
    expect(slowStart(kit.tcb, 5)).toBe(3);
    expect(kit.tcb.cc.cwnd).toBe(12);
    expect(inSlowStart(kit.tcb)).toBe(false);
  });

  it('congestion avoidance adds one segment a window', () => {
    const kit = new SenderKit('reno');
    kit.tcb.cc.ssthresh = 10;
    kit.send(10);
    for (let i = 2; i <= 10; i += 2) {
      expect(kit.tcb.cc.cwnd).toBe(10);
      kit.wait(10_000).ack(i);
    }
    expect(kit.tcb.cc.cwnd).toBe(11);
  });

  it('spends credit that was saved at a larger step as one segment', () => {
    const kit = new SenderKit();
    kit.tcb.cc.cwndCount = 50;
    additiveIncrease(kit.tcb, 10, 1);
    expect(kit.tcb.cc.cwnd).toBe(11);
    expect(kit.tcb.cc.cwndCount).toBe(1);
    additiveIncrease(kit.tcb, 10, 29);
    expect(kit.tcb.cc.cwnd).toBe(14);
    expect(kit.tcb.cc.cwndCount).toBe(0);
    kit.tcb.cc.cwndClamp = 14;
    additiveIncrease(kit.tcb, 1, 5);
    expect(kit.tcb.cc.cwnd).toBe(14);
  });

  it('does not happen while the window is not used', () => {
    const kit = new SenderKit('reno');
    kit.send(2);
    kit.tcb.cc.isCwndLimited = false;
    kit.tcb.cc.maxPacketsOut = 2;
    kit.wait(100_000).ack(2);
    expect(kit.tcb.cc.cwnd).toBe(10);
    // In slow start half of it is enough.
    kit.send(6);
    kit.tcb.cc.isCwndLimited = false;
    kit.tcb.cc.maxPacketsOut = 6;
    kit.wait(100_000).ack(8);
    expect(kit.tcb.cc.cwnd).toBe(16);
  });

  it('goes on during reordering once the path is known to reorder', () => {
    const kit = new SenderKit('reno');
    kit.send(10);
    kit.wait(100_000).ack(0, [5, 6]);
    expect(kit.tcb.cc.cwnd).toBe(10);
    kit.tcb.loss.reordering = 8;
    kit.ack(0, [5, 7]);
    expect(kit.tcb.cc.cwnd).toBe(11);
  });
});

describe('validation', () => {
  it('remembers the strongest use of the window within a flight', () => {
    const kit = new SenderKit();
    const { cc, snd } = kit.tcb;
    snd.packetsOut = 8;
    snd.nxt = snd.una + 8 * MSS;
    cc.cwndUsageSeq = snd.una;
    cc.isCwndLimited = false;
    validateCwnd(kit.tcb, kit.now, false);
    expect([cc.maxPacketsOut, cc.isCwndLimited]).toEqual([8, false]);
    snd.packetsOut = 3;
    validateCwnd(kit.tcb, kit.now, false);
    expect(cc.maxPacketsOut).toBe(8);
    validateCwnd(kit.tcb, kit.now, true);
    expect(isCwndLimited(kit.tcb)).toBe(true);
    snd.packetsOut = 5;
    validateCwnd(kit.tcb, kit.now, false);
    expect(cc.isCwndLimited).toBe(true);
  });

  it('takes an unused window half-way to what is used after an RTO (RFC 2861)', () => {
    const kit = new SenderKit();
    const { cc, snd } = kit.tcb;
    cc.cwnd = 100;
    cc.ssthresh = 50;
    cc.cwndStamp = kit.now;
    cc.isCwndLimited = false;
    snd.packetsOut = 20;
    validateCwnd(kit.tcb, kit.now, false);
    expect(cc.cwnd).toBe(100);
    kit.wait(299_000);
    validateCwnd(kit.tcb, kit.now, false);
    expect(cc.cwnd).toBe(100);
    kit.wait(1000);
    validateCwnd(kit.tcb, kit.now, false);
    expect(cc.cwnd).toBe(60);
    expect(cc.ssthresh).toBe(75);
  });

  it('blames the send buffer when it is empty and the writer waits', () => {
    const kit = new SenderKit();
    kit.tcb.snd.noSpace = true;
    kit.tcb.cc.isCwndLimited = false;
    kit.tcb.snd.packetsOut = 1;
    validateCwnd(kit.tcb, kit.now, false);
    expect(kit.tcb.chrono.kind).toBe(CHRONO_SNDBUF_LIMITED);
  });

  it('restarts after idleness, a halving for each RTO (RFC 5681 section 4.1)', () => {
    const kit = new SenderKit();
    const { cc, snd } = kit.tcb;
    cc.cwnd = 100;
    cc.ssthresh = 40;
    snd.lastDataSent = kit.now;
    kit.wait(300_000);
    idleRestartCheck(kit.tcb, kit.now);
    expect(cc.cwnd).toBe(100);
    kit.wait(350_000);
    idleRestartCheck(kit.tcb, kit.now);
    expect(cc.cwnd).toBe(25);
    expect(cc.ssthresh).toBe(75);
    kit.wait(60_000_000);
    idleRestartCheck(kit.tcb, kit.now);
    expect(cc.cwnd).toBe(10);
  });

  it('leaves the window alone when tcp_slow_start_after_idle is off or something is in flight', () => {
    const kit = new SenderKit();
    kit.config.tcpSlowStartAfterIdle = 0;
    kit.tcb.cc.cwnd = 100;
    kit.wait(60_000_000);
    idleRestartCheck(kit.tcb, kit.now);
    expect(kit.tcb.cc.cwnd).toBe(100);
    kit.config.tcpSlowStartAfterIdle = 1;
    kit.tcb.snd.packetsOut = 1;
    idleRestartCheck(kit.tcb, kit.now);
    expect(kit.tcb.cc.cwnd).toBe(100);
  });

  it('never lets the remembered threshold fall below three quarters of the window', () => {
    const kit = new SenderKit();
    kit.tcb.cc.cwnd = 100;
    kit.tcb.cc.ssthresh = 10;
    expect(currentSsthresh(kit.tcb)).toBe(75);
    kit.tcb.cc.caState = CA_RECOVERY;
    expect(currentSsthresh(kit.tcb)).toBe(10);
  });
});

describe('pacing rate', () => {
  it('is twice the window per RTT in early slow start, 1.2 times later, at most the socket allows', () => {
    const kit = new SenderKit();
    updatePacingRate(kit.tcb);
    expect(kit.tcb.snd.pacingRate).toBe(200_000);
    kit.tcb.cc.ssthresh = 15;
    updatePacingRate(kit.tcb);
    expect(kit.tcb.snd.pacingRate).toBe(120_000);
    kit.tcb.snd.maxPacingRate = 50_000;
    updatePacingRate(kit.tcb);
    expect(kit.tcb.snd.pacingRate).toBe(50_000);
  });
});
