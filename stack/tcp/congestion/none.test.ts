import { describe, expect, it } from 'vitest';
import { tcpPacketsInFlight } from '../recovery/in-flight.js';
import { CA_LOSS, CA_OPEN, CA_RECOVERY } from '../tcb.js';
import { MSS, SenderKit } from '../testing/sender-kit.js';
import { retransmitTimer } from '../timer-retransmit.js';

describe('no congestion control', () => {
  it('sends what the window takes at once', () => {
    const kit = new SenderKit('none', 1, ({ tcb }) => {
      tcb.snd.wnd = 50 * MSS;
    });
    kit.write(80);
    expect(tcpPacketsInFlight(kit.tcb)).toBe(50);
  });

  it('repairs losses and keeps sending new data meanwhile', () => {
    const kit = new SenderKit('none');
    kit.write(20);
    expect(tcpPacketsInFlight(kit.tcb)).toBe(20);
    kit.write(5);
    // Segment 1 is lost; 3 others behind it arrive.
    expect(kit.wait(100_000).step(1, [2, 5])).toEqual([[1, 1]]);
    expect(kit.tcb.cc.caState).toBe(CA_RECOVERY);
    kit.sent.length = 0;
    kit.write(30);
    expect(kit.sent.reduce((sum, { length }) => sum + length, 0)).toBe(30 * MSS);
    kit.wait(100_000).step(25);
    kit.wait(100_000).step(55);
    expect(kit.tcb.cc.caState).toBe(CA_OPEN);
  });

  it('sends one segment after a timeout, all that is lost once an ACK came', () => {
    const kit = new SenderKit('none');
    kit.write(10);
    kit.sent.length = 0;
    kit.wait(2_000_000);
    retransmitTimer(kit.tcb, kit.now);
    expect(kit.tcb.cc.caState).toBe(CA_LOSS);
    expect(kit.sent.map(({ seq, length }) => [seq / MSS, length / MSS])).toEqual([[0, 1]]);
    expect(kit.wait(100_000).step(1)).toEqual([[1, 9]]);
  });
});
