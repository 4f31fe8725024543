import { describe, expect, it } from 'vitest';
import { CA_OPEN, CA_RECOVERY, TIMER_LOSS_PROBE, TIMER_RETRANSMIT } from '../tcb.js';
import { MSS, SenderKit } from '../testing/sender-kit.js';
import { scheduleLossProbe, sendLossProbe } from './tlp.js';

const due = (kit: SenderKit, kind: number): number => kit.tcb.timers.deadline[kind]! - kit.now;

describe('tail loss probe (RFC 8985 section 7)', () => {
  it('is due after two RTTs, with the delayed-ACK allowance for a lone segment, never after the RTO', () => {
    const kit = new SenderKit();
    kit.tcb.rtt.rto = 1_000_000;
    kit.send(2);
    expect(scheduleLossProbe(kit.tcb, kit.now, true)).toBe(true);
    expect(due(kit, TIMER_LOSS_PROBE)).toBeGreaterThanOrEqual(202_000);
    expect(due(kit, TIMER_LOSS_PROBE)).toBeLessThanOrEqual(206_000);

    const lone = new SenderKit();
    lone.tcb.rtt.rto = 1_000_000;
    lone.send(1);
    scheduleLossProbe(lone.tcb, lone.now, true);
    expect(due(lone, TIMER_LOSS_PROBE)).toBeGreaterThanOrEqual(400_000);
    expect(due(lone, TIMER_LOSS_PROBE)).toBeLessThanOrEqual(404_000);

    lone.tcb.rtt.rto = 300_000;
    scheduleLossProbe(lone.tcb, lone.now, true);
    expect(due(lone, TIMER_LOSS_PROBE)).toBeLessThanOrEqual(304_000);
    // Half the RTO has gone since the segment was sent.
    lone.wait(150_000);
    scheduleLossProbe(lone.tcb, lone.now, false);
    expect(due(lone, TIMER_LOSS_PROBE)).toBeLessThanOrEqual(154_000);
  });

  it('waits the initial RTO when the RTT was never measured', () => {
    const kit = new SenderKit();
    kit.send(1);
    kit.tcb.rtt.srtt8 = 0;
    kit.tcb.rtt.rto = 3_000_000;
    scheduleLossProbe(kit.tcb, kit.now, true);
    expect(due(kit, TIMER_LOSS_PROBE)).toBeGreaterThanOrEqual(1_000_000);
    expect(due(kit, TIMER_LOSS_PROBE)).toBeLessThanOrEqual(1_004_000);
  });

  it('is for SACK connections outside recovery with tcp_early_retrans 3 or 4', () => {
    const kit = new SenderKit();
    expect(scheduleLossProbe(kit.tcb, kit.now, true)).toBe(false); // nothing in flight
    kit.send(1);
    for (const [value, expected] of [
      [0, false],
      [1, false],
      [3, true],
      [4, true],
    ] as const) {
      kit.config.tcpEarlyRetrans = value;
      expect(scheduleLossProbe(kit.tcb, kit.now, true)).toBe(expected);
    }
    kit.tcb.opt.sack = false;
    expect(scheduleLossProbe(kit.tcb, kit.now, true)).toBe(false);
    kit.tcb.opt.sack = true;
    kit.tcb.cc.caState = CA_RECOVERY;
    expect(scheduleLossProbe(kit.tcb, kit.now, true)).toBe(false);
  });

  it('sends the last segment again, one wire segment of a super-packet, and arms the RTO', () => {
    const kit = new SenderKit();
    kit.send(4, 4);
    kit.wait(200_000);
    sendLossProbe(kit.tcb, kit.now);
    expect(kit.sent.map((s) => [s.seq, s.length])).toEqual([[3 * MSS, MSS]]);
    const { loss } = kit.tcb;
    expect([loss.tlpRetrans, loss.tlpHighSeq, loss.retransOut]).toEqual([true, kit.tcb.snd.nxt, 0]);
    expect(kit.count('TCPLossProbes')).toBe(1);
    expect(Number.isFinite(kit.tcb.timers.deadline[TIMER_RETRANSMIT]!)).toBe(true);
    // Only one at a time.
    kit.takeSent();
    sendLossProbe(kit.tcb, kit.now);
    expect(kit.takeSent()).toEqual([]);
  });

  it('leaves an overdue RTO overdue when the last probe is still unanswered', () => {
    const kit = new SenderKit();
    kit.send(3);
    kit.wait(200_000);
    sendLossProbe(kit.tcb, kit.now);
    // The head was sent 350 ms ago, and the RTO is 300 ms: it is due now, not an RTO from now.
    kit.wait(150_000);
    sendLossProbe(kit.tcb, kit.now);
    expect(due(kit, TIMER_RETRANSMIT)).toBeLessThanOrEqual(2000);
    expect(Number.isFinite(due(kit, TIMER_LOSS_PROBE))).toBe(false);
  });

  it('does not send what still waits in the host queue', () => {
    const kit = new SenderKit();
    kit.send(1);
    kit.tcb.snd.retransmitQueue.tail!.inHostQueue = 1;
    sendLossProbe(kit.tcb, kit.now);
    expect(kit.takeSent()).toEqual([]);
    expect(kit.tcb.loss.tlpHighSeq).toBe(0);
  });

  it('makes RACK find the holes before it', () => {
    const kit = new SenderKit();
    kit.send(5);
    kit.wait(100_000).ack(1);
    kit.wait(200_000);
    sendLossProbe(kit.tcb, kit.now);
    kit.takeSent();
    kit.wait(100_000).ack(1, [4, 5]);
    expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
    expect(kit.takeSent()).toEqual([1]);
  });

  it('costs one reduction when it repaired a loss', () => {
    const kit = new SenderKit('cubic');
    kit.send(2);
    kit.wait(200_000);
    sendLossProbe(kit.tcb, kit.now);
    kit.send(1);
    kit.wait(100_000).ack(3);
    expect(kit.count('TCPLossProbeRecovery')).toBe(1);
    expect(kit.tcb.cc.ssthresh).toBe(7);
    expect(kit.tcb.cc.caState).toBe(CA_OPEN);
    expect(kit.tcb.loss.tlpHighSeq).toBe(0);
  });

  it('costs none when a DSACK or a pure duplicate shows that the original arrived', () => {
    const kit = new SenderKit('cubic');
    kit.send(2);
    kit.wait(200_000);
    sendLossProbe(kit.tcb, kit.now);
    kit.wait(1000).ack(2, [1, 2]);
    expect(kit.tcb.loss.tlpHighSeq).toBe(0);
    expect(kit.tcb.cc.ssthresh).toBe(0x7fff_ffff);

    const plain = new SenderKit('cubic');
    plain.send(2);
    plain.wait(200_000);
    sendLossProbe(plain.tcb, plain.now);
    plain.wait(1000).ack(2);
    expect(plain.tcb.loss.tlpHighSeq).not.toBe(0);
    plain.wait(100_000).ack(2);
    expect(plain.tcb.loss.tlpHighSeq).toBe(0);
    expect(plain.tcb.cc.ssthresh).toBe(0x7fff_ffff);
  });
});
