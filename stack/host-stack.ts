// One host: IP, TCP, UDP and sockets over the channels it reads. It puts the parts together and runs them in the order that
// time demands: what the caller did, then packets, then timers, until nothing is left to do at this time. Where its driver
// runs, in this thread or another, is its ground's affair.
import { StackConfig } from './config/config.js';
import { getSysctl, setCongestionControlNames, setSysctl } from './config/sysctls.js';
import { StackDevice } from './device.js';
import { Addressing } from './endpoint/addressing.js';
import { EthernetLayer } from './endpoint/ethernet-layer.js';
import type { OpenChannel } from './endpoint/flow-channels.js';
import { PacketInput } from './endpoint/packet-input.js';
import { PacketOutput } from './endpoint/packet-output.js';
import { TcpEndpoint } from './endpoint/tcp-endpoint.js';
import { signSegment } from './endpoint/tcp-md5.js';
import { TcpSink } from './endpoint/tcp-sink.js';
import type { Ground, Receive } from './ground.js';
import { addRoute, removeRoute } from './host/administration.js';
import { FlowSecrets } from './host/flow-secrets.js';
import { StackCounters } from './host/ip-counters.js';
import { NetworkLayer } from './host/network.js';
import { Random } from './host/random.js';
import type { HostSecrets } from './host/secrets.js';
import { TcpMetrics } from './host/tcp-metrics.js';
import { TimerHeap } from './host/timer-heap.js';
import { IcmpLimiter } from './ip/icmp-limit.js';
import { IpInput } from './ip/input.js';
import { Reassembler } from './ip/reassembly.js';
import { SelfConfiguration } from './self-configuration.js';
import type { SocketEnvironment } from './socket/environment.js';
import { Kernel } from './socket/kernel.js';
import type { BlockedCall } from './socket/pending.js';
import { StackError } from './stack-error.js';
import type { AddressOption, AddressStatus, HostOptions, RouteOption } from './stack-options.js';
import type { Device, Stack, StackStatistics, StackUsage } from './stack-types.js';
import { congestionControlNames } from './tcp/congestion/registry.js';
import type { FlowAddress } from './tcp/flow-ends.js';
import { challengePeer } from './tcp/reset.js';
import { UdpEndpoint } from './udp/udp-endpoint.js';

/** Steps at one instant after which something must be going round in circles. */
const MAX_ROUNDS = 1_000_000;

export class HostStack implements Stack {
  readonly config = new StackConfig();
  readonly counters = new StackCounters();
  readonly posix: Kernel;
  readonly devices: readonly Device[];
  readonly network: NetworkLayer;
  readonly metrics = new TcpMetrics();
  readonly tcp: TcpEndpoint;
  readonly udp: UdpEndpoint;
  protected readonly ground: Ground;
  private readonly timers = new TimerHeap();
  private readonly output: PacketOutput;
  private readonly input: PacketInput;
  private readonly fragments = new Reassembler();
  private readonly ethernet: EthernetLayer | null;
  private readonly addressing: Addressing;
  private readonly selfConfiguration: SelfConfiguration;
  private readonly blocked = new Set<BlockedCall>();
  private readonly clock: (() => number) | undefined;
  private time = 0;
  private settling = false;
  private closed = false;
  private grace = false;

