// What is remembered of destinations between connections (Linux's tcp_metrics): round-trip time, slow-start threshold, window
// and degree of reordering, by both addresses. Bounded; emptied by `ip tcp_metrics flush all`. Knows no connections.

/** All 0 when not known. Scaled times are µs, windows segments. */
export class DestinationMetrics {
  /** Smoothed RTT times eight, and its deviation times four. */
  rtt8 = 0;
  rttvar4 = 0;
  ssthresh = 0;
  cwnd = 0;
  reordering = 0;
}

export interface MetricsKey {
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
}

const LIMIT = 8192;

export class TcpMetrics {
  private readonly entries = new Map<string, DestinationMetrics>();

  get size(): number {
    return this.entries.size;
  }

  get(flow: MetricsKey): DestinationMetrics | undefined {
    return this.entries.size === 0 ? undefined : this.entries.get(keyOf(flow));
  }

  /** The entry of the flow's destination, made when there is none: nobody's answer may change it but a connection's end. */
  obtain(flow: MetricsKey): DestinationMetrics {
    const key = keyOf(flow);
    const known = this.entries.get(key);
    if (known !== undefined) return known;
    // The oldest goes: a Map keeps the order of insertion.
    if (this.entries.size >= LIMIT) this.entries.delete(this.entries.keys().next().value!);
    const made = new DestinationMetrics();
    this.entries.set(key, made);
    return made;
  }

  flush(): void {
    this.entries.clear();
  }
}

function keyOf({ localAddress, remoteAddress }: MetricsKey): string {
  return String.fromCharCode(...localAddress, ...remoteAddress);
}
