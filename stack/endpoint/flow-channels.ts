// What a host asks of the flow table: channels for connections, for local ports and for everything else. Behind it stands the
// control thread, here (local-channels.ts) or at the other end of a message port (threaded/remote-channels.ts).
import type { ChannelReader } from '../channel/channel.js';
import type { FlowAddress } from '../tcp/flow-ends.js';

export interface OpenChannel {
  /** The channel in whose name to send now; a channel still being opened names the one that stands in for it. */
  readonly number: number;
  /** Its ring; null while the channel is still being opened (its packets come by the stand-in's ring until then). */
  readonly reader: ChannelReader | null;
  /** Called once `reader` is there, unless it is from the start. */
  onReady?: () => void;
}

export interface FlowChannels {
  /** Channels open now. */
  readonly size: number;
  /** The channel for what matches no key. */
  openDefault(): OpenChannel;
  /** A channel for one flow; null when shared memory is used up (then its packets come by a listener's or the default). */
  openFlow(protocol: number, flow: FlowAddress): OpenChannel | null;
  /**
   * A channel for a local address and port, wild (16 zero bytes, or 0.0.0.0) or not. `inet6` without `v6only` takes
   * IPv4 on the wildcard as well. Null: another holds one of the keys.
   */
  openLocal(
    protocol: number,
    address: Uint8Array,
    port: number,
    zone: number,
    families: { inet6: boolean; v6only: boolean },
  ): OpenChannel | null;
  /** Takes the keys away at once; `rest` gets what still sits in the ring when the grace period has passed. */
  close(channel: OpenChannel, rest: (index: number, reader: ChannelReader) => void): void;
}
