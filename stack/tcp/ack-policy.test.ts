import { expect, it } from 'vitest';
import { ACK_SCHEDULED, ACK_TIMER, delayAck } from './ack-policy.js';
import { tickLength } from './jiffies.js';
import { SenderKit } from './testing/sender-kit.js';

/** A connection late in a tick that acknowledges with a delay of `ato` µs. */
function lateInTick(ato: number): SenderKit {
  const kit = new SenderKit();
  kit.tcb.ack.ato = ato;
  kit.now += tickLength(kit.config) - 100;
  return kit;
}

it('a delayed ACK is due by the tick it was asked for in, and a second one with a quarter left goes at once', () => {
  const kit = lateInTick(40_000);
  delayAck(kit.tcb, kit.now);
  expect(kit.tcb.ack.pending & (ACK_SCHEDULED | ACK_TIMER)).toBe(ACK_SCHEDULED | ACK_TIMER);
  // One tick too early, then right: 40 ms after the beginning of its tick is then 10 ms from now.
  const start = kit.now + 100 - tickLength(kit.config);
  delayAck(kit.tcb, start + 30_000 - tickLength(kit.config));
  expect(kit.sent).toHaveLength(0);
  delayAck(kit.tcb, start + 30_000);
  expect(kit.sent).toHaveLength(1);
});

it('without an estimate the ACK is due in the tick itself: what comes behind a FIN is answered at once', () => {
  const kit = lateInTick(0);
  delayAck(kit.tcb, kit.now);
  expect(kit.sent).toHaveLength(0);
  delayAck(kit.tcb, kit.now + 50);
  expect(kit.sent).toHaveLength(1);
});
