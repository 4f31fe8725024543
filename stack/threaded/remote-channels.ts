// Channels of a host whose flow table is kept by the control thread at the other end of a message port. Nothing here waits
// for an answer: until its own channel is there, a flow's packets come and go by the host's home channel, which takes
// whatever comes to the host's addresses. Knows no protocol beyond its number.
import type { ChannelReader } from '../channel/channel.js';
import type { ControlClient } from '../driver/control-port.js';
import type { EndpointPort } from '../driver/port.js';
import type { FlowChannels, OpenChannel } from '../endpoint/flow-channels.js';
import { zoneOf } from '../endpoint/local-channels.js';
import { addressKey, exactKey, listenerKey } from '../flows/key.js';
import type { FlowAddress } from '../tcp/flow-ends.js';
import { isLoopback, isMulticast, isUnspecified } from '../wire/address.js';

class RemoteChannel implements OpenChannel {
  number: number;
  reader: ChannelReader | null = null;
  onReady?: () => void;
  closed = false;

  constructor(number: number) {
    this.number = number;
  }
}

export interface RemoteChannelOptions {
  client: ControlClient;
  port: EndpointPort;
  /** Number of the channel that was opened for the host's addresses. */
  home: number;
  /** A channel has come or gone: the host's loop must look. */
  changed(): void;
}

export class RemoteChannels implements FlowChannels {
  private readonly client: ControlClient;
  private readonly port: EndpointPort;
  private readonly home: RemoteChannel;
  private readonly changed: () => void;
  private opened = 0;

  constructor({ client, port, home, changed }: RemoteChannelOptions) {
    this.client = client;
    this.port = port;
    this.changed = changed;
    this.home = new RemoteChannel(home);
  }

  get size(): number {
    return this.opened;
  }

  openDefault(): OpenChannel {
    this.opened++;
    this.home.reader = this.port.reader(this.home.number);
    return this.home;
  }

  openFlow(protocol: number, flow: FlowAddress): OpenChannel | null {
    // A host's loopback never leaves it: the driver gives such packets back to the home channel.
    if (isLoopback(flow.localAddress)) return null;
    const key = exactKey(
      protocol,
      { address: flow.localAddress, port: flow.localPort },
      { address: flow.remoteAddress, port: flow.remotePort },
      zoneOf(flow.zone),
    );
    return this.ask(() => this.client.openFlow(key));
  }

  /** A wild port is the home channel's: its packets come to whichever address of the host. */
  openLocal(protocol: number, address: Uint8Array, port: number, zone: number): OpenChannel | null {
    if (isUnspecified(address) || isLoopback(address) || isMulticast(address)) return this.ask(null);
    const key = listenerKey(protocol, { address, port }, zoneOf(zone));
    return this.ask(() => this.client.openListener([key]));
  }

  close(channel: OpenChannel, rest: (index: number, reader: ChannelReader) => void): void {
    const own = channel as RemoteChannel;
    own.closed = true;
    this.opened--;
    const { reader, number } = own;
    if (reader === null || own === this.home) return;
    // The control thread takes the keys; what came before that has been published a grace period later.
    this.client
      .removeKeys(number)
      .then(() => {
        for (let index = reader.pop(); index >= 0; index = reader.pop()) rest(index, reader);
        this.changed();
        return this.client.closeChannel(number, () => reader.close());
      })
      .catch(ignore);
  }

  /** Adds one of the host's addresses. Rejects with FLOW_EXISTS where another host has it. */
  addAddress(address: Uint8Array, link: number): Promise<void> {
    return this.client.addKey(this.home.number, addressKey(address, link));
  }

  removeAddress(address: Uint8Array, link: number): Promise<boolean> {
    return this.client.removeKey(this.home.number, addressKey(address, link));
  }

  private ask(open: (() => Promise<number>) | null): RemoteChannel {
    const channel = new RemoteChannel(this.home.number);
    this.opened++;
    open?.().then(
      (number) => this.arrived(channel, number),
      // Used up, or the key is another's: it stays with the home channel.
      ignore,
    );
    return channel;
  }

  private arrived(channel: RemoteChannel, number: number): void {
    if (channel.closed) {
      this.client.closeChannel(number, () => {}).catch(ignore);
      return;
    }
    channel.reader = this.port.reader(number);
    channel.number = number;
    channel.onReady?.();
    this.changed();
  }
}

/** The control thread is gone, or refuses: nothing that a packet's way depends on. */
function ignore(): void {}
