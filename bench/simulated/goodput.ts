// Goodput of one transfer over a network with delay and loss, after the "netsim" test of smoltcp: its figures are
// the ones to beat. Everything happens in virtual time and follows from the seed.

import { IPPROTO_TCP, SIOCOUTQ } from '../../stack/socket/constants.js';
import { TCP_NODELAY } from '../../stack/socket/options.js';
import { SimulatedNetwork } from './network.js';

export interface Transfer {
  /** Payload bytes that each end holds: unacknowledged at the sender, the window at the receiver. */
  buffer: number;
  /** Chance that a packet is lost, either way. */
  loss: number;
  seed: number;
  /** Default 10 MiB. */
  bytes?: number;
  /** Sysctls over the grid's own. */
  sysctls?: Readonly<Record<string, string>>;
}

export const GRID_BYTES = 10 * 1024 * 1024;
export const GRID_BUFFERS: readonly number[] = [1024, 4096, 16_384, 32_768, 262_144, 4_194_304];
export const GRID_LOSSES: readonly number[] = [0, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3];
const ONE_WAY = 50_000;

/**
 * Bytes a second from the first SYN until the receiving application has the last byte.
 *
 * The buffers are payload bytes as smoltcp's are. Linux's SO_RCVBUF counts memory, so the receiver has ample memory and
 * TCP_WINDOW_CLAMP limits what it offers (least: 1,152 bytes); SO_SNDBUF counts memory as well, so the sender asks SIOCOUTQ
 * and never writes more than makes `buffer` unacknowledged bytes. Retransmissions have no end, the timeout's maximum is
 * smoltcp's 60 s.
 */
export function goodput({ buffer, loss, seed, bytes = GRID_BYTES, sysctls = {} }: Transfer): number {
  const network = new SimulatedNetwork({
    delay: ONE_WAY,
    seed,
    impair: { both: { loss } },
    stack: {
      sysctls: {
        'net.core.rmem_max': '67108864',
        'net.core.wmem_max': '67108864',
        'net.ipv4.tcp_wmem': '4096 33554432 33554432',
        'net.ipv4.tcp_rmem': '4096 33554432 33554432',
        'net.ipv4.tcp_retries2': '255',
        'net.ipv4.tcp_syn_retries': '127',
        'net.ipv4.tcp_synack_retries': '255',
        'net.ipv4.tcp_rto_max_ms': '60000',
        ...sysctls,
      },
      smallBuffers: 16_384,
    },
    prepare({ posix }, descriptor) {
      posix.setInt(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    },
  });
  const flow = network.connect();
  const sent = new Uint8Array(buffer).fill(7);
  const received = new Uint8Array(262_144);
  const queued = new Int32Array(1);
  const out = network.client.posix;
  const into = network.server.posix;
  let arrived = 0;
  let written = 0;
  for (;;) {
    network.run();
    if (flow.server < 0) flow.server = network.accept();
    if (flow.server >= 0) {
      for (let n = 1; n > 0; ) {
        n = into.read(flow.server, received).result ?? -1;
        if (n > 0) arrived += n;
      }
      if (arrived >= bytes) break;
    }
    while (written < bytes && out.ioctl(flow.client, SIOCOUTQ, queued) === 0) {
      const room = Math.min(buffer - queued[0], bytes - written);
      const n = room > 0 ? (out.write(flow.client, sent, room).result ?? -1) : 0;
      if (n <= 0) break;
      written += n;
    }
    network.next(Number.POSITIVE_INFINITY);
  }
  const seconds = network.now / 1e6;
  network.close();
  return arrived / seconds;
}
