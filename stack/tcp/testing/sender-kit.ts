// For tests of the sender: a connection in ESTABLISHED with a recording sink, segments put straight into flight, and
// ACKs made by hand. Uses the real queue, timers and recovery; replaces only the world around them.
import { StackConfig } from '../../config/config.js';
import { TcpCounters } from '../../host/counters.js';
import { TcpMetrics } from '../../host/tcp-metrics.js';
import { seqAdd } from '../../wire/seq.js';
import { TCP_ACK } from '../../wire/tcp.js';
import { processAck } from '../ack.js';
import { initCongestion, updatePacingRate } from '../cwnd.js';
import { takeDestination } from '../destination.js';
import { Payload, PayloadHeap } from '../payload.js';
import { noteSent } from '../rate.js';
import { FLAG_SLOWPATH, FLAG_UPDATE_TS_RECENT } from '../recovery/flags.js';
import { tcpPacketsInFlight } from '../recovery/in-flight.js';
import { SegmentIn, type SegmentOut, type TransmitOwner, XMIT_OK } from '../segment.js';
import { tcpSend } from '../send.js';
import { SendSegment } from '../send-segment.js';
import { TCP_ESTABLISHED } from '../states.js';
import { type RouteMetrics, Tcb, type TcbHost } from '../tcb.js';
import { pushPendingFrames } from '../write.js';

/** What went out, as the tests look at it. */
export interface Sent {
  seq: number;
  length: number;
  flags: number;
  at: number;
}

export const MSS = 1000;
export const ISS = 1;

/** One sender under test. Times are µs from 1 s on; sequence numbers count from `una` of the beginning. */
export class SenderKit {
  readonly config = new StackConfig();
  readonly counters = new TcpCounters();
  readonly heap = new PayloadHeap();
  readonly sent: Sent[] = [];
  readonly tcb: Tcb;
  readonly base: number;
  /** Gives sent packets back at once (false: they wait in the host's queue). */
  release = true;
  now = 1_000_000;
  readonly route: RouteMetrics;

  constructor(algorithm = 'cubic', base = 1, setup: (kit: SenderKit) => void = () => {}) {
    this.base = base >>> 0;
    this.config.tcpCongestionControl = algorithm;
    this.route = {
      mtu: 1500,
      mtuLocked: false,
      advmss: 0,
      initcwnd: 0,
      initrwnd: 0,
      gsoMaxSize: 0,
      gsoMaxSegments: 0,
      rtoMin: 0,
      quickack: false,
      fastOpenNoCookie: false,
      ecn: false,
    } as RouteMetrics;
    const kit = this;
    let random = 12345;
    const host = {
      config: this.config,
      counters: this.counters,
      heap: this.heap,
      destinations: new TcpMetrics(),
      memory: { allocated: 0, orphans: 0, timeWaits: 0, pressure: false, challenges: { allow: () => true } },
      routeGeneration: 1,
      secret: new Uint8Array(32),
      sink: {
        transmit(
          _flow: unknown,
          out: SegmentOut,
          _payload: unknown,
          _from: number,
          length: number,
          owner: TransmitOwner | null,
          charge: number,
        ): number {
          kit.sent.push({ seq: kit.relative(out.seq), length, flags: out.flags, at: kit.now });
          if (kit.release) owner?.onTransmitDone(charge, kit.now);
          return XMIT_OK;
        },
      },
      random32: (): number => {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
        return random;
      },
      timestampClock: (now: number): number => Math.floor(now / 1000) >>> 0,
      timestampOffset: (): number => 0,
      route: (): RouteMetrics => this.route,
      timerChanged(): void {},
      notify(): void {},
    };
    this.tcb = new Tcb(host as unknown as TcbHost);
    const { tcb } = this;
    tcb.state = TCP_ESTABLISHED;
    tcb.opt.sack = true;
    Object.assign(tcb, { route: this.route });
    tcb.snd.una = this.base;
    tcb.snd.nxt = this.base;
    tcb.snd.up = this.base;
    tcb.snd.sml = this.base;
    tcb.snd.writeSeq = this.base;
    tcb.snd.iss = seqAdd(this.base, -1);
    tcb.snd.wnd = 1_000_000;
    tcb.snd.maxWindow = 1_000_000;
    tcb.snd.buffer = 4_000_000;
    tcb.snd.bufferLocked = true;
    tcb.snd.mss = MSS;
    tcb.snd.mssClamp = MSS;
    tcb.snd.pathMtu = 1500;
    tcb.snd.mtuCookie = 1500;
    setup(this);
    // A handshake that took 100 ms, unless `setup` says otherwise.
    if (tcb.rtt.srtt8 === 0) {
      tcb.rtt.srtt8 = 800_000;
      tcb.rtt.mdev4 = 200_000;
      tcb.rtt.rttvar = 200_000;
      tcb.rtt.mdevMax = 200_000;
      tcb.rtt.rto = 300_000;
      tcb.rtt.rttSeq = this.base;
      tcb.rtt.minValue.fill(100_000);
      tcb.rtt.minTime.fill(1000);
    }
    tcb.loss.delivered = 1;
    takeDestination(tcb);
    initCongestion(tcb, this.now);
    if (tcb.cc.algorithm?.control === undefined) updatePacingRate(tcb);
  }

