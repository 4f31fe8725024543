// What stands for a link in a thread that is not the driver's: its description, and no frames.
import type { LinkDescription } from '../driver/driver-worker.js';
import type { Link } from '../link/link.js';

export class RemoteLink implements Link {
  readonly name: string;
  readonly framing: 'ethernet' | 'ip';
  readonly mtu: number;
  readonly gsoMaxSize: number;
  readonly checksumOffload: boolean;
  readonly hardwareAddress: Uint8Array | null;

  constructor(description: LinkDescription) {
    this.name = description.name;
    this.framing = description.framing;
    this.mtu = description.mtu;
    this.gsoMaxSize = description.gsoMaxSize;
    this.checksumOffload = description.checksumOffload;
    this.hardwareAddress = description.hardwareAddress;
  }

  receive(): number {
    return 0;
  }

  transmit(): number {
    return 0;
  }

  nextEvent(): number {
    return Number.POSITIVE_INFINITY;
  }

  close(): void {}
}
