// For tests of the core: opening connections between the two hosts, and moving bytes over them.
import { createTcb, tcpConnect } from '../connect.js';
import { listenerAccept, tcpListen } from '../listener.js';
import { tcpReceive } from '../read.js';
import { tcpSend } from '../send.js';
import type { Tcb } from '../tcb.js';
import { addressOf, type TestHost, TwoHosts } from './two-hosts.js';

export const SERVER_PORT = 80;
let nextPort = 10_000;

/** A block on `host`, addressed to the other side. */
export function block(host: TestHost, localPort: number, remotePort: number): Tcb {
  const tcb = createTcb(host, false);
  addressOf(host.number, tcb.localAddress);
  addressOf(1 - host.number, tcb.remoteAddress);
  tcb.localPort = localPort;
  tcb.remotePort = remotePort;
  return tcb;
}

/** b listens. */
export function listen(net: TwoHosts, backlog = 16, setup: (tcb: Tcb) => void = () => {}): void {
  const tcb = createTcb(net.b, false);
  tcb.localPort = SERVER_PORT;
  setup(tcb);
  net.b.listener = tcpListen(tcb, backlog, net.now);
}

/** a sends its SYN. */
export function connect(net: TwoHosts, setup: (tcb: Tcb) => void = () => {}): Tcb {
  const tcb = block(net.a, nextPort++, SERVER_PORT);
  setup(tcb);
  net.a.newFlow(tcb);
  const result = tcpConnect(tcb, net.now);
  if (result !== 0) throw new Error(`connect: ${result}`);
  return tcb;
}

/** A connection from a to b: both blocks, established and accepted. */
export function established(
  net: TwoHosts = new TwoHosts(),
  client: (tcb: Tcb) => void = () => {},
  server: (tcb: Tcb) => void = () => {},
): { net: TwoHosts; a: Tcb; b: Tcb } {
  if (net.b.listener === null) listen(net, 16, server);
  const a = connect(net, client);
  net.run(2 * net.weather.delay + 100_000, () => net.b.listener!.pending > 0);
  net.run(net.weather.delay);
  const b = listenerAccept(net.b.listener!, net.now);
  if (b === null) throw new Error('nobody came');
  net.a.events.clear();
  net.b.events.clear();
  return { net, a, b };
}

export function pattern(length: number, start = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((start + i) * 31 + ((start + i) >>> 8)) & 255);
}

/** Sends as much of `bytes` as is taken; the count, or the error. */
export function send(net: TwoHosts, tcb: Tcb, bytes: Uint8Array, flags = 0): number {
  return tcpSend(tcb, net.now, bytes, 0, bytes.length, flags);
}

/** Everything that can be read now. */
export function receive(net: TwoHosts, tcb: Tcb, limit = 1 << 24): Uint8Array {
  const chunks: Uint8Array[] = [];
  const target = new Uint8Array(65_536);
  for (let left = limit; left > 0; ) {
    const got = tcpReceive(tcb, net.now, target, 0, Math.min(left, target.length), 0);
    if (got <= 0) break;
    chunks.push(target.slice(0, got));
    left -= got;
  }
  return Buffer.concat(chunks);
}

/** Moves `bytes` from one end to the other, reading as it goes; what arrived. */
export function transfer(net: TwoHosts, from: Tcb, to: Tcb, bytes: Uint8Array, limit = 600e6): Uint8Array {
  const chunks: Uint8Array[] = [];
  let sent = 0;
  let got = 0;
  const end = net.now + limit;
  while (got < bytes.length && net.now < end) {
    if (sent < bytes.length) {
      const taken = tcpSend(from, net.now, bytes, sent, bytes.length - sent, 0);
      if (taken > 0) sent += taken;
    }
    const chunk = receive(net, to);
    if (chunk.length > 0) {
      chunks.push(chunk);
      got += chunk.length;
      continue;
    }
    net.a.events.clear();
    net.b.events.clear();
    net.run(60e6, () => net.a.events.size + net.b.events.size > 0);
  }
  return Buffer.concat(chunks);
}

/** A deterministic TwoHosts with a listener. */
export function hosts(seed = 1): TwoHosts {
  return new TwoHosts(seed);
}
