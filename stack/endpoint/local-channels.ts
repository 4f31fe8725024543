// Channels and keys of the host's flows and listeners in the shared flow table, from the control thread itself.
// Knows no protocol beyond its number.
import { ArenaError } from '../channel/arena.js';
import { ChannelError, type ChannelReader } from '../channel/channel.js';
import type { Control } from '../driver/control.js';
import type { EndpointPort } from '../driver/port.js';
import { anyKey, exactKey, listenerKey } from '../flows/key.js';
import { FlowTableError } from '../flows/table.js';
import { linkOfIndex } from '../host/network.js';
import type { FlowAddress } from '../tcp/flow-ends.js';
import { isIpv4, isUnspecified } from '../wire/address.js';
import type { FlowChannels, OpenChannel } from './flow-channels.js';

interface LocalChannel extends OpenChannel {
  readonly reader: ChannelReader;
}

export class LocalChannels implements FlowChannels {
  private readonly control: Control;
  private readonly port: EndpointPort;
  private readonly endpoint: number;
  private readonly party: number;
  private opened = 0;

  constructor(control: Control, port: EndpointPort, endpoint: number, party: number) {
    this.control = control;
    this.port = port;
    this.endpoint = endpoint;
    this.party = party;
  }

  get size(): number {
    return this.opened;
  }

  openDefault(): LocalChannel {
    return this.attach(this.control.openDefault({ endpoint: this.endpoint, party: this.party }));
  }

  openFlow(protocol: number, flow: FlowAddress): LocalChannel | null {
    const key = exactKey(
      protocol,
      { address: flow.localAddress, port: flow.localPort },
      { address: flow.remoteAddress, port: flow.remotePort },
      zoneOf(flow.zone),
    );
    try {
      return this.attach(this.control.openFlow(key, { endpoint: this.endpoint, party: this.party }));
    } catch (error) {
      if (usedUp(error)) return null;
      throw error;
    }
  }

  openLocal(
    protocol: number,
    address: Uint8Array,
    port: number,
    zone: number,
    families: { inet6: boolean; v6only: boolean },
  ): LocalChannel | null {
    const keys: Int32Array[] = [];
    if (!isUnspecified(address)) {
      keys.push(listenerKey(protocol, { address, port }, zoneOf(zone)));
    } else {
      const only4 = !families.inet6 || isIpv4(address);
      if (!only4) keys.push(anyKey(protocol, 6, port));
      if (only4 || !families.v6only) keys.push(anyKey(protocol, 4, port));
    }
    try {
      return this.attach(this.control.openListener(keys, { endpoint: this.endpoint, party: this.party }));
    } catch (error) {
      if (error instanceof FlowTableError && error.code === 'FLOW_EXISTS') return null;
      throw error;
    }
  }

  close(channel: LocalChannel, rest: (index: number, reader: ChannelReader) => void): void {
    this.opened--;
    const { reader } = channel;
    const empty = () => {
      for (let index = reader.pop(); index >= 0; index = reader.pop()) rest(index, reader);
    };
    this.control.closeChannel(channel.number, () => {
      empty();
      reader.close();
    });
  }

  private attach(number: number): LocalChannel {
    this.opened++;
    return { number, reader: this.port.reader(number) };
  }
}

/** Keys name links from 0, zones devices from 1 (0: none). */
export function zoneOf(zone: number): number {
  return zone === 0 ? 0 : linkOfIndex(zone);
}

function usedUp(error: unknown): boolean {
  return (
    (error instanceof ArenaError && error.code === 'ARENA_FULL') ||
    (error instanceof ChannelError && error.code === 'CHANNEL_EXHAUSTED')
  );
}
