// Which of the host's rings have something, told by a driver in the same thread, and reading them: shared ones (default,
// listeners, UDP) before flows' own, so that what a flow's packets left in its listener's ring is taken first. Knows no packets.
import type { ChannelReader } from '../channel/channel.js';
import type { Readers, Receive } from '../ground.js';
import type { OpenChannel } from './flow-channels.js';
import type { TcpHandle } from './tcp-handle.js';

class Entry {
  readonly reader: ChannelReader;
  readonly owner: TcpHandle | null;
  readonly shared: boolean;
  ready = false;
  open = true;

  constructor(reader: ChannelReader, owner: TcpHandle | null, shared: boolean) {
    this.reader = reader;
    this.owner = owner;
    this.shared = shared;
  }
}

export class ChannelReaders implements Readers {
  private readonly entries: (Entry | undefined)[] = [];
  private shared: Entry[] = [];
  private flows: Entry[] = [];

  add(channel: OpenChannel, owner: TcpHandle | null): void {
    if (channel.reader === null) return;
    const shared = owner === null || owner.listener !== null;
    this.entries[channel.number] = new Entry(channel.reader, owner, shared);
  }

  remove(channel: OpenChannel): void {
    const entry = this.entries[channel.number];
    if (entry !== undefined) entry.open = false;
    this.entries[channel.number] = undefined;
  }

  /** The driver has published something in `channel`. */
  readonly mark = (channel: number): void => {
    const entry = this.entries[channel];
    if (entry === undefined || entry.ready) return;
    entry.ready = true;
    (entry.shared ? this.shared : this.flows).push(entry);
  };

  get pending(): boolean {
    return this.shared.length > 0 || this.flows.length > 0;
  }

  drain(receive: Receive, after: () => void): number {
    let total = 0;
    for (;;) {
      const entry = this.shared.shift() ?? this.flows.shift();
      if (entry === undefined) return total;
      entry.ready = false;
      const { reader, owner } = entry;
      for (let index = reader.pop(); index >= 0; index = reader.pop()) {
        receive(index, owner, reader);
        total++;
      }
      after();
    }
  }
}