  relative(seq: number): number {
    return (seq - this.base) >>> 0;
  }

  /** Puts `count` wire segments in flight now, as super-packets of `per` each. */
  send(count: number, per = 1): void {
    const { snd } = this.tcb;
    this.tcb.loss.burst++;
    for (let left = count; left > 0; ) {
      const segments = Math.min(per, left);
      left -= segments;
      const segment = new SendSegment();
      segment.payload = new Payload(this.heap);
      segment.payload.append(new Uint8Array(segments * MSS), 0, segments * MSS);
      segment.seq = snd.nxt;
      segment.endSeq = seqAdd(snd.nxt, segments * MSS);
      segment.flags = TCP_ACK;
      segment.segments = segments;
      segment.gsoSize = segments > 1 ? MSS : 0;
      segment.truesize = segments * MSS + 576;
      segment.sentAt = this.now;
      (segment as unknown as { owner: Tcb }).owner = this.tcb;
      snd.memoryQueued += segment.truesize;
      noteSent(this.tcb, this.now, segment);
      snd.retransmitQueue.append(segment);
      snd.timeList.append(segment);
      snd.nxt = segment.endSeq;
      snd.writeSeq = segment.endSeq;
      snd.packetsOut += segments;
      this.tcb.cc.isCwndLimited = true;
      this.tcb.cc.maxPacketsOut = snd.packetsOut;
    }
  }

  /** Sends as much as cwnd has room for, in all at most `limit` wire segments behind SND.NXT of the beginning. */
  fill(limit = Number.POSITIVE_INFINITY): void {
    const room = this.tcb.cc.cwnd - tcpPacketsInFlight(this.tcb);
    const left = limit - this.relative(this.tcb.snd.nxt) / MSS;
    if (Math.min(room, left) > 0) this.send(Math.min(room, left));
  }

  /** The application writes `count` segments' worth (or `bytes`), which leave as windows allow. */
  write(count: number, bytes = count * MSS): void {
    const taken = tcpSend(this.tcb, this.now, new Uint8Array(bytes), 0, bytes, 0);
    if (taken !== bytes) throw new Error(`tcpSend took ${taken} of ${bytes}`);
  }

  /** An ACK as `ack`, after which new data goes out as the input path lets it. Returns what left, as runs: [first, count]. */
  step(acked: number, ...sack: [number, number][]): [number, number][] {
    this.sent.length = 0;
    this.ack(acked, ...sack);
    pushPendingFrames(this.tcb, this.now);
    const runs: [number, number][] = [];
    for (const { seq, length } of this.sent) {
      const last = runs.at(-1);
      if (last !== undefined && (last[0] + last[1]) * MSS === seq) last[1] += length / MSS;
      else runs.push([seq / MSS, length / MSS]);
    }
    return runs;
  }

  /** Lets `us` pass. */
  wait(us: number): this {
    this.now += us;
    return this;
  }

  /** An ACK of the first `acked` segments' bytes (in units of MSS), with SACK blocks in units of MSS. */
  ack(acked: number, ...sack: [number, number][]): number {
    return this.ackBytes(
      acked * MSS,
      sack.map(([l, r]) => [l * MSS, r * MSS] as [number, number]),
    );
  }

  /** The same in bytes; `change` may alter the segment before it is processed. */
  ackBytes(
    acked: number,
    sack: [number, number][] = [],
    change: (seg: SegmentIn) => void = () => {},
  ): number {
    const seg = new SegmentIn();
    seg.arrival = this.now;
    seg.seq = this.tcb.rcv.nxt;
    seg.endSeq = this.tcb.rcv.nxt;
    seg.ack = seqAdd(this.base, acked);
    seg.flags = TCP_ACK;
    seg.window = this.tcb.snd.wnd / 2 ** this.tcb.snd.wscale;
    seg.options.sackCount = sack.length;
    sack.forEach(([left, right], i) => {
      seg.options.sack[2 * i] = seqAdd(this.base, left);
      seg.options.sack[2 * i + 1] = seqAdd(this.base, right);
    });
    change(seg);
    this.tcb.opt.sawTimestamp = seg.options.hasTimestamps;
    this.tcb.opt.rcvTsval = seg.options.tsVal;
    this.tcb.opt.rcvTsecr = seg.options.tsEcr;
    const result = processAck(this.tcb, this.now, seg, FLAG_SLOWPATH | FLAG_UPDATE_TS_RECENT);
    return result;
  }

  /** Sequence numbers (in MSS) sent since the last call. */
  takeSent(): number[] {
    const taken = this.sent.map((s) => s.seq / MSS);
    this.sent.length = 0;
    return taken;
  }

  count(name: string): number {
    return this.counters.get(`TcpExt${name}`) ?? Number.NaN;
  }
}
