// A situation of the corpus: which programs run at the two ends, what the wire does, and what the capture shows.
// A server says when it is ready by being connectable or by time; commands run under sh in their namespace.

import type { Impairment } from './wire.js';

export interface Situation {
  readonly name: string;
  /** One line for the README. */
  readonly shows: string;
  /** Programs without which it is left out. */
  readonly needs?: readonly string[];
  readonly server?: string;
  readonly client: string;
  readonly wire?: Impairment;
  /** Sysctls of both namespaces. */
  readonly sysctls?: readonly string[];
  /** End at which the capture is taken; default the client's. */
  readonly at?: 'client' | 'server';
  /** Over a veth pair with the kernel's offloads instead of the wire: Ethernet, super-packets. */
  readonly veth?: boolean;
  /** dumpcap's -s. */
  readonly snap?: number;
  readonly format?: 'pcap' | 'pcapng';
}
