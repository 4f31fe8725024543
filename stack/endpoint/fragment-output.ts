// Sends a packet that is longer than its path takes as fragments. For UDP and ICMP; TCP sends segments that fit.
import type { PathChoice } from '../host/network.js';
import { Fragmenter } from '../ip/fragmentation.js';
import { ENOBUFS } from '../tcp/errno.js';
import type { TransmitOwner } from '../tcp/segment.js';
import { countFragment, countFragmented } from './output-counters.js';
import type { PacketOutput } from './packet-output.js';

export class FragmentOutput {
  private readonly output: PacketOutput;
  private readonly fragmenter = new Fragmenter();

  constructor(output: PacketOutput) {
    this.output = output;
  }

  /** Fragments of the last packet. */
  get count(): number {
    return this.fragmenter.count;
  }

  /**
   * Sends the packet of `size` bytes in buffer `whole`, which it takes, as packets of `mtu` bytes at most under
   * identification `id`. Fragments have no ports, so they go in the default channel's name; the first carries `charge`.
   * Returns 0, or -ENOBUFS when the buffers did not last. Throws FragmentationError for a packet that cannot be cut.
   */
  send(
    whole: number,
    size: number,
    mtu: number,
    id: number,
    path: PathChoice,
    owner: TransmitOwner | null,
    charge: number,
    now: number,
  ): number {
    const { output, fragmenter } = this;
    const { party } = output;
    fragmenter.start(party.bytes, party.start(whole), size, mtu, id);
    const v6 = party.bytes[party.start(whole)] >>> 4 === 6;
    let result = 0;
    let share = charge;
    for (;;) {
      const index = output.allocate(mtu);
      if (index < 0) {
        result = -ENOBUFS;
        break;
      }
      const length = fragmenter.next(party.bytes, party.start(index));
      if (length === 0) {
        output.discard(index);
        break;
      }
      party.setLength(index, length);
      countFragment(output.counters, v6);
      output.send(index, path.device, path.nextHop, output.defaultChannel, owner, share, now);
      share = 0;
    }
    countFragmented(output.counters, v6, result === 0);
    output.discard(whole);
    return result;
  }
}
