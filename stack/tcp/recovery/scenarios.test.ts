// Whole recoveries, with the real write path: what goes out after each ACK. The sequences of packets are those that
// Linux 6.18 sends (google's packetdrill scripts of fast recovery, which it passes).
import { describe, expect, it } from 'vitest';
import { synRttMeasure } from '../rtt.js';
import { CA_OPEN, CA_RECOVERY } from '../tcb.js';
import { SenderKit } from '../testing/sender-kit.js';

function connection(rtt: number, algorithm = 'cubic'): SenderKit {
  const kit = new SenderKit(algorithm, 1, (k) => {
    k.route.gsoMaxSize = 65_536;
    k.route.gsoMaxSegments = 65_535;
    synRttMeasure(k.tcb, k.now, rtt);
    k.tcb.snd.wnd = 40_960;
    k.tcb.snd.maxWindow = 40_960;
  });
  return kit;
}

describe('fast recovery, packet by packet', () => {
  it('of ten segments the first is lost', () => {
    const kit = connection(100_000);
    kit.write(10);
    expect(kit.sent.map((s) => s.length)).toEqual([2000, 2000, 2000, 2000, 2000]);
    expect(kit.wait(110_000).step(0, [1, 2])).toEqual([]);
    expect(kit.wait(10_000).step(0, [1, 3])).toEqual([]);
    expect(kit.wait(10_000).step(0, [1, 4])).toEqual([[0, 1]]);
    const { cc } = kit.tcb;
    expect([cc.caState, cc.cwnd, cc.ssthresh]).toEqual([CA_RECOVERY, 7, 7]);
    kit.wait(20_000).write(7);
    for (let n = 5; n <= 10; n++) expect(kit.wait(10_000).step(0, [1, n])).toEqual([[5 + n, 1]]);
    expect(kit.wait(20_000).step(10)).toEqual([[16, 1]]);
    expect([cc.caState, cc.cwnd, cc.ssthresh]).toEqual([CA_OPEN, 7, 7]);
  });

  it('of a flight 1-4 and 11-16 are lost: proportional part, conservative bound, slow start, conservation', () => {
    const kit = connection(10_000);
    kit.write(20);
    expect(kit.wait(10_000).step(0, [4, 5])).toEqual([[10, 1]]);
    expect(kit.wait(2000).step(0, [4, 6])).toEqual([[11, 1]]);
    expect(kit.wait(2000).step(0, [4, 7])).toEqual([[0, 1]]);
    expect(kit.wait(2000).step(0, [4, 8])).toEqual([[1, 1]]);
    expect(kit.wait(2000).step(0, [4, 9])).toEqual([[2, 1]]);
    expect(kit.wait(2000).step(0, [4, 10])).toEqual([[3, 1]]);
    expect(kit.wait(2000).step(0, [4, 11])).toEqual([[12, 1]]);
    expect(kit.wait(2000).step(0, [4, 12])).toEqual([[13, 1]]);
    expect(kit.wait(10_000).step(1, [4, 12])).toEqual([[14, 2]]);
    expect(kit.wait(2000).step(1, [2, 12])).toEqual([
      [1, 1],
      [16, 1],
    ]);
    expect(kit.wait(2000).step(1, [2, 13])).toEqual([[17, 1]]);
    expect(kit.wait(2000).step(1, [2, 14])).toEqual([[18, 1]]);
  });

  it('an ACK below SND.UNA with news in its blocks sends as much as it delivers', () => {
    const kit = connection(10_000);
    kit.write(10);
    kit.wait(10_000).step(0, [1, 2]);
    kit.step(0, [1, 3]);
    expect(kit.step(0, [1, 3], [8, 9])).toEqual([[0, 1]]);
    expect(kit.wait(12_000).step(4, [8, 9])).toEqual([[4, 3]]);
    kit.write(10);
    kit.wait(2000);
    expect(kit.step(3, [5, 7])).toEqual([
      [7, 1],
      [10, 1],
    ]);
  });

  it('limited transmit sends one new segment for each of the first two duplicates (RFC 3042)', () => {
    for (const sack of [true, false]) {
      const kit = connection(100_000);
      kit.tcb.opt.sack = sack;
      kit.write(10);
      kit.write(5);
      kit.wait(100_000);
      expect(kit.step(0, ...(sack ? [[1, 2] as [number, number]] : []))).toEqual([[10, 1]]);
      expect(kit.wait(2000).step(0, ...(sack ? [[1, 3] as [number, number]] : []))).toEqual([[11, 1]]);
      expect(kit.wait(2000).step(0, ...(sack ? [[1, 4] as [number, number]] : []))).toEqual([[0, 1]]);
    }
  });
});
