// What connections leave for later ones to the same destination (Linux's tcp_metrics, RFC 9040).
import { describe, expect, it } from 'vitest';
import { tcpShutdown } from './close.js';
import { rememberDestination } from './destination.js';
import { CA_RECOVERY, type Tcb } from './tcb.js';
import { established, hosts, pattern, transfer } from './testing/ends.js';
import { SenderKit } from './testing/sender-kit.js';
import type { TwoHosts } from './testing/two-hosts.js';

function closeBoth(net: TwoHosts, a: Tcb, b: Tcb): void {
  tcpShutdown(a, net.now, 1);
  net.run(1e6);
  tcpShutdown(b, net.now, 1);
  net.run(1e6);
}

function left(
  change: (tcb: Tcb) => void,
  before: Partial<{ ssthresh: number; cwnd: number; rtt8: number }> = {},
) {
  const kit = new SenderKit();
  kit.config.tcpNoSsthreshMetricsSave = 0;
  const entry = kit.tcb.host.destinations.obtain(kit.tcb);
  Object.assign(entry, before);
  change(kit.tcb);
  rememberDestination(kit.tcb);
  return entry;
}

describe('a destination', () => {
  it('is remembered by both ends of a connection that ends in order, and fits the RTO of the next', () => {
    const net = hosts();
    net.weather.delay = 400_000;
    const first = established(net);
    transfer(net, first.a, first.b, pattern(20_000));
    closeBoth(net, first.a, first.b);
    const known = net.a.destinations.get(first.a)!;
    expect(known.rtt8 / 8).toBeGreaterThan(700_000);
    expect(net.b.destinations.get(first.b)!.rtt8).toBeGreaterThan(0);
    // The path is short now: RFC 6298 alone would take 200 ms.
    net.weather.delay = 1000;
    const second = established(net);
    expect(second.a.rtt.rto).toBeGreaterThan(3 * 700_000);
  });

  it('is not, with tcp_no_metrics_save', () => {
    const net = hosts();
    net.a.config.tcpNoMetricsSave = 1;
    const { a, b } = established(net);
    transfer(net, a, b, pattern(2000));
    closeBoth(net, a, b);
    expect([net.a.destinations.size, net.b.destinations.size]).toEqual([0, 1]);
  });

  it('takes a longer RTT at once, a shorter one by an eighth, and none from a connection that backed off', () => {
    const longer = left(() => {}, { rtt8: 80_000 });
    expect(longer.rtt8).toBe(800_000);
    expect(left(() => {}, { rtt8: 1_600_000 }).rtt8).toBe(1_500_000);
    const doubtful = left(
      (tcb) => {
        tcb.rtt.backoff = 1;
      },
      { rtt8: 80_000, cwnd: 5 },
    );
    expect(doubtful).toMatchObject({ rtt8: 0, cwnd: 5 });
  });

  it('learns windows by the phase in which the connection ended', () => {
    const slowStart = left(
      (tcb) => {
        tcb.cc.cwnd = 100;
      },
      { ssthresh: 30, cwnd: 20 },
    );
    expect(slowStart).toMatchObject({ ssthresh: 50, cwnd: 100 });
    const avoidance = left(
      (tcb) => {
        tcb.cc.cwnd = 100;
        tcb.cc.ssthresh = 40;
      },
      { cwnd: 20 },
    );
    expect(avoidance).toMatchObject({ ssthresh: 50, cwnd: 60 });
    const recovery = left(
      (tcb) => {
        tcb.cc.cwnd = 100;
        tcb.cc.ssthresh = 40;
        tcb.cc.caState = CA_RECOVERY;
        tcb.loss.reordering = 9;
      },
      { ssthresh: 30, cwnd: 20 },
    );
    expect(recovery).toMatchObject({ ssthresh: 40, cwnd: 30, reordering: 9 });
  });
});