  constructor(options: HostOptions, secrets: HostSecrets, ground: Ground) {
    this.ground = ground;
    const { port, channels, readers, links } = ground;
    const { secretRandom32 } = secrets;
    // Asked here, not where the modules load: an algorithm of one's own may have been registered since.
    setCongestionControlNames(congestionControlNames());
    Object.assign(this.config, options.config);
    for (const [name, text] of Object.entries(options.sysctls ?? {})) setSysctl(this.config, name, text);
    this.clock = options.clock;
    const random = new Random(options.seed ?? 1);
    this.network = new NetworkLayer(this.config, links, options.gso ?? true, secretRandom32);
    this.network.addresses.onChange = ground.addressChanged?.bind(ground) ?? null;
    for (const device of this.network.devices) device.gro = options.gro ?? false;
    this.output = new PacketOutput(port, ground.driver, this.counters.ip);
    this.output.batched = options.batchTransmit ?? false;
    const now = () => this.now();
    const secret = new Uint8Array(32);
    secrets.fill(secret);
    const flowSecrets = new FlowSecrets(secrets.fill, options.fixedInitialSequence);
    const sink = new TcpSink(this.config, this.output, this.network, this.counters, flowSecrets, now);
    sink.signer = (flow, b, tcp, length, at) =>
      signSegment(this.tcp.md5KeysFor(flow), flow, b, tcp, length, at);
    this.tcp = new TcpEndpoint({
      config: this.config,
      counters: this.counters.tcp,
      sink,
      network: this.network,
      timers: this.timers,
      channels,
      secrets: flowSecrets,
      metrics: this.metrics,
      random32: () => random.next32(),
      secretRandom32,
      secret,
      timestampEpoch: options.timestampEpoch ?? 1,
      now,
      channelOpened: (channel, handle) => readers.add(channel, handle),
      channelClosed: (channel) => this.closeChannel(channel),
      transmitted: (at) => void this.output.complete(at),
    });
    this.udp = new UdpEndpoint({
      config: this.config,
      network: this.network,
      output: this.output,
      channels,
      counters: this.counters,
      secrets: flowSecrets,
      secretRandom32,
      now,
      onChannel: (channel, open) => (open ? readers.add(channel, null) : this.closeChannel(channel)),
    });
    const limiter = new IcmpLimiter(this.config, secretRandom32(), this.counters.ip);
    this.input = new PacketInput({
      output: this.output,
      network: this.network,
      ip: new IpInput(this.config, this.network.addresses, limiter, this.network.ids),
      fragments: this.fragments,
      tcp: this.tcp,
      udp: this.udp,
      counters: this.counters,
    });
    this.addressing = new Addressing(this.network, this.config, () => random.next32());
    this.addressing.onEvent = options.onAddress ?? null;
    this.ethernet = links.some((link) => link.framing === 'ethernet')
      ? new EthernetLayer(this.network, this.output, this.addressing, () => random.next32())
      : null;
    this.output.linkLayer = this.ethernet;
    this.input.linkLayer = this.ethernet;
    const shared = channels.openDefault();
    readers.add(shared, null);
    this.output.defaultChannel = shared.number;
    this.devices = [this.network.loopback, ...this.network.devices].map(
      (state) => new StackDevice(state, this.network, ground.driver, this.config),
    );
    this.posix = new Kernel(this.environment(options), options.maxDescriptors ?? 1_048_576);
    for (const address of options.addresses ?? []) this.addAddress(address);
    for (const route of options.routes ?? []) this.addRoute(route);
    const { network, output, udp, addressing } = this;
    this.selfConfiguration = new SelfConfiguration(
      { network, output, udp, addressing, now },
      options,
      secrets,
    );
  }

  now(): number {
    return this.clock === undefined ? this.time : this.clock();
  }

  run(now: number = this.now(), rounds = Number.POSITIVE_INFINITY): number {
    if (this.closed) throw new StackError('STACK_CLOSED', 'the stack is closed');
    if (!(now >= this.time && now < Number.POSITIVE_INFINITY))
      throw new StackError('STACK_TIME', `time goes back from ${this.time} to ${now} µs`);
    this.time = now;
    const { ground } = this;
    const { readers } = ground;
    let total = 0;
    for (let round = 0; ; round++) {
      if (round > MAX_ROUNDS) {
        throw new StackError('STACK_LIVELOCK', `${round} rounds at ${now} µs and no end`);
      }
      this.settle();
      let work = ground.receive(now);
      work += readers.drain(this.receive, this.settleStep);
      work += this.output.flush(now);
      if (this.output.complete(now)) work++;
      if (work === 0 && !readers.pending) {
        this.settle();
        if (this.timers.fireOne(now) || this.slowTimers(now)) work++;
      }
      if (work === 0 && !readers.pending) break;
      total += work;
      if (round + 1 < rounds) continue;
      // A link that never runs dry must not hold up the timers, nor time itself.
      while (this.timers.fireOne(now) || this.slowTimers(now)) total++;
      this.output.flush(now);
      this.settle();
      break;
    }
    if (this.grace) this.reclaim();
    ground.settled();
    return total;
  }

  flush(now: number = this.now()): boolean {
    if (this.closed || !this.output.pending) return false;
    this.time = Math.max(this.time, now);
    this.output.flush(this.time);
    return true;
  }

  nextTimeout(): number {
    if (this.closed) return Number.POSITIVE_INFINITY;
    this.settle();
    if (this.ground.readers.pending || this.output.pending) return this.time;
    return Math.min(
      this.timers.next(),
      this.ground.nextTimeout(this.time),
      this.fragments.nextTimeout(),
      this.ethernet?.nextTimeout() ?? Number.POSITIVE_INFINITY,
      this.selfConfiguration.nextTimeout(),
    );
  }

