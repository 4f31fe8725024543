import { describe, expect, it } from 'vitest';
import { retransmitSegment } from '../retransmit.js';
import { CA_LOSS, CA_OPEN, CA_RECOVERY } from '../tcb.js';
import { MSS, SenderKit } from '../testing/sender-kit.js';
import { enterLoss } from './enter-loss.js';

/** ms clock of the kit at its time now. */
const clock = (kit: SenderKit): number => Math.floor(kit.now / 1000);

function inRecovery(): SenderKit {
  const kit = new SenderKit('cubic');
  kit.send(10);
  kit.wait(100_000).ack(0, [1, 4]);
  expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
  expect(kit.takeSent()).toEqual([0]);
  return kit;
}

/** A timeout and the retransmission of the head, as the timer does it. */
function timeout(kit: SenderKit): void {
  enterLoss(kit.tcb, kit.now);
  kit.tcb.timers.retransmits++;
  retransmitSegment(kit.tcb, kit.now, kit.tcb.snd.retransmitQueue.head!, 1);
}

describe('undo of fast recovery', () => {
  it('restores window and threshold when every retransmission is DSACKed (RFC 3708)', () => {
    const kit = inRecovery();
    kit.wait(10_000).ack(4);
    kit.wait(100_000).ack(4, [0, 1]);
    expect(kit.tcb.cc.cwnd).toBe(10);
    expect(kit.tcb.cc.ssthresh).toBe(0x7fff_ffff);
    expect(kit.tcb.cc.caState).toBe(CA_OPEN);
    expect(kit.count('TCPDSACKUndo')).toBe(1);
  });

  it('does not for a DSACK of something that was not retransmitted in this recovery', () => {
    const kit = inRecovery();
    kit.tcb.loss.undoRetrans = 2; // another one was sent, and no DSACK comes for it
    kit.wait(100_000).ack(10, [0, 1]);
    expect(kit.tcb.loss.undoRetrans).toBe(1);
    expect(kit.tcb.cc.ssthresh).toBe(7);
  });

  it('does not undo a recovery that could not retransmit yet', () => {
    const kit = new SenderKit('cubic');
    kit.send(10);
    kit.tcb.snd.retransmitQueue.head!.inHostQueue = 1; // the original still waits here
    kit.wait(100_000).ack(0, [1, 4]);
    expect(kit.takeSent()).toEqual([]);
    expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
    kit.wait(1000).ack(0, [1, 5]);
    expect(kit.count('TCPDSACKUndo')).toBe(0);
    expect(kit.tcb.cc.ssthresh).toBe(7);
  });

  it('ignores a DSACK that reports more than was retransmitted, or is longer than any window', () => {
    const kit = inRecovery();
    kit.wait(100_000).ack(6, [0, 5]);
    expect(kit.count('TCPDSACKIgnoredDubious')).toBe(1);
    kit.tcb.snd.maxWindow = 500;
    kit.ackBytes(6 * MSS, [[0, MSS]]);
    expect(kit.count('TCPDSACKIgnoredDubious')).toBe(2);
    expect(kit.tcb.cc.ssthresh).toBe(7);
  });

  it('restores when the echoed timestamp is older than the retransmission (Eifel, RFC 3522)', () => {
    const kit = new SenderKit('cubic');
    kit.send(10);
    const sentAt = clock(kit);
    kit.wait(100_000).ack(0, [1, 4]);
    kit.takeSent();
    kit.wait(10_000).ackBytes(10 * MSS, [], (seg) => {
      seg.options.hasTimestamps = true;
      seg.options.tsVal = 7;
      seg.options.tsEcr = sentAt;
    });
    expect(kit.count('TCPFullUndo')).toBe(1);
    expect(kit.tcb.cc.cwnd).toBeGreaterThanOrEqual(10);
    expect(kit.tcb.cc.ssthresh).toBe(0x7fff_ffff);
    expect(kit.tcb.opt.tsRecent).toBe(7);
  });

  it('does not when the echo is of the retransmission', () => {
    const kit = inRecovery();
    const resent = clock(kit);
    kit.wait(100_000).ackBytes(10 * MSS, [], (seg) => {
      seg.options.hasTimestamps = true;
      seg.options.tsEcr = resent;
    });
    expect(kit.count('TCPFullUndo')).toBe(0);
    expect(kit.tcb.cc.caState).toBe(CA_OPEN);
    expect(kit.tcb.cc.ssthresh).toBe(7);
  });

  it('undoes half-way on a partial ACK by timestamp once no retransmission is out', () => {
    const kit = new SenderKit('cubic');
    kit.send(10);
    const sentAt = clock(kit);
    kit.wait(100_000).ack(0, [3, 6]);
    kit.takeSent();
    expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
    kit.wait(1000).ackBytes(2 * MSS, [[3 * MSS, 6 * MSS]], (seg) => {
      seg.options.hasTimestamps = true;
      seg.options.tsEcr = sentAt;
    });
    expect(kit.count('TCPPartialUndo') + kit.count('TCPTSReorder')).toBeGreaterThanOrEqual(1);
    expect(kit.tcb.loss.reorderingSeen).toBeGreaterThan(0);
  });

  it('never undoes what an echo of congestion required', () => {
    const kit = new SenderKit('cubic');
    kit.tcb.opt.ecnFlags = 1;
    kit.send(10);
    kit.wait(100_000).ackBytes(0, [[MSS, 4 * MSS]], (seg) => {
      seg.flags |= 0x40;
    });
    kit.takeSent();
    kit.wait(100_000).ack(10, [0, 1]);
    expect(kit.tcb.cc.ssthresh).toBe(7);
  });
});

