import { describe, expect, it } from 'vitest';
import { fragmentSegment } from '../fragment.js';
import { SACKED_ACKED } from '../send-segment.js';
import { CA_LOSS, CA_RECOVERY } from '../tcb.js';
import { MSS, SenderKit } from '../testing/sender-kit.js';
import { clearRetransmitState, simpleRetransmit } from './retransmit-queue.js';
import { highestSackSeq } from './scoreboard.js';

/** [first wire segment, count, SACKed] of each segment of the queue. */
function layout(kit: SenderKit): [number, number, boolean][] {
  const out: [number, number, boolean][] = [];
  for (let s = kit.tcb.snd.retransmitQueue.head; s !== null; s = s.next) {
    out.push([kit.relative(s.seq) / MSS, s.segments, (s.sacked & SACKED_ACKED) !== 0]);
  }
  return out;
}

describe('SACK blocks (RFC 2018, RFC 6675)', () => {
  it('split a super-packet at whole wire segments', () => {
    const kit = new SenderKit();
    kit.send(10, 10);
    kit.wait(100_000).ack(0, [3, 5]);
    expect(layout(kit)).toEqual([
      [0, 3, false],
      [3, 2, true],
      [5, 5, false],
    ]);
    expect(kit.tcb.loss.sackedOut).toBe(2);
    expect(kit.relative(highestSackSeq(kit.tcb))).toBe(5 * MSS);
  });

  it('join neighbours of one wire size, and both sides of a hole that is filled', () => {
    const kit = new SenderKit();
    kit.send(8);
    kit.wait(100_000).ack(0, [2, 3]);
    kit.ack(0, [4, 6], [2, 3]);
    const alone = kit.tcb.snd.memoryQueued;
    expect(layout(kit).slice(2, 5)).toEqual([
      [2, 1, true],
      [3, 1, false],
      [4, 2, true],
    ]);
    kit.ack(0, [2, 6]);
    expect(layout(kit)).toEqual([
      [0, 1, false],
      [1, 1, false],
      [2, 4, true],
      [6, 1, false],
      [7, 1, false],
    ]);
    // Two records less: their overhead is given back, not a byte of payload.
    const { head } = kit.tcb.snd.retransmitQueue;
    expect(alone - kit.tcb.snd.memoryQueued).toBe(2 * (head!.truesize - MSS));
    expect(kit.tcb.snd.retransmitQueue.head!.next!.next!.length).toBe(4 * MSS);
    expect(kit.count('TCPSackMerged')).toBe(3);
    expect(kit.tcb.loss.sackedOut).toBe(4);
    kit.ack(3);
    expect(layout(kit)[0]).toEqual([3, 3, true]);
    kit.ack(8);
    expect(kit.tcb.snd.retransmitQueue.empty).toBe(true);
    expect(kit.tcb.loss.sackedOut).toBe(0);
  });

  it('do not join a record’s end, or another wire size', () => {
    const kit = new SenderKit();
    kit.send(4);
    kit.tcb.snd.retransmitQueue.head!.next!.endOfRecord = true;
    kit.wait(100_000).ack(0, [1, 3]);
    expect(layout(kit).map(([, count]) => count)).toEqual([1, 1, 1, 1]);
    kit.ackBytes(0, [[MSS, 3 * MSS + 500]]);
    expect(kit.tcb.loss.sackedOut).toBe(2);
  });

  it('count only wire segments that are covered whole', () => {
    const kit = new SenderKit();
    kit.send(10, 10);
    kit.wait(100_000).ackBytes(0, [[2 * MSS + 1, 4 * MSS + 999]]);
    expect(layout(kit)).toEqual([
      [0, 3, false],
      [3, 1, true],
      [4, 6, false],
    ]);
    // Less than one wire segment: nothing.
    kit.ackBytes(0, [[6 * MSS + 10, 6 * MSS + 20]]);
    expect(kit.tcb.loss.sackedOut).toBe(1);
  });

  it('are taken in any order and again and again', () => {
    const kit = new SenderKit();
    kit.send(20, 4);
    kit.wait(100_000);
    kit.ack(0, [12, 14], [2, 4], [8, 9]);
    expect(kit.tcb.loss.sackedOut).toBe(5);
    kit.ack(0, [2, 4], [8, 9], [12, 14]);
    expect(kit.tcb.loss.sackedOut).toBe(5);
    kit.ack(0, [8, 16], [2, 4]);
    expect(kit.tcb.loss.sackedOut).toBe(10);
    kit.ack(0, [1, 18]);
    expect(kit.tcb.loss.sackedOut).toBe(17);
  });

  it('extend a block whose right edge lay inside a segment', () => {
    const kit = new SenderKit();
    kit.send(6);
    kit.wait(100_000).ackBytes(0, [[MSS, 2.5 * MSS]]);
    expect(kit.tcb.loss.sackedOut).toBe(1);
    kit.ackBytes(0, [[MSS, 3 * MSS]]);
    expect(kit.tcb.loss.sackedOut).toBe(2);
  });

  // Measured on Linux 6.18: what the last ACK's blocks covered is passed over, and with it the segment that it cut.
  it('do not extend one whose left edge lay inside a segment', () => {
    const kit = new SenderKit();
    kit.send(6);
    kit.wait(100_000).ackBytes(0, [[4.5 * MSS, 6 * MSS]]);
    expect(kit.tcb.loss.sackedOut).toBe(1);
    kit.ackBytes(0, [[4 * MSS, 6 * MSS]]);
    expect(kit.tcb.loss.sackedOut).toBe(1);
    kit.ackBytes(0, [[1.5 * MSS, 2 * MSS]]);
    kit.ackBytes(0, [
      [1.5 * MSS, 2 * MSS],
      [MSS, 2 * MSS],
    ]);
    expect(kit.tcb.loss.sackedOut).toBe(1);
    kit.ackBytes(0, [[MSS, 3 * MSS]]);
    expect(kit.tcb.loss.sackedOut).toBe(2);
  });

  it('are refused when reversed, empty, beyond SND.NXT or beginning at SND.UNA', () => {
    const kit = new SenderKit();
    kit.send(5);
    kit.wait(100_000);
    kit.ack(0, [3, 2]);
    kit.ack(0, [2, 2]);
    kit.ack(0, [4, 6]);
    kit.ack(0, [5, 6]);
    expect(kit.tcb.loss.sackedOut).toBe(0);
    expect(kit.count('TCPSACKDiscard')).toBe(4);
  });

  it('tell of reordering when a hole fills without retransmission', () => {
    const kit = new SenderKit();
    kit.send(10);
    kit.wait(100_000).ack(0, [8, 9]);
    kit.ack(0, [3, 4], [8, 9]);
    expect(kit.tcb.loss.reorderingSeen).toBe(1);
    expect(kit.tcb.loss.reordering).toBe(6);
    expect(kit.count('TCPSACKReorder')).toBe(1);
    // The head was late by all ten.
    kit.ack(10);
    expect(kit.tcb.loss.reordering).toBe(10);
    expect(kit.tcb.loss.reorderingSeen).toBe(2);
  });

  it('are bounded in what reordering they can teach', () => {
    const kit = new SenderKit();
    kit.config.tcpMaxReordering = 5;
    kit.send(20);
    kit.wait(100_000).ack(0, [18, 19]);
    kit.ack(0, [1, 2], [18, 19]);
    expect(kit.tcb.loss.reordering).toBe(5);
  });

  it('of a DSACK inside another block mark nothing twice', () => {
    const kit = new SenderKit();
    kit.send(10);
    kit.wait(100_000).ack(0, [2, 5]);
    expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
    kit.wait(1000).ackBytes(0, [
      [3 * MSS, 4 * MSS],
      [2 * MSS, 6 * MSS],
    ]);
    expect(kit.count('TCPDSACKOfoRecv')).toBe(1);
    expect(kit.tcb.loss.sackedOut).toBe(4);
  });

  it('find their segment from the head, the highest SACKed or a neighbour alike', () => {
    const kit = new SenderKit();
    kit.send(60);
    kit.wait(100_000);
    for (let i = 58; i >= 2; i -= 4) kit.ack(0, [i, i + 1]);
    expect(kit.tcb.loss.sackedOut).toBe(15);
    for (let i = 4; i < 60; i += 4) kit.ack(0, [i, i + 1]);
    expect(kit.tcb.loss.sackedOut).toBe(29);
  });
});

