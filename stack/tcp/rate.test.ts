import { describe, expect, it } from 'vitest';
import { checkSendingAppLimited, sentAfter } from './rate.js';
import { MSS, SenderKit } from './testing/sender-kit.js';

describe('delivery rate', () => {
  it('orders by time, then by sequence', () => {
    expect(sentAfter(2, 1, 0, 5)).toBe(true);
    expect(sentAfter(1, 1, 5, 0)).toBe(true);
    expect(sentAfter(1, 1, 5, 5)).toBe(false);
    expect(sentAfter(1, 2, 5, 0)).toBe(false);
  });

  it('is what was delivered between a departure and its ACK, over the longer of the two phases', () => {
    const kit = new SenderKit();
    // Ten segments 10 ms apart, ACKed 100 ms later each.
    for (let i = 0; i < 10; i++) kit.wait(10_000).send(1);
    kit.wait(10_000);
    for (let i = 1; i <= 10; i++) {
      kit.ack(i);
      kit.wait(10_000);
    }
    const { loss } = kit.tcb;
    // From the first departure on: 10 segments in 190 ms.
    expect(loss.rateDelivered).toBe(10);
    expect(loss.rateInterval).toBe(190_000);
    // Nothing had been delivered when they left: as Linux has it, that says nothing about the path.
    expect(loss.rateAppLimited).toBe(true);
  });

  it('is not fooled by compressed ACKs', () => {
    const kit = new SenderKit();
    for (let i = 0; i < 10; i++) kit.wait(10_000).send(1);
    kit.wait(100_000);
    for (let i = 1; i <= 10; i++) kit.ack(i); // all at once
    const { loss } = kit.tcb;
    expect(loss.rateInterval).toBeGreaterThanOrEqual(100_000);
  });

  it('gives no sample shorter than the minimum RTT', () => {
    const kit = new SenderKit();
    kit.send(2);
    kit.wait(100_000).ack(1);
    const before = kit.tcb.loss.rateInterval;
    kit.send(1);
    // Only a retransmission can be acknowledged so soon.
    kit.tcb.rtt.minValue.fill(100_000);
    kit.tcb.snd.retransmitQueue.tail!.sacked |= 128;
    kit.wait(10).ack(3);
    expect(kit.tcb.loss.rateInterval).toBe(before);
  });

  it('marks the bubble of an application that has nothing to send, until it is acknowledged', () => {
    const kit = new SenderKit();
    const { loss } = kit.tcb;
    loss.appLimited = 0;
    kit.send(3);
    checkSendingAppLimited(kit.tcb);
    expect(loss.appLimited).toBe(1 + 3);
    kit.wait(100_000).ack(3);
    expect(loss.appLimited).toBe(4);
    kit.send(1);
    expect(kit.tcb.snd.retransmitQueue.head!.rateAppLimited).toBe(true);
    kit.wait(100_000).ack(4);
    expect(loss.appLimited).toBe(0);
    // A slower sample of a limited flight does not replace the last full one.
    expect([loss.rateAppLimited, loss.rateDelivered]).toEqual([false, 3]);
  });

  it('is no bubble while data waits, cwnd is full, or losses are to be repaired', () => {
    const kit = new SenderKit();
    const { loss, snd, cc } = kit.tcb;
    loss.appLimited = 0;
    kit.send(3);
    snd.writeSeq += 5 * MSS;
    checkSendingAppLimited(kit.tcb);
    expect(loss.appLimited).toBe(0);
    snd.writeSeq -= 5 * MSS;
    cc.cwnd = 3;
    checkSendingAppLimited(kit.tcb);
    expect(loss.appLimited).toBe(0);
    cc.cwnd = 10;
    snd.inHostQueue = 5000;
    checkSendingAppLimited(kit.tcb);
    expect(loss.appLimited).toBe(0);
  });
});
