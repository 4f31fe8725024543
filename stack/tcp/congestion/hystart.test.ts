import { describe, expect, it } from 'vitest';
import { SenderKit } from '../testing/sender-kit.js';
import type { CubicState } from './cubic.js';
import { HystartState, hystartReset, hystartSample } from './hystart.js';
import {
  HystartPlusState,
  hystartPlusReset,
  hystartPlusSample,
  hystartPlusSlowStart,
} from './hystart-plus.js';

const INFINITE = 0x7fff_ffff;

function classic(): { kit: SenderKit; s: HystartState } {
  const kit = new SenderKit('cubic');
  const s = new HystartState();
  kit.tcb.cc.cwnd = 20;
  kit.tcb.snd.nxt = 100_000;
  kit.tcb.snd.una = 50_000;
  hystartReset(kit.tcb, s, kit.now);
  return { kit, s };
}

describe('HyStart', () => {
  it('leaves slow start when ACKs come in one train for half the path, unpaced', () => {
    const { kit, s } = classic();
    for (let t = 0; t < 50_000; t += 1000) {
      hystartSample(kit.tcb, s, 100_000, 100_000, kit.wait(1000).now);
    }
    expect(s.found).toBe(false);
    hystartSample(kit.tcb, s, 100_000, 100_000, kit.wait(1000).now);
    expect(s.found).toBe(true);
    expect(kit.tcb.cc.ssthresh).toBe(20);
    expect(kit.count('TCPHystartTrainDetect')).toBe(1);
    expect(kit.count('TCPHystartTrainCwnd')).toBe(20);
  });

  it('is no train with gaps of more than two milliseconds', () => {
    const { kit, s } = classic();
    for (let t = 0; t < 300_000; t += 2500) hystartSample(kit.tcb, s, 100_000, 100_000, kit.wait(2500).now);
    expect(s.found).toBe(false);
  });

  it('leaves when a round has nine samples an eighth above the minimum', () => {
    const { kit, s } = classic();
    for (let i = 0; i < 8; i++) hystartSample(kit.tcb, s, 100_000, 113_000, kit.wait(5000).now);
    expect(s.found).toBe(false);
    hystartSample(kit.tcb, s, 100_000, 113_000, kit.wait(5000).now);
    expect(s.found).toBe(true);
    expect(kit.count('TCPHystartDelayDetect')).toBe(1);
  });

  it('does not when one sample of the round was as short as ever', () => {
    const { kit, s } = classic();
    hystartSample(kit.tcb, s, 100_000, 104_000, kit.wait(5000).now);
    for (let i = 0; i < 20; i++) hystartSample(kit.tcb, s, 100_000, 150_000, kit.wait(5000).now);
    expect(s.found).toBe(false);
  });

  it('bounds what counts as growth: 4 ms at least, 16 ms at most', () => {
    for (const [min, rtt, found] of [
      [1000, 4900, false],
      [1000, 5100, true],
      [1_000_000, 1_015_000, false],
      [1_000_000, 1_017_000, true],
    ] as const) {
      const { kit, s } = classic();
      for (let i = 0; i < 9; i++) hystartSample(kit.tcb, s, min, rtt, kit.wait(5000).now);
      expect(s.found).toBe(found);
    }
  });

  it('begins a new round when the last one is acknowledged, also below the low window', () => {
    const { kit, s } = classic();
    kit.tcb.cc.cwnd = 15;
    for (let i = 0; i < 30; i++) hystartSample(kit.tcb, s, 1000, 90_000, kit.wait(5000).now);
    expect(s.samples).toBe(0);
    kit.tcb.snd.una = 100_001;
    kit.tcb.snd.nxt = 200_000;
    hystartSample(kit.tcb, s, 1000, 90_000, kit.wait(5000).now);
    expect(s.endSeq).toBe(200_000);
    expect(s.roundStart).toBe(kit.now);
  });
});

function plus(): { kit: SenderKit; s: HystartPlusState; round(rtt: number, samples?: number): void } {
  const kit = new SenderKit('cubic');
  const s = new HystartPlusState();
  hystartPlusReset(kit.tcb, s);
  const round = (rtt: number, samples = 10): void => {
    kit.tcb.snd.una = kit.tcb.snd.nxt;
    kit.tcb.snd.nxt += 10_000;
    for (let i = 0; i < samples; i++) {
      hystartPlusSample(kit.tcb, s, rtt);
      kit.tcb.snd.una++;
    }
  };
  return { kit, s, round };
}

describe('HyStart++ (RFC 9406)', () => {
  it('slows to a quarter when the RTT of a round has grown by an eighth', () => {
    const { kit, s, round } = plus();
    round(100_000);
    expect(hystartPlusSlowStart(kit.tcb, s, 4)).toBe(0);
    expect(kit.tcb.cc.cwnd).toBe(14);
    round(111_000);
    expect(s.cssRounds).toBe(0);
    round(125_000);
    expect(s.cssRounds).toBe(1);
    hystartPlusSlowStart(kit.tcb, s, 4);
    expect(kit.tcb.cc.cwnd).toBe(15);
    hystartPlusSlowStart(kit.tcb, s, 3);
    expect(kit.tcb.cc.cwnd).toBe(15);
    hystartPlusSlowStart(kit.tcb, s, 1);
    expect(kit.tcb.cc.cwnd).toBe(16);
  });

  it('needs eight samples', () => {
    const { s, round } = plus();
    round(100_000);
    round(200_000, 7);
    expect(s.cssRounds).toBe(0);
    round(400_000, 8);
    expect(s.cssRounds).toBe(1);
  });

  it('resumes slow start when the RTT falls again', () => {
    const { s, round } = plus();
    round(100_000);
    round(130_000);
    expect(s.cssRounds).toBe(1);
    round(120_000);
    expect(s.cssRounds).toBe(0);
  });

  it('ends in congestion avoidance after five rounds', () => {
    const { kit, round } = plus();
    round(100_000);
    round(130_000);
    for (let i = 0; i < 4; i++) round(130_000);
    expect(kit.tcb.cc.ssthresh).toBe(INFINITE);
    round(130_000);
    expect(kit.tcb.cc.ssthresh).toBe(kit.tcb.cc.cwnd);
  });

  it('opens by eight segments an ACK at most when packets are not paced', () => {
    const { kit, s } = plus();
    hystartPlusSlowStart(kit.tcb, s, 40);
    expect(kit.tcb.cc.cwnd).toBe(18);
  });

  it("is CUBIC's when the stack says so", () => {
    const kit = new SenderKit('cubic', 1, (k) => {
      k.config.hystart = 'rfc9406';
    });
    expect((kit.tcb.cc.state as CubicState).hystartPlus).not.toBe(null);
    kit.send(10);
    for (let i = 2; i <= 10; i += 2) kit.wait(10_000).ack(i);
    expect(kit.tcb.cc.cwnd).toBe(20);

    const off = new SenderKit('cubic', 1, (k) => {
      k.config.hystart = 'off';
    });
    off.tcb.cc.cwnd = 40;
    off.send(40);
    for (let i = 1; i <= 40; i++) off.wait(60_000).ack(i);
    expect(off.tcb.cc.ssthresh).toBe(INFINITE);
  });
});
