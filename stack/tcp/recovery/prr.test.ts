import { describe, expect, it } from 'vitest';
import { CA_CWR, CA_LOSS, CA_OPEN, CA_RECOVERY } from '../tcb.js';
import { SenderKit } from '../testing/sender-kit.js';
import { cwndReduction, enterCwr, initCwndReduction } from './cwnd-reduction.js';
import { FLAG_SND_UNA_ADVANCED } from './flags.js';
import { tcpPacketsInFlight } from './in-flight.js';

describe('proportional rate reduction (RFC 9937)', () => {
  it('sends in proportion to what arrives while in flight exceeds ssthresh', () => {
    const kit = new SenderKit('reno');
    const { cc, loss } = kit.tcb;
    cc.cwnd = 20;
    kit.send(20);
    kit.wait(100_000).ack(0, [1, 4]);
    expect(cc.caState).toBe(CA_RECOVERY);
    expect(cc.ssthresh).toBe(10);
    expect(kit.takeSent()).toEqual([0]);
    // Half of what arrives may leave: prrOut follows ceil(prrDelivered * 10 / 20).
    for (let n = 5; n <= 12; n++) {
      kit.wait(1000).ack(0, [1, n]);
      const allowed = Math.ceil((loss.prrDelivered * 10) / 20) - loss.prrOut;
      expect(cc.cwnd - tcpPacketsInFlight(kit.tcb)).toBe(Math.max(allowed, 0));
      const room = cc.cwnd - tcpPacketsInFlight(kit.tcb);
      if (room > 0) {
        kit.send(room);
        loss.prrOut += room;
      }
    }
  });

  it('ends at ssthresh when everything was repaired', () => {
    const kit = new SenderKit('cubic');
    const { cc } = kit.tcb;
    kit.send(10);
    kit.wait(100_000).ack(0, [1, 4]);
    expect(kit.takeSent()).toEqual([0]);
    for (let n = 5; n <= 10; n++) kit.wait(1000).ack(0, [1, n]);
    kit.wait(90_000).ack(10);
    expect(cc.caState).toBe(CA_OPEN);
    expect(cc.cwnd).toBe(7);
  });

  it('below ssthresh catches up by one beyond what arrived when the ACK advances, only then and without new loss', () => {
    const kit = new SenderKit('reno');
    const { cc, loss } = kit.tcb;
    kit.send(20);
    cc.cwnd = 20;
    initCwndReduction(kit.tcb, kit.now);
    loss.sackedOut = 14; // 6 in flight, 10 allowed
    loss.prrOut = 1;
    cwndReduction(kit.tcb, 1, 0, 0);
    expect(cc.cwnd).toBe(7);
    cwndReduction(kit.tcb, 1, 0, FLAG_SND_UNA_ADVANCED);
    expect(cc.cwnd).toBe(8);
    cwndReduction(kit.tcb, 1, 2, FLAG_SND_UNA_ADVANCED);
    expect(cc.cwnd).toBe(8);
  });

  it('does nothing for an ACK that delivers nothing', () => {
    const kit = new SenderKit('reno');
    kit.tcb.cc.cwnd = 20;
    initCwndReduction(kit.tcb, kit.now);
    cwndReduction(kit.tcb, 0, 0, 0);
    expect(kit.tcb.cc.cwnd).toBe(20);
  });
});

describe('congestion without loss (RFC 3168)', () => {
  it('reduces once per window, announces it, and ends above the recovery point', () => {
    const kit = new SenderKit('reno');
    const { cc, opt } = kit.tcb;
    opt.ecnFlags = 1;
    cc.cwnd = 10;
    kit.send(10);
    kit.wait(100_000).ackBytes(1000, [], (seg) => {
      seg.flags |= 0x40;
    });
    expect(cc.caState).toBe(CA_CWR);
    expect(opt.ecnFlags & 2).toBe(2);
    const ssthresh = cc.ssthresh;
    kit.wait(1000).ackBytes(2000, [], (seg) => {
      seg.flags |= 0x40;
    });
    expect(cc.ssthresh).toBe(ssthresh);
    kit.send(2);
    kit.wait(1000).ack(10);
    expect(cc.caState).toBe(CA_CWR);
    kit.wait(1000).ack(11);
    expect(cc.caState).toBe(CA_OPEN);
    expect(cc.cwnd).toBe(ssthresh);
    expect(kit.count('TCPDeliveredCE')).toBe(2);
  });

  it('cannot be undone', () => {
    const kit = new SenderKit('reno');
    kit.send(10);
    enterCwr(kit.tcb, kit.now);
    expect(kit.tcb.cc.priorSsthresh).toBe(0);
    expect(kit.tcb.loss.undoMarked).toBe(false);
    kit.tcb.cc.caState = CA_LOSS;
    const ssthresh = kit.tcb.cc.ssthresh;
    enterCwr(kit.tcb, kit.now);
    expect(kit.tcb.cc.ssthresh).toBe(ssthresh);
  });
});
