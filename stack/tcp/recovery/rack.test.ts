import { describe, expect, it } from 'vitest';
import { CA_DISORDER, CA_OPEN, CA_RECOVERY, TIMER_REORDERING } from '../tcb.js';
import { SenderKit } from '../testing/sender-kit.js';
import { rackReorderingTimeout, reorderingWindow } from './rack.js';

describe('RACK (RFC 8985)', () => {
  it('enters recovery on the third SACKed segment and retransmits the hole', () => {
    const kit = new SenderKit();
    kit.send(10);
    kit.wait(100_000);
    kit.ack(0, [1, 2]);
    expect(kit.tcb.cc.caState).toBe(CA_DISORDER);
    kit.ack(0, [1, 3]);
    expect(kit.takeSent()).toEqual([]);
    kit.ack(0, [1, 4]);
    expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
    expect(kit.takeSent()).toEqual([0]);
    expect(kit.tcb.cc.ssthresh).toBe(7);
    expect(kit.count('TCPSackRecovery')).toBe(1);
    expect(kit.count('TCPFastRetrans')).toBe(1);
  });

  it('waits a quarter of the minimum RTT with fewer than three, then the timer marks', () => {
    const kit = new SenderKit();
    kit.send(3);
    kit.wait(100_000);
    kit.ack(0, [1, 2]);
    // RTT 100 ms seen by RACK, 25 ms of reordering window, 2 ms of grace.
    expect(kit.tcb.timers.deadline[TIMER_REORDERING]! - kit.now).toBeGreaterThanOrEqual(27_000);
    expect(kit.tcb.timers.deadline[TIMER_REORDERING]! - kit.now).toBeLessThanOrEqual(29_000);
    expect(reorderingWindow(kit.tcb)).toBe(25_000);
    kit.wait(27_000);
    rackReorderingTimeout(kit.tcb, kit.now);
    expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
    expect(kit.takeSent()).toEqual([0]);
  });

  it('marks nothing while the segment is younger than RTT plus window', () => {
    const kit = new SenderKit();
    kit.send(2);
    kit.wait(30_000).send(1);
    kit.wait(100_000);
    kit.ack(0, [2, 3]);
    // Sent 130 ms ago, an RTT of 100 ms plus 25 ms: lost at once.
    expect(kit.tcb.loss.lostOut).toBe(2);
    expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
  });

  it('detects a lost retransmission by a later segment of the same flight', () => {
    const kit = new SenderKit();
    kit.send(10);
    kit.wait(100_000);
    kit.ack(0, [1, 4]);
    expect(kit.takeSent()).toEqual([0]);
    kit.wait(10_000).ack(0, [1, 10]);
    kit.send(2);
    kit.takeSent();
    kit.wait(110_000);
    kit.ack(0, [1, 11]);
    expect(kit.count('TCPLostRetransmit')).toBe(1);
    expect(kit.takeSent()).toEqual([0]);
  });

  it('never times the ACK by when it was processed', () => {
    const kit = new SenderKit();
    kit.send(3);
    kit.wait(100_000);
    const arrival = kit.now;
    kit.wait(500_000); // the reader slept
    kit.ackBytes(0, [[1000, 2000]], (seg) => {
      seg.arrival = arrival;
    });
    expect(kit.tcb.loss.rackRtt).toBe(100_000);
    expect(kit.tcb.rtt.latest).toBe(100_000);
    expect(kit.tcb.loss.lostOut).toBe(0);
  });

  it('widens the window by DSACKs after reordering, and keeps it for sixteen recoveries', () => {
    const kit = new SenderKit();
    const { loss } = kit.tcb;
    loss.reorderingSeen = 1;
    kit.send(10);
    kit.wait(100_000).ack(0, [1, 4]);
    kit.wait(30_000);
    rackReorderingTimeout(kit.tcb, kit.now);
    expect(kit.takeSent()).toEqual([0]);
    kit.wait(1000).ack(4); // the original, late
    expect(loss.rackReoWndSteps).toBe(1);
    kit.wait(100_000).ack(5, [0, 1]); // its copy
    expect(loss.rackReoWndSteps).toBe(2);
    expect(loss.rackReoWndPersist).toBe(16);
    // Within the same round trip another one does not count.
    kit.tcb.loss.totalRetrans++;
    kit.ack(6, [0, 1]);
    expect(loss.rackReoWndSteps).toBe(2);
  });

  it('keeps the window static when tcp_recovery says so', () => {
    const kit = new SenderKit();
    kit.config.tcpRecovery = 3;
    const { loss } = kit.tcb;
    loss.reorderingSeen = 1;
    loss.rackDsackSeen = true;
    kit.send(2);
    kit.wait(100_000).ack(1);
    expect(loss.rackReoWndSteps).toBe(1);
  });

  it('does not take a retransmission for lost because of what left before it in the same instant', () => {
    const kit = new SenderKit('cubic');
    kit.send(10);
    kit.wait(100_000);
    // A batch of ACKs: new data goes out, then the retransmission, all with one stamp.
    kit.ack(1);
    kit.send(2);
    kit.ack(1, [2, 3]);
    kit.send(2);
    kit.ack(1, [2, 5]);
    expect(kit.takeSent()).toEqual([1]);
    kit.wait(100_000);
    kit.ack(1, [2, 14]);
    expect(kit.count('TCPLostRetransmit')).toBe(0);
    expect(kit.takeSent()).toEqual([]);
    // What left behind it tells that it is lost.
    kit.tcb.loss.rackAdvanced = false;
    kit.send(1);
    kit.wait(100_000);
    kit.ack(1, [2, 15]);
    expect(kit.count('TCPLostRetransmit')).toBe(1);
  });

  it('takes segments of one burst for lost together, those of a later one in the same instant a moment after', () => {
    const kit = new SenderKit('cubic');
    kit.send(6);
    kit.wait(100_000);
    kit.ack(2, [5, 6]); // measured by the first two
    expect(kit.tcb.loss.lostOut).toBe(0);
    const two = new SenderKit('cubic');
    two.tcb.loss.reordering = 1;
    two.send(2);
    two.send(4);
    two.wait(100_000);
    two.ack(2, [5, 6]);
    expect(two.tcb.loss.lostOut).toBe(0);
    const one = new SenderKit('cubic');
    one.tcb.loss.reordering = 1;
    one.send(6);
    one.wait(100_000);
    one.ack(2, [5, 6]);
    expect(one.tcb.loss.lostOut).toBe(3);
  });

  it('stays Open on in-order ACKs', () => {
    const kit = new SenderKit();
    kit.send(10);
    for (let i = 2; i <= 10; i += 2) kit.wait(10_000).ack(i);
    expect(kit.tcb.cc.caState).toBe(CA_OPEN);
    expect(kit.tcb.snd.packetsOut).toBe(0);
    expect(kit.tcb.cc.cwnd).toBe(20);
  });
});
