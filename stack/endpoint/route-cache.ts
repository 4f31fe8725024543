// What a route tells a connection, as the core wants it: one object per destination, kept while nothing changes.
import type { NetworkLayer } from '../host/network.js';
import type { FlowAddress, RouteMetrics } from '../tcp/index.js';
import { equalAddress } from '../wire/address.js';

interface Cached {
  remote: Uint8Array;
  zone: number;
  metrics: RouteMetrics | null;
  /** When a learned path MTU runs out. */
  expires: number;
}

const LIMIT = 1024;

export class RouteCache {
  private readonly network: NetworkLayer;
  private readonly entries: Cached[] = [];
  private generation = -1;

  constructor(network: NetworkLayer) {
    this.network = network;
  }

  /** Metrics of the way to the flow's remote side, null when there is none. Nobody writes the object. */
  metrics(flow: FlowAddress, now: number): RouteMetrics | null {
    const { generation } = this.network;
    if (generation !== this.generation || this.entries.length > LIMIT) {
      this.entries.length = 0;
      this.generation = generation;
    }
    for (const entry of this.entries) {
      if (entry.zone !== flow.zone || !equalAddress(entry.remote, 0, flow.remoteAddress, 0)) continue;
      if (now < entry.expires) return entry.metrics;
    }
    const remote = flow.remoteAddress.slice();
    const metrics = this.lookup(remote, flow.zone, now);
    const expires = this.network.pathMtu.expires(now, remote, 0, flow.zone);
    this.entries.unshift({ remote, zone: flow.zone, metrics, expires });
    return metrics;
  }

  /** ICMP told a path MTU: learned unless the route is locked. */
  learnMtu(flow: FlowAddress, mtu: number, now: number): void {
    const path = this.network.path(flow.remoteAddress, flow.zone);
    if (path === null || path.route === null || path.route.mtuLocked) return;
    const own = path.route.mtu !== 0 ? path.route.mtu : path.device.mtu;
    this.network.pathMtu.learn(now, flow.remoteAddress, 0, flow.zone, mtu, own);
  }

  private lookup(remote: Uint8Array, zone: number, now: number): RouteMetrics | null {
    const { network } = this;
    const path = network.path(remote, zone);
    if (path === null) return null;
    const { route, device } = path;
    return {
      mtu: network.mtu(path, remote, zone, now),
      mtuLocked: network.mtuLocked(path, remote, zone, now),
      advmss: route?.advmss ?? 0,
      initcwnd: route?.initcwnd ?? 0,
      initrwnd: route?.initrwnd ?? 0,
      gsoMaxSize: device.gsoMaxSize,
      gsoMaxSegments: network.gsoMaxSegments(),
      rtoMin: route?.rtoMin ?? 0,
      quickack: route?.quickack ?? false,
      fastOpenNoCookie: route?.fastOpenNoCookie ?? false,
      ecn: route?.ecn ?? false,
      fairQueue: device.fairQueue,
    };
  }
}
