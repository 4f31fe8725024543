// The two ends of a flow from our point of view. What has a four-tuple of its own extends `FlowEnds`; what only asks for
// one takes `FlowAddress`.

/** The four-tuple and zone that a segment is sent on: anything with these fields will do. 16-byte addresses. */
export interface FlowAddress {
  readonly localAddress: Uint8Array;
  readonly remoteAddress: Uint8Array;
  readonly localPort: number;
  readonly remotePort: number;
  /** Interface for link-local addresses, otherwise 0. */
  readonly zone: number;
  /** True when the wire form is IPv6, false for IPv4 (then the addresses are v4-mapped). */
  readonly ipv6: boolean;
}

/** A four-tuple of one's own: addresses are copied in, never views into a packet. */
export class FlowEnds implements FlowAddress {
  readonly localAddress = new Uint8Array(16);
  readonly remoteAddress = new Uint8Array(16);
  localPort = 0;
  remotePort = 0;
  zone = 0;
  ipv6 = false;

  setEnds(from: FlowAddress): void {
    this.localAddress.set(from.localAddress);
    this.remoteAddress.set(from.remoteAddress);
    this.localPort = from.localPort;
    this.remotePort = from.remotePort;
    this.zone = from.zone;
    this.ipv6 = from.ipv6;
  }
}
