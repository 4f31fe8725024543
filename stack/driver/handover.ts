// Hand-over between two channels of one flow: at accept (from the listener's ring to the flow's own) and when a flow
// moves to a larger ring. Packets of the flow that still sit in the old ring are taken first: not lost, not reordered.
// It must never know a protocol.
//
// Why it works: the driver is one thread and publishes rings in the order of its first push. A packet in the new ring was
// pushed after the key was changed, so every earlier packet of the flow was pushed, and published, to the old ring before
// it. Whoever reads the new ring's tail first, then empties the old ring, and only then takes up to that tail from the
// new one, sees them in order. After a grace period nothing of the flow can reach the old ring any more.

import type { ChannelReader } from '../channel/channel.js';

export class HandOver {
  readonly #to: ChannelReader;
  #elapsed = false;
  #last = false;

  constructor(to: ChannelReader) {
    this.#to = to;
  }

  /** Told by the control thread, through `table.defer`, when the grace period after the change has passed. */
  graceElapsed(): void {
    this.#elapsed = true;
  }

  /**
   * First: how many packets may be taken from the new ring, once the old one has been emptied after this call.
   */
  allowance(): number {
    this.#last = this.#elapsed;
    return this.#to.ring.length();
  }

  /** Whether the old ring, emptied after the last `allowance`, has nothing more to give: the hand-over is over. */
  get done(): boolean {
    return this.#last;
  }
}
