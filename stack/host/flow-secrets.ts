// What is derived from a flow's addresses and ports under a secret: initial sequence numbers (RFC 6528), timestamp
// offsets (RFC 7323 section 7.1), where port choice starts (RFC 6056 section 3.3.3), IPv6 flow labels (RFC 6437).
// Knows no connection and no socket.
import type { FlowAddress } from '../tcp/flow-ends.js';
import { sipHash, sipLow } from '../tcp/siphash.js';

/** Fills bytes with secrets. */
export type SecretSource = (bytes: Uint8Array) => void;

const TUPLE = 36;

export class FlowSecrets {
  private readonly isn: Uint8Array;
  private readonly offset: Uint8Array;
  private readonly port: Uint8Array;
  private readonly label: Uint8Array;
  private readonly bytes = new Uint8Array(TUPLE);
  private readonly fixedSequence: number | undefined;

  /** @param fixedSequence every connection's ISN, for tests of the sequence space's wrap; absent: RFC 6528 */
  constructor(secrets: SecretSource, fixedSequence?: number) {
    this.fixedSequence = fixedSequence;
    const key = () => {
      const bytes = new Uint8Array(16);
      secrets(bytes);
      return bytes;
    };
    this.isn = key();
    this.offset = key();
    this.port = key();
    this.label = key();
  }

  // RFC 9293 MUST-8, MUST-9, SHLD-1
  /** ISN = M + F(tuple, secret): M counts in 64 ns, as Linux (RFC 6528 asks for 4 µs or faster). `now` in µs. */
  initialSequence(flow: FlowAddress, now: number): number {
    if (this.fixedSequence !== undefined) return this.fixedSequence;
    this.fill(flow.localAddress, flow.remoteAddress, flow.localPort, flow.remotePort);
    const m = Math.floor((now * 1000) / 64) % 4_294_967_296;
    return (this.hash(this.isn) + m) >>> 0;
  }

  /** Offset of the timestamp clock: by the address pair alone, as Linux, so that TIME-WAIT reuse (RFC 6191) works. */
  timestampOffset(flow: FlowAddress): number {
    this.fill(flow.localAddress, flow.remoteAddress, 0, 0);
    return this.hash(this.offset);
  }

  /** A 32-bit number from which the search for a local port towards this peer starts. */
  portOffset(local: Uint8Array, remote: Uint8Array, remotePort: number): number {
    this.fill(local, remote, 0, remotePort);
    return this.hash(this.port);
  }

  /** 32 bits by which sockets of one port share its flows; never the input of `portOffset`, whose local port is 0. */
  share(flow: FlowAddress): number {
    this.fill(flow.localAddress, flow.remoteAddress, flow.localPort, flow.remotePort);
    return this.hash(this.port);
  }

  /** 20 bits, never zero. */
  flowLabel(flow: FlowAddress): number {
    this.fill(flow.localAddress, flow.remoteAddress, flow.localPort, flow.remotePort);
    const label = this.hash(this.label) & 0xf_ffff;
    return label === 0 ? 1 : label;
  }

  /** Low half of the keyed hash of what `fill` put together. */
  private hash(key: Uint8Array): number {
    sipHash(key, 0, this.bytes, TUPLE);
    return sipLow >>> 0;
  }

  private fill(local: Uint8Array, remote: Uint8Array, localPort: number, remotePort: number): void {
    const b = this.bytes;
    for (let i = 0; i < 16; i++) {
      b[i] = local[i];
      b[16 + i] = remote[i];
    }
    b[32] = localPort >>> 8;
    b[33] = localPort;
    b[34] = remotePort >>> 8;
    b[35] = remotePort;
  }
}
