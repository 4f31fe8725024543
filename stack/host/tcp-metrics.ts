// What is remembered of destinations between connections (Linux's tcp_metrics): slow-start threshold and round-trip time.
// Bounded; emptied by `ip tcp_metrics flush all`. Knows no connections.

export interface DestinationMetrics {
  /** Segments; 0: none. */
  ssthresh: number;
  /** µs; 0: none. */
  rtt: number;
}

const LIMIT = 8192;

export class TcpMetrics {
  private readonly entries = new Map<string, DestinationMetrics>();
  /** Changes with the contents. */
  generation = 0;

  get size(): number {
    return this.entries.size;
  }

  get(address: Uint8Array): DestinationMetrics | undefined {
    return this.entries.size === 0 ? undefined : this.entries.get(keyOf(address));
  }

  set(address: Uint8Array, metrics: DestinationMetrics): void {
    const key = keyOf(address);
    this.entries.delete(key);
    // The oldest goes: a Map keeps the order of insertion.
    if (this.entries.size >= LIMIT) this.entries.delete(this.entries.keys().next().value!);
    this.entries.set(key, metrics);
    this.generation++;
  }

  flush(): void {
    this.entries.clear();
    this.generation++;
  }
}

function keyOf(address: Uint8Array): string {
  return String.fromCharCode(...address);
}
