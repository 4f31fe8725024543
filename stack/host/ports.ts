// Local ports of one transport protocol: who holds which port on which address, whether a newcomer conflicts (as Linux's
// inet_csk_bind_conflict), and the choice of ephemeral ports (RFC 6056 section 3.3.3, in Linux's form: connect takes
// ports of the first one's parity, bind(0) the others, and each falls back to the rest).
// Knows no sockets: who holds a port is a `Binding`.
import { equalAddress, isIpv4, isUnspecified } from '../wire/address.js';

/** A hold on a local port. Connections made by accept hold their listener's port, each with its own binding. */
export class Binding {
  readonly address = new Uint8Array(16);
  port = 0;
  /** The socket's family is AF_INET6 and not IPV6_V6ONLY: its wildcard covers IPv4 as well. */
  inet6 = false;
  v6only = false;
  reuseAddress = false;
  reusePort = false;
  /** A listener: SO_REUSEADDR does not help against it. */
  listening = false;
  /** Chosen by connect: other connects may share the port towards other peers. */
  automatic = false;
  inTable = false;

  /** Whether it stands for all local addresses (of its families). */
  get wild(): boolean {
    return isUnspecified(this.address);
  }
}

/** Whether two bindings on one port could receive the same packet. */
export function overlaps(a: Binding, b: Binding): boolean {
  if (!a.wild && !b.wild) return equalAddress(a.address, 0, b.address, 0);
  return (coversV4(a) && coversV4(b)) || (coversV6(a) && coversV6(b));
}

function coversV4(binding: Binding): boolean {
  if (!binding.inet6 || isIpv4(binding.address)) return true;
  return binding.wild && !binding.v6only;
}

function coversV6(binding: Binding): boolean {
  return binding.inet6 && !isIpv4(binding.address);
}

export interface PortOptions {
  /** First and last ephemeral port, read at each search. */
  range(): readonly [number, number];
  /** Uniform 32-bit numbers from the secure source. */
  random32(): number;
  /** Datagram protocols: listening means nothing, SO_REUSEADDR is enough on both sides. */
  datagram: boolean;
}

export class PortTable {
  private readonly ports = new Map<number, Set<Binding>>();
  private readonly options: PortOptions;
  /** Linux perturbs each search a little, so that the next port is not predictable from the last one. */
  private perturbation = 0;

  constructor(options: PortOptions) {
    this.options = options;
  }

  /** Bindings in the table, for leak tests. */
  get size(): number {
    let count = 0;
    for (const holders of this.ports.values()) count += holders.size;
    return count;
  }

  /** Who holds the port, oldest first. */
  holders(port: number): ReadonlySet<Binding> {
    return this.ports.get(port) ?? NOBODY;
  }

  /** Whether `binding` may take `port` beside its holders. */
  available(binding: Binding, port: number): boolean {
    for (const other of this.holders(port)) {
      if (other !== binding && this.conflicts(binding, other)) return false;
    }
    return true;
  }

  private conflicts(mine: Binding, other: Binding): boolean {
    if (!overlaps(mine, other)) return false;
    if (mine.reusePort && other.reusePort) return false;
    if (mine.reuseAddress && other.reuseAddress) {
      if (this.options.datagram || !other.listening) return false;
    }
    return true;
  }

  /** Takes an explicit port: false (EADDRINUSE) on conflict. */
  bind(binding: Binding, port: number): boolean {
    if (!this.available(binding, port)) return false;
    this.add(binding, port);
    return true;
  }

  /** Adds without asking: children of a listener, TIME-WAIT records. */
  add(binding: Binding, port: number): void {
    binding.port = port;
    binding.inTable = true;
    const holders = this.ports.get(port);
    if (holders === undefined) this.ports.set(port, new Set([binding]));
    else holders.add(binding);
  }

  remove(binding: Binding): void {
    if (!binding.inTable) return;
    binding.inTable = false;
    const holders = this.ports.get(binding.port)!;
    holders.delete(binding);
    if (holders.size === 0) this.ports.delete(binding.port);
  }

  /** A listener that starts to listen: false (EADDRINUSE) when another holds the port in a way that forbids it. */
  listen(binding: Binding): boolean {
    for (const other of this.holders(binding.port)) {
      if (other === binding || !overlaps(binding, other)) continue;
      if (binding.reusePort && other.reusePort) continue;
      if (other.listening || !(binding.reuseAddress && other.reuseAddress)) return false;
    }
    binding.listening = true;
    return true;
  }

  /** bind(0): an ephemeral port, 0 (EADDRINUSE) when there is none. */
  bindEphemeral(binding: Binding): number {
    const [low, high] = this.options.range();
    const count = high - low + 1;
    let offset = this.options.random32() % count;
    // The parity that connect does not prefer comes first.
    offset |= 1;
    return (
      this.search(low, high, offset, (port) => this.holders(port).size === 0 && this.bind(binding, port)) ||
      this.search(low, high, offset, (port) => this.bind(binding, port))
    );
  }

  /**
   * connect() without bind: a port whose four-tuple is free, 0 (EADDRNOTAVAIL) when there is none. `offset` is derived
   * from the peer under a secret; `unused(port)` tells whether the four-tuple is free.
   */
  connectEphemeral(binding: Binding, offset: number, unused: (port: number) => boolean): number {
    const [low, high] = this.options.range();
    const count = high - low + 1;
    const start = ((offset + this.perturbation) % count) & ~1;
    const port = this.search(low, high, start, (candidate) => {
      for (const other of this.holders(candidate)) {
        // A port that somebody bound himself is not shared (Linux's fastreuse), unless it is elsewhere.
        if (!other.automatic) return false;
      }
      return unused(candidate);
    });
    if (port === 0) return 0;
    binding.automatic = true;
    this.add(binding, port);
    this.perturbation += 2 * (1 + (this.options.random32() & 7));
    return port;
  }

  /** Tries every port of the range: those of the parity of `offset` first, then the others. */
  private search(low: number, high: number, offset: number, take: (port: number) => boolean): number {
    const count = high - low + 1;
    for (let pass = 0; pass < 2; pass++) {
      const parity = (offset + pass) & 1;
      const members = (count - parity + 1) >> 1;
      for (let step = 0; step < members; step++) {
        const port = low + parity + 2 * (((offset >>> 1) + step) % members);
        if (take(port)) return port;
      }
    }
    return 0;
  }
}

const NOBODY: ReadonlySet<Binding> = new Set();
