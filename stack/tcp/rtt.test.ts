import { describe, expect, it } from 'vitest';
import { StackConfig } from '../config/config.js';
import { FLAG_ACK_MAYBE_DELAYED, FLAG_ACKED } from './recovery/flags.js';
import { initialRto, minRtt, rtoAfterHandshake, setRto, synRttMeasure, updateRtt } from './rtt.js';
import { Tcb, type TcbHost } from './tcb.js';

function block(): { tcb: Tcb; config: StackConfig } {
  const config = new StackConfig();
  const tcb = new Tcb({
    config,
    timestampClock: (now: number) => Math.floor(now / 1000),
  } as unknown as TcbHost);
  return { tcb, config };
}

const sample = (tcb: Tcb, now: number, rtt: number): number =>
  updateRtt(tcb, now, now, FLAG_ACKED, rtt, -1, rtt);

describe('round-trip time', () => {
  it('takes the first sample whole: RTO = RTT + max(2 RTT, floor) (RFC 6298 2.2)', () => {
    const { tcb } = block();
    sample(tcb, 1_000_000, 100_000);
    expect(tcb.rtt.srtt8).toBe(800_000);
    expect(tcb.rtt.rttvar).toBe(200_000);
    expect(tcb.rtt.rto).toBe(300_000);
  });

  it('never lets the deviation fall below the floor of the RTO', () => {
    const { tcb } = block();
    sample(tcb, 1_000_000, 1000);
    expect(tcb.rtt.rto).toBe(201_000);
    for (let i = 0; i < 20; i++) {
      tcb.snd.una += 10;
      tcb.snd.nxt = tcb.snd.una + 5;
      sample(tcb, 1_000_000 + i * 1000, 1000);
    }
    expect(tcb.rtt.rto).toBe(201_000);
  });

  it('follows a rising RTT by an eighth, its deviation by a quarter (RFC 6298 2.3)', () => {
    const { tcb } = block();
    sample(tcb, 1_000_000, 100_000);
    sample(tcb, 1_100_000, 500_000);
    expect(tcb.rtt.srtt8 >> 3).toBe(150_000);
    // mdev = 3/4 * 50 ms + 1/4 * 400 ms, four times
    expect(tcb.rtt.mdev4).toBe(200_000 + 400_000 - 50_000);
    expect(tcb.rtt.rto).toBe(150_000 + 550_000);
  });

  it('lets a falling RTT raise the deviation by an eighth of that only', () => {
    const { tcb } = block();
    sample(tcb, 1_000_000, 500_000);
    const before = tcb.rtt.mdev4;
    sample(tcb, 1_100_000, 100_000);
    expect(tcb.rtt.mdev4).toBe(before + Math.floor((400_000 - before / 4) / 8));
  });

  it('rounds the RTO up to whole ticks, or not at all when deadlines are exact', () => {
    const { tcb, config } = block();
    sample(tcb, 1_000_000, 100_001);
    expect(tcb.rtt.rto).toBe(301_000);
    config.hz = 0;
    setRto(tcb);
    expect(tcb.rtt.rto).toBe(100_001 + 200_002);
    config.hz = 100;
    setRto(tcb);
    expect(tcb.rtt.rto).toBe(310_000);
  });

  it('keeps within route floor and ceiling', () => {
    const { tcb, config } = block();
    tcb.rtt.rtoMin = 40_000;
    sample(tcb, 1_000_000, 1000);
    expect(tcb.rtt.rto).toBe(41_000);
    config.tcpRtoMaxMs = 1000;
    sample(tcb, 2_000_000, 60_000_000);
    expect(tcb.rtt.rto).toBe(1_000_000);
    tcb.rtt.rtoMax = 900_000;
    setRto(tcb);
    expect(tcb.rtt.rto).toBe(900_000);
    expect(initialRto(tcb)).toBe(900_000);
  });

  it('ends the backoff on a valid sample only', () => {
    const { tcb } = block();
    tcb.rtt.backoff = 3;
    expect(updateRtt(tcb, 1e6, 1e6, FLAG_ACKED, -1, -1, -1)).toBe(-1);
    expect(tcb.rtt.backoff).toBe(3);
    sample(tcb, 1e6, 5);
    expect(tcb.rtt.backoff).toBe(0);
  });

  it('falls back to the echoed timestamp, at least a millisecond, and not to an absurd one', () => {
    const { tcb } = block();
    tcb.opt.sawTimestamp = true;
    tcb.opt.rcvTsecr = 960;
    expect(updateRtt(tcb, 1e6, 1e6, FLAG_ACKED, -1, -1, -1)).toBe(40_000);
    expect(tcb.rtt.srtt8).toBe(320_000);
    tcb.opt.rcvTsecr = 1000;
    expect(updateRtt(tcb, 1e6, 1e6, FLAG_ACKED, -1, -1, -1)).toBe(1000);
    tcb.opt.rcvTsecr = 5000;
    expect(updateRtt(tcb, 1e6, 1e6, FLAG_ACKED, -1, -1, -1)).toBe(-1);
    tcb.opt.rcvTsecr = 0;
    expect(updateRtt(tcb, 1e6, 1e6, FLAG_ACKED, -1, -1, -1)).toBe(-1);
  });

  it('keeps the minimum over its window; a suspected delayed ACK does not raise it', () => {
    const { tcb, config } = block();
    config.tcpMinRttWlen = 10;
    expect(minRtt(tcb)).toBe(0xffff_ffff);
    sample(tcb, 1e6, 50_000);
    sample(tcb, 2e6, 80_000);
    expect(minRtt(tcb)).toBe(50_000);
    updateRtt(tcb, 100e6, 100e6, FLAG_ACKED | FLAG_ACK_MAYBE_DELAYED, 90_000, -1, 90_000);
    expect(minRtt(tcb)).toBe(50_000);
    sample(tcb, 100e6, 90_000);
    expect(minRtt(tcb)).toBe(90_000);
  });

  it('counts a zero RTT as a tick in the minimum', () => {
    const { tcb } = block();
    sample(tcb, 1e6, 0);
    expect(minRtt(tcb)).toBe(1000);
    expect(tcb.rtt.srtt8).toBe(1);
  });

  it('takes the handshake, three seconds without a sample (RFC 6298 5.7), and a longer cached RTT', () => {
    const { tcb } = block();
    synRttMeasure(tcb, 1e6, 20_000);
    rtoAfterHandshake(tcb, 0);
    expect(tcb.rtt.rto).toBe(220_000);
    rtoAfterHandshake(tcb, 400_000);
    expect(tcb.rtt.rto).toBe(1_200_000);
    expect(tcb.rtt.srtt8).toBe(160_000);

    const lost = block().tcb;
    synRttMeasure(lost, 1e6, -1);
    rtoAfterHandshake(lost, 0);
    expect(lost.rtt.rto).toBe(3_000_000);
  });
});
