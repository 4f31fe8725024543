import { describe, expect, it } from 'vitest';
import { CA_DISORDER, CA_OPEN, CA_RECOVERY } from '../tcb.js';
import { SenderKit } from '../testing/sender-kit.js';
import { tcpPacketsInFlight } from './in-flight.js';

const withoutSack = (algorithm = 'reno'): SenderKit =>
  new SenderKit(algorithm, 1, (kit) => {
    kit.tcb.opt.sack = false;
  });

describe('recovery without SACK (RFC 5681, RFC 6582)', () => {
  it('retransmits on the third duplicate, not before', () => {
    const kit = withoutSack();
    kit.send(10);
    kit.wait(100_000);
    kit.ack(0);
    expect(kit.tcb.cc.caState).toBe(CA_DISORDER);
    kit.ack(0);
    expect(kit.takeSent()).toEqual([]);
    kit.ack(0);
    expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
    expect(kit.takeSent()).toEqual([0]);
    expect(kit.tcb.cc.ssthresh).toBe(5);
    expect(kit.count('TCPRenoRecovery')).toBe(1);
  });

  it('lets a new segment out for each of the first two duplicates (RFC 3042)', () => {
    const kit = withoutSack();
    kit.send(10);
    kit.wait(100_000);
    kit.ack(0);
    expect(kit.tcb.cc.cwnd - tcpPacketsInFlight(kit.tcb)).toBe(1);
    kit.ack(0);
    expect(kit.tcb.cc.cwnd - tcpPacketsInFlight(kit.tcb)).toBe(2);
  });

  it('retransmits the next hole on a partial ACK and stays until the recovery point', () => {
    const kit = withoutSack();
    kit.send(10);
    kit.wait(100_000);
    for (let i = 0; i < 8; i++) kit.ack(0);
    expect(kit.takeSent()).toEqual([0]);
    kit.wait(100_000).ack(3);
    expect(kit.takeSent()).toEqual([3]);
    expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
    kit.wait(100_000).ack(10);
    // Held until something above the recovery point is acknowledged.
    expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
    kit.send(2);
    kit.wait(100_000).ack(11);
    expect(kit.tcb.cc.caState).toBe(CA_OPEN);
    expect(kit.tcb.cc.cwnd).toBe(5);
  });

  it('does not count more duplicates than can be in flight, and learns from them', () => {
    const kit = withoutSack();
    kit.send(4);
    kit.tcb.loss.reordering = 10;
    kit.wait(100_000);
    for (let i = 0; i < 6; i++) kit.ack(0);
    expect(kit.tcb.loss.sackedOut).toBe(3);
    expect(kit.count('TCPRenoReorder')).toBeGreaterThan(0);
    expect(kit.tcb.loss.reordering).toBe(4);
  });

  it('takes neither a window update nor data for a duplicate', () => {
    const kit = withoutSack();
    kit.send(5);
    kit.wait(100_000);
    for (let i = 0; i < 5; i++) {
      kit.ackBytes(0, [], (seg) => {
        seg.window = 1_100_000 + i * 1000;
      });
    }
    for (let i = 0; i < 5; i++) {
      kit.ackBytes(0, [], (seg) => {
        seg.endSeq = seg.seq + 10;
        seg.length = 10;
      });
    }
    expect(kit.tcb.loss.sackedOut).toBe(0);
    expect(kit.takeSent()).toEqual([]);
  });

  it('retransmits one wire segment of a super-packet', () => {
    const kit = withoutSack();
    kit.send(10, 5);
    kit.wait(100_000);
    for (let i = 0; i < 3; i++) kit.ack(0);
    expect(kit.sent.map((s) => [s.seq, s.length])).toEqual([[0, 1000]]);
    expect(kit.tcb.loss.lostOut).toBe(1);
  });
});
