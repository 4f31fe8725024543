// Whole lossy transfers, step by step against what Linux 6.18 did with the same ACKs (testing/linux-traces.ts).
import { describe, expect, it } from 'vitest';
import { synRttMeasure } from '../rtt.js';
import { tcpSend } from '../send.js';
import { linuxTraces, TRACE_FIELDS } from '../testing/linux-traces.js';
import { SenderKit } from '../testing/sender-kit.js';
import { tcpNextTimeout, tcpOnTimer } from '../timers.js';

/** What TCP_INFO would show, in the order of TRACE_FIELDS. */
function seen(kit: SenderKit): number[] {
  const { cc, loss, snd, rtt, timers } = kit.tcb;
  return [
    cc.cwnd,
    cc.ssthresh,
    cc.caState,
    snd.packetsOut,
    loss.sackedOut,
    loss.lostOut,
    loss.retransOut,
    loss.reordering,
    loss.reorderingSeen,
    loss.dsackDups,
    rtt.backoff,
    timers.retransmits,
    loss.totalRetrans,
  ];
}

/** Lets time pass; timers that are due fire on the way. */
function advance(kit: SenderKit, us: number): void {
  const end = kit.now + us;
  for (let due = tcpNextTimeout(kit.tcb); due < end; due = tcpNextTimeout(kit.tcb)) {
    kit.now = Math.max(kit.now, due);
    kit.tcb.clock = kit.now;
    tcpOnTimer(kit.tcb, kit.now);
  }
  kit.now = end;
  kit.tcb.clock = end;
}

describe('lossy transfers as Linux 6.18 had them', () => {
  linuxTraces.forEach((trace, number) => {
    it(`transfer ${number + 1}: ${trace.sack ? 'SACK' : 'no SACK'}, ${trace.bytes} bytes`, () => {
      const kit = new SenderKit('cubic', 1, (k) => {
        k.route.gsoMaxSize = 65_536;
        k.route.gsoMaxSegments = 65_535;
        k.config.tcpEarlyRetrans = trace.probes ? 3 : 0;
        k.tcb.opt.sack = trace.sack;
        k.tcb.snd.wnd = 256_000;
        k.tcb.snd.maxWindow = 256_000;
        synRttMeasure(k.tcb, k.now, 40_000);
      });
      kit.wait(10_000);
      expect(tcpSend(kit.tcb, kit.now, new Uint8Array(trace.bytes), 0, trace.bytes, 0)).toBe(trace.bytes);
      let compared = 0;
      trace.steps.split(';').forEach((text, index) => {
        const numbers = text.split(',').map(Number);
        if (numbers.length === TRACE_FIELDS.length) {
          expect(seen(kit), `step ${index}`).toEqual(numbers);
          compared++;
          return;
        }
        const [wait, acked, ...edges] = numbers;
        advance(kit, wait!);
        const blocks: [number, number][] = [];
        for (let i = 0; i < edges.length; i += 2) blocks.push([edges[i]!, edges[i + 1]!]);
        kit.step(acked!, ...blocks);
      });
      expect(compared).toBeGreaterThan(1);
    });
  });
});