describe('the queue of retransmissions', () => {
  it('retransmits all holes, oldest first, as cwnd allows', () => {
    const kit = new SenderKit('reno');
    kit.tcb.cc.cwnd = 30;
    kit.send(30);
    kit.wait(100_000).ack(0, [2, 3], [5, 6], [8, 30]);
    expect(kit.tcb.loss.lostOut).toBe(6);
    const first = kit.takeSent();
    expect(first).toEqual([0, 1, 3, 4, 6, 7].slice(0, first.length));
    expect(first.length).toBeGreaterThan(0);
  });

  it('sends what a smaller path MTU makes too long, without a reduction', () => {
    const kit = new SenderKit('reno');
    kit.send(4);
    const { tcb } = kit;
    tcb.snd.pathMtu = 700;
    tcb.snd.mss = 600;
    tcb.snd.mssClamp = 600;
    tcb.snd.mtuCookie = 700;
    kit.route.mtu = 700;
    const { cwnd } = tcb.cc;
    simpleRetransmit(tcb, kit.now);
    expect(tcb.cc.caState).toBe(CA_LOSS);
    expect(tcb.cc.cwnd).toBe(cwnd);
    expect(kit.sent[0]).toMatchObject({ seq: 0, length: 600 });
    expect(kit.sent.reduce((sum, s) => sum + s.length, 0)).toBe(4 * MSS);
  });

  it('does nothing when every segment fits', () => {
    const kit = new SenderKit('reno');
    kit.send(4);
    simpleRetransmit(kit.tcb, kit.now);
    expect(kit.tcb.cc.caState).toBe(0);
    expect(kit.sent).toEqual([]);
  });

  it('is forgotten with the queue', () => {
    const kit = new SenderKit();
    kit.send(10);
    kit.wait(100_000).ack(0, [1, 5]);
    clearRetransmitState(kit.tcb);
    const { loss } = kit.tcb;
    expect([loss.lostOut, loss.retransOut, loss.sackedOut, loss.undoMarked]).toEqual([0, 0, 0, false]);
  });

  it('survives a split of the segment that hints point to', () => {
    const kit = new SenderKit();
    kit.send(20, 5);
    kit.wait(100_000).ack(0, [10, 15]);
    const highest = kit.tcb.loss.highestSack!;
    expect(fragmentSegment(kit.tcb, highest, 2 * MSS, MSS)).toBe(true);
    kit.ack(0, [10, 20]);
    expect(kit.tcb.loss.sackedOut).toBe(10);
  });
});
