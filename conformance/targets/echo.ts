// A target that sends every packet back with its ends exchanged (which leaves the checksums right). Every script that
// looks at what it gets fails on it.

import { HollowTarget } from './hollow.js';

function swap(b: Uint8Array, one: number, other: number, length: number): void {
  for (let i = 0; i < length; i++) {
    const v = b[one + i]!;
    b[one + i] = b[other + i]!;
    b[other + i] = v;
  }
}

export class EchoTarget extends HollowTarget {
  override readonly name = 'echo';

  override inject(packet: Uint8Array): void {
    const bytes = Uint8Array.from(packet);
    const v6 = bytes[0]! >>> 4 === 6;
    const header = v6 ? 40 : (bytes[0]! & 15) * 4;
    if (bytes.length < header + 4) return;
    if (v6) swap(bytes, 8, 24, 16);
    else swap(bytes, 12, 16, 4);
    const protocol = bytes[v6 ? 6 : 9];
    if (protocol === 6 || protocol === 17) swap(bytes, header, header + 2, 2);
    this.outgoing.push({ time: this.time, bytes });
  }
}