  getSysctl(name: string): string {
    return getSysctl(this.config, name);
  }

  setSysctl(name: string, text: string): void {
    setSysctl(this.config, name, text);
  }

  device(name: string): Device | undefined {
    return this.devices.find((device) => device.name === name);
  }

  addAddress(option: AddressOption): void {
    const link = option.link ?? 0;
    if (this.network.devices[link] === undefined)
      throw new StackError('STACK_BAD', `there is no link ${link}`);
    this.addressing.add(this.now(), option);
  }

  removeAddress(address: string | Uint8Array): void {
    this.addressing.remove(address);
  }

  addresses(): AddressStatus[] {
    return this.addressing.list();
  }

  addRoute(option: RouteOption, replace = false): void {
    addRoute(this.network, option, replace);
  }

  removeRoute(destination: string): void {
    removeRoute(this.network, destination);
  }

  flushTcpMetrics(): void {
    this.metrics.flush();
    this.tcp.fastOpen.flush();
  }

  /**
   * A connection of a host that died at an address that is now this one's: its peer is asked for its state, and its answer
   * finds no connection here and is reset (RFC 5961 section 4.2: a SYN is answered by a challenge ACK in any state).
   */
  disown(flow: FlowAddress): void {
    challengePeer(this.tcp, this.tcp.random32(), flow);
    this.ground.settled();
  }

  close(): void {
    if (this.closed) return;
    this.selfConfiguration.close();
    this.posix.closeAll();
    this.settle();
    this.tcp.closeAll();
    this.settle();
    this.output.flush(this.now());
    this.ground.readers.drain(
      (index, _owner, reader) => reader.release(index),
      () => {},
    );
    this.reclaim();
    this.ethernet?.close(this.now());
    this.ground.close();
    this.output.complete(this.now());
    this.closed = true;
  }

  usage(): StackUsage {
    return {
      descriptors: this.posix.descriptors.length,
      ...this.tcp.usage(),
      ports: this.tcp.ports.size + this.udp.ports.size,
      flows: this.ground.flows,
      // The default channel stays with the stack.
      channels: this.ground.channels.size - 1,
      timers: this.timers.armed,
      buffers: this.output.inUse,
      // The page that is being filled stays with the heap.
      payloadPages: Math.max(0, this.tcp.heap.pagesInUse - 1),
      pendingCalls: this.blocked.size,
    };
  }

  private readonly receive: Receive = (index, owner, reader) => {
    // What a channel still held when its grace period had passed may come after the end.
    if (!this.closed) {
      this.input.receive(index, owner, reader, this.time);
      return;
    }
    this.output.returned(index);
    reader.release(index);
  };

  private readonly settleStep = (): void => {
    this.input.endBatch(this.time);
    this.settle();
  };

  statistics(): StackStatistics {
    return this.ground.statistics();
  }

  /** Completions, events and deadlines of what has just happened. */
  private settle(): void {
    if (this.settling) return;
    this.settling = true;
    try {
      const now = this.now();
      let again = true;
      while (again) {
        again = this.output.complete(now);
        if (this.tcp.deliverEvents()) again = true;
      }
      this.tcp.settleTimers();
    } finally {
      this.settling = false;
    }
  }

  private slowTimers(now: number): boolean {
    let work = false;
    if (this.fragments.nextTimeout() <= now) {
      this.fragments.onTimer(now);
      work = true;
    }
    if (this.ethernet !== null && this.ethernet.nextTimeout() <= now) {
      this.ethernet.onTimer(now);
      work = true;
    }
    return this.selfConfiguration.onTimer(now) || work;
  }

  private closeChannel(channel: OpenChannel): void {
    this.ground.readers.remove(channel);
    this.grace = true;
    this.ground.channels.close(channel, (index, reader) => this.receive(index, null, reader));
  }

  private reclaim(): void {
    this.grace = false;
    this.ground.reclaim();
  }

  private environment(options: HostOptions): SocketEnvironment {
    const wallEpoch = options.wallEpoch ?? 0;
    let cookie = 0;
    return {
      config: this.config,
      tcp: this.tcp,
      udp: this.udp,
      network: this.network,
      privileged: options.privileged ?? true,
      files: options.files,
      timers: this.timers,
      blocked: this.blocked,
      now: () => this.now(),
      nextCookie: () => ++cookie,
      wallTime: (at) => wallEpoch + at,
      settle: () => {
        this.settle();
        this.ground.settled();
      },
    };
  }
}