describe('timeout (RFC 5681, RFC 5682, RFC 4015)', () => {
  it('marks everything old enough lost, keeps one segment in flight', () => {
    const kit = new SenderKit('reno');
    kit.send(10);
    kit.wait(300_000);
    timeout(kit);
    const { cc, loss } = kit.tcb;
    expect(cc.caState).toBe(CA_LOSS);
    expect([cc.cwnd, cc.ssthresh, loss.lostOut, loss.retransOut]).toEqual([1, 5, 10, 1]);
    expect(kit.takeSent()).toEqual([0]);
  });

  it('spares what was sent less than an RTT ago', () => {
    const kit = new SenderKit('reno');
    kit.send(5);
    kit.wait(100_000).ack(1);
    kit.wait(150_000).send(2);
    kit.wait(50_000);
    timeout(kit);
    expect(kit.tcb.loss.lostOut).toBe(4);
  });

  it('F-RTO: new data first, and undo when the originals are acknowledged', () => {
    const kit = new SenderKit('reno');
    kit.send(10);
    kit.wait(300_000);
    timeout(kit);
    expect(kit.tcb.loss.frto).toBe(true);
    kit.takeSent();
    // The original of the head and one more: segment 1 was never retransmitted.
    kit.wait(10_000).ack(2);
    expect(kit.count('TCPSpuriousRTOs')).toBe(1);
    expect(kit.tcb.cc.caState).toBe(CA_OPEN);
    expect(kit.tcb.cc.ssthresh).toBe(0x7fff_ffff);
    expect(kit.tcb.loss.lostOut).toBe(0);
  });

  it('F-RTO: a duplicate for the new data says that the loss was real (step 3.a)', () => {
    const kit = new SenderKit('reno', 1, (k) => {
      k.tcb.opt.sack = false;
    });
    kit.write(20);
    kit.wait(300_000);
    timeout(kit);
    expect(kit.wait(100_000).step(1)).toEqual([[10, 2]]);
    expect(kit.tcb.loss.frto).toBe(true);
    expect(kit.wait(100_000).step(1).length).toBeGreaterThan(0);
    expect(kit.tcb.loss.frto).toBe(false);
    expect(kit.tcb.cc.caState).toBe(CA_LOSS);
  });

  it('F-RTO: without new data to send falls back to retransmission at once', () => {
    const kit = new SenderKit('reno');
    kit.send(10);
    kit.wait(300_000);
    timeout(kit);
    kit.takeSent();
    kit.wait(100_000).ack(1);
    expect(kit.tcb.loss.frto).toBe(false);
    expect(kit.tcb.cc.caState).toBe(CA_LOSS);
    expect(kit.takeSent()).toEqual([1, 2]);
  });

  it('does not try F-RTO when it is off', () => {
    const kit = new SenderKit('reno');
    kit.config.tcpFrto = 0;
    kit.send(10);
    kit.wait(300_000);
    timeout(kit);
    expect(kit.tcb.loss.frto).toBe(false);
    kit.wait(10_000).ack(2);
    expect(kit.tcb.cc.caState).toBe(CA_LOSS);
  });

  it('is undone by an older echoed timestamp', () => {
    const kit = new SenderKit('cubic');
    kit.config.tcpFrto = 0;
    kit.send(10);
    const sentAt = clock(kit);
    kit.wait(300_000);
    timeout(kit);
    kit.wait(10_000).ackBytes(MSS, [], (seg) => {
      seg.options.hasTimestamps = true;
      seg.options.tsEcr = sentAt;
    });
    expect(kit.count('TCPLossUndo')).toBe(1);
    expect(kit.count('TCPSpuriousRTOs')).toBe(0);
    expect(kit.tcb.cc.caState).toBe(CA_OPEN);
    expect(kit.tcb.loss.lostOut).toBe(0);
  });

  it('reduces once for repeated timeouts of one window', () => {
    const kit = new SenderKit('reno');
    kit.send(10);
    kit.wait(300_000);
    timeout(kit);
    expect(kit.tcb.cc.ssthresh).toBe(5);
    kit.wait(600_000);
    timeout(kit);
    expect(kit.tcb.cc.ssthresh).toBe(5);
    expect(kit.takeSent()).toEqual([0, 0]);
    expect(kit.tcb.loss.retransOut).toBe(1);
    expect(kit.count('TCPLostRetransmit')).toBe(1);
  });

  it('takes a SACKed head for reneging: everything is lost, nothing is SACKed (RFC 2018 section 8)', () => {
    const kit = new SenderKit('reno');
    kit.send(10);
    kit.wait(100_000).ack(0, [1, 3]);
    kit.wait(1000).ack(1); // the peer forgot that it has 1 and 2
    expect(kit.tcb.snd.retransmitQueue.head!.sacked & 1).toBe(1);
    // Half an RTT, then the timer.
    const wait = kit.tcb.timers.deadline[0]! - kit.now;
    expect(wait).toBeGreaterThanOrEqual(49_000);
    expect(wait).toBeLessThanOrEqual(55_000);
    kit.wait(50_000);
    timeout(kit);
    expect(kit.count('TCPSACKReneging')).toBe(1);
    expect([kit.tcb.loss.sackedOut, kit.tcb.loss.lostOut]).toEqual([0, 9]);
    expect(kit.tcb.loss.sackReneging).toBe(true);
  });
});
