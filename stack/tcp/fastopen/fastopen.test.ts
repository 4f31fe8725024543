// TCP Fast Open from both sides (RFC 7413): cookie request, data in the SYN, refusal, loss, the limit on pending children.
import { describe, expect, it } from 'vitest';
import { TCP_FIN, TCP_RST, TCP_SYN } from '../../wire/tcp.js';
import { tcpClose } from '../close.js';
import { tcpConnect } from '../connect.js';
import { tcpInfo } from '../info.js';
import { listenerAccept } from '../listener.js';
import { tcpPoll } from '../poll.js';
import { tcpSend } from '../send.js';
import {
  TCP_FASTOPEN,
  TCP_FASTOPEN_CONNECT,
  TCP_FASTOPEN_NO_COOKIE,
  tcpSetFastOpenKey,
  tcpSetOption,
} from '../socket-options.js';
import { TCP_CLOSE, TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_SYN_RECV, TCP_SYN_SENT } from '../states.js';
import { EVENT_WRITABLE, type Tcb } from '../tcb.js';
import { block, hosts, listen, pattern, receive, SERVER_PORT } from '../testing/ends.js';
import type { TwoHosts } from '../testing/two-hosts.js';

let port = 20_000;

/** Both sides allow fast open; b listens with a queue of `limit`. */
function ready(limit = 5): TwoHosts {
  const net = hosts();
  net.a.config.tcpFastopen = 3;
  net.b.config.tcpFastopen = 3;
  listen(net, 16, (tcb) => {
    expect(tcpSetOption(tcb, 0, TCP_FASTOPEN, limit)).toBe(0);
  });
  return net;
}

/** sendto(MSG_FASTOPEN): the block and how many bytes the SYN took. */
function open(net: TwoHosts, bytes: Uint8Array, setup: (tcb: Tcb) => void = () => {}): [Tcb, number] {
  const tcb = block(net.a, port++, SERVER_PORT);
  setup(tcb);
  net.a.newFlow(tcb);
  return [tcb, tcpConnect(tcb, net.now, { bytes, from: 0, length: bytes.length, flags: 0 })];
}

/** A first connection that brings a cookie. */
function cookieFor(net: TwoHosts): void {
  const [tcb, taken] = open(net, pattern(10));
  expect(taken).toBe(0);
  net.run(100_000);
  expect(tcb.state).toBe(TCP_ESTABLISHED);
  tcpClose(tcb, net.now);
  tcpClose(listenerAccept(net.b.listener!, net.now)!, net.now);
  net.run(200e6);
}

describe('TCP Fast Open (RFC 7413)', () => {
  it('asks for a cookie, then carries data in the SYN, and the server answers before the handshake ends', () => {
    const net = ready();
    cookieFor(net);
    const before = net.log.length;
    const [client, taken] = open(net, pattern(500));
    expect(taken).toBe(500);
    expect([net.log[before]!.flags, net.log[before]!.data.length]).toEqual([TCP_SYN, 500]);
    net.run(6000);
    const server = listenerAccept(net.b.listener!, net.now)!;
    expect(server.state).toBe(TCP_SYN_RECV);
    expect(Buffer.compare(receive(net, server), pattern(500))).toBe(0);
    expect(tcpSend(server, net.now, pattern(2000), 0, 2000, 0)).toBe(2000);
    net.run(100_000);
    expect([client.state, server.state]).toEqual([TCP_ESTABLISHED, TCP_ESTABLISHED]);
    expect(Buffer.compare(receive(net, client), pattern(2000))).toBe(0);
    expect(tcpInfo(client, net.now).tcpi_options! & 32).toBe(32);
    expect(tcpInfo(server, net.now).tcpi_options! & (32 | 128)).toBe(32 | 128);
    expect(net.a.counters.get('TcpExtTCPFastOpenActive')).toBe(1);
    expect(net.b.counters.get('TcpExtTCPFastOpenPassive')).toBe(1);
    expect(net.b.listener!.fastOpenPending).toBe(0);
    tcpClose(client, net.now);
    tcpClose(server, net.now);
    net.run(200e6);
    expect([net.a.memory.allocated, net.b.memory.allocated, net.a.heap.pagesInUse]).toEqual([0, 0, 0]);
  });

  it('with a cookie that is not good the data is sent again after the handshake, and a new cookie comes', () => {
    const net = ready();
    cookieFor(net);
    net.b.config.tcpFastopenKey = '1-2-3-4';
    const [client] = open(net, pattern(500));
    net.run(100_000);
    const server = listenerAccept(net.b.listener!, net.now)!;
    expect(Buffer.compare(receive(net, server), pattern(500))).toBe(0);
    expect(net.b.counters.get('TcpExtTCPFastOpenPassiveFail')).toBe(1);
    expect(net.a.counters.get('TcpExtTCPFastOpenActiveFail')).toBe(1);
    expect(tcpInfo(client, net.now).tcpi_options! & 32).toBe(0);
    const [, taken] = open(net, pattern(400));
    expect(taken).toBe(400);
    net.run(6000);
    expect(listenerAccept(net.b.listener!, net.now)?.state).toBe(TCP_SYN_RECV);
  });

  it('a second key accepts old cookies and gives new ones', () => {
    const net = ready();
    const old = Uint8Array.from({ length: 16 }, (_, i) => 100 + i);
    const fresh = Uint8Array.from({ length: 16 }, (_, i) => 200 + i);
    const { tcb } = net.b.listener!;
    expect(tcpSetFastOpenKey(tcb, new Uint8Array(5))).toBe(-22);
    tcpSetFastOpenKey(tcb, old);
    cookieFor(net);
    tcpSetFastOpenKey(tcb, Uint8Array.of(...fresh, ...old));
    open(net, pattern(100));
    net.run(100_000);
    expect(listenerAccept(net.b.listener!, net.now)!.opt.synDataAcked).toBe(true);
    expect(net.b.counters.get('TcpExtTCPFastOpenPassiveAltKey')).toBe(1);
    tcpSetFastOpenKey(tcb, fresh);
    open(net, pattern(100));
    net.run(6000);
    expect(listenerAccept(net.b.listener!, net.now)?.state).toBe(TCP_SYN_RECV);
  });

  it('works without cookies where both sides say so', () => {
    const net = ready();
    net.a.config.tcpFastopen = 5;
    expect(tcpSetOption(net.b.listener!.tcb, 0, TCP_FASTOPEN_NO_COOKIE, 1)).toBe(0);
    const before = net.log.length;
    const [, taken] = open(net, pattern(3000));
    expect(taken).toBe(1420); // a segment less room for options of middleboxes
    expect(net.log[before]!.data.length).toBe(1420);
    net.run(6000);
    expect(listenerAccept(net.b.listener!, net.now)?.opt.synDataAcked).toBe(true);
  });

  it('is refused where it is off', () => {
    const net = ready();
    net.a.config.tcpFastopen = 0;
    expect(open(net, pattern(10))[1]).toBe(-95);
    expect(tcpSetOption(block(net.a, 1, 2), 0, TCP_FASTOPEN_CONNECT, 1)).toBe(-95);
  });

  it('TCP_FASTOPEN_CONNECT waits for the first send once a cookie is known', () => {
    const net = ready();
    const first = block(net.a, port++, SERVER_PORT);
    expect(tcpSetOption(first, 0, TCP_FASTOPEN_CONNECT, 1)).toBe(0);
    net.a.newFlow(first);
    expect(tcpConnect(first, net.now)).toBe(0);
    expect([first.opt.deferConnect, net.log.length]).toEqual([false, 1]);
    net.run(100_000);
    const second = block(net.a, port++, SERVER_PORT);
    tcpSetOption(second, 0, TCP_FASTOPEN_CONNECT, 1);
    net.a.newFlow(second);
    const before = net.log.length;
    expect(tcpConnect(second, net.now)).toBe(0);
    expect([second.state, second.opt.deferConnect, net.log.length]).toEqual([TCP_SYN_SENT, true, before]);
    expect(tcpPoll(second) & EVENT_WRITABLE).toBe(EVENT_WRITABLE);
    expect(tcpSend(second, net.now, pattern(100), 0, 100, 0)).toBe(100);
    expect(net.log[before]!.data.length).toBe(100);
    net.run(100_000);
    expect(second.state).toBe(TCP_ESTABLISHED);
  });

  it('a lost SYN is repeated without option and data, and three timeouts pause it for the stack', () => {
    const net = ready();
    cookieFor(net);
    net.a.config.tcpFastopenBlackholeTimeoutSec = 3600;
    const before = net.log.length;
    net.weather.loss = 1;
    const [client] = open(net, pattern(500));
    net.run(5e6);
    const syns = net.since(before);
    expect(syns.map((w) => w.data.length)).toEqual([500, 0, 0, 0, 0, 0]);
    expect(net.a.counters.get('TcpExtTCPFastOpenBlackhole')).toBe(1);
    net.weather.loss = 0;
    net.run(10e6);
    expect(client.state).toBe(TCP_ESTABLISHED);
    expect(Buffer.compare(receive(net, listenerAccept(net.b.listener!, net.now)!), pattern(500))).toBe(0);
    expect(open(net, pattern(500))[1]).toBe(0);
  });

  it('repeats the SYN-ACK of a child by the child’s own timer, once more than usual, then gives up', () => {
    const net = ready();
    cookieFor(net);
    open(net, pattern(100));
    net.run(6000);
    net.held = true;
    const server = listenerAccept(net.b.listener!, net.now)!;
    const before = net.log.length;
    net.a.flows.clear();
    net.run(300e6);
    const repeats = net.since(before).filter((w) => w.from === 1 && (w.flags & TCP_SYN) !== 0);
    expect(repeats.length).toBe(net.b.config.tcpSynackRetries + 1);
    expect([server.state, server.error, net.b.listener!.fastOpenPending]).toEqual([TCP_CLOSE, 110, 0]);
  });

  it('bounds children that are not confirmed; one that was reset counts for a minute', () => {
    const net = ready(1);
    cookieFor(net);
    const cookie = [...net.a.fastOpen.entry(net.b.listener!.tcb.localAddress, new Uint8Array(16)).cookie];
    expect(cookie.length).toBe(16);
    net.held = true;
    const [first] = open(net, pattern(10));
    const syn = net.log.at(-1)!;
    net.inject(net.a, { ...syn });
    expect(net.b.listener!.fastOpenPending).toBe(1);
    net.inject(net.a, { ...syn, localPort: 9999 });
    expect(net.b.counters.get('TcpExtTCPFastOpenListenOverflow')).toBe(1);
    // A repeated SYN of the first is answered with its SYN-ACK.
    net.run(1e6);
    const before = net.log.length;
    net.inject(net.a, { ...syn });
    expect(net.since(before).map((w) => w.flags & TCP_SYN)).toEqual([TCP_SYN]);
    net.inject(net.a, {
      flags: TCP_RST,
      seq: first.snd.nxt,
      localPort: first.localPort,
      remotePort: SERVER_PORT,
    });
    expect(net.b.listener!.fastOpenPending).toBe(1);
    net.run(61e6);
    net.inject(net.a, { ...syn, localPort: 9998 });
    expect(net.b.listener!.fastOpenPending).toBe(1);
    expect(net.b.listener!.queue.length).toBe(2);
  });

  it('a child can be closed before the handshake ends', () => {
    const net = ready();
    cookieFor(net);
    const [client] = open(net, pattern(100));
    net.run(5500);
    const server = listenerAccept(net.b.listener!, net.now)!;
    receive(net, server);
    tcpClose(server, net.now);
    expect(server.state).toBe(TCP_FIN_WAIT1);
    expect(net.log.at(-1)!.flags & TCP_FIN).toBe(TCP_FIN);
    net.run(100_000);
    expect(client.shutdown & 1).toBe(1);
    tcpClose(client, net.now);
    net.run(100e6);
    expect([net.a.flows.size, net.b.flows.size, net.b.memory.orphans]).toEqual([0, 0, 0]);
  });

  it('data in the SYN-ACK is taken too', () => {
    const net = ready();
    cookieFor(net);
    net.held = true;
    const [client] = open(net, pattern(100));
    const synAck = { flags: 0x12, seq: 7000, ack: client.snd.nxt, data: pattern(50), localPort: SERVER_PORT };
    net.inject(net.b, { ...synAck, remotePort: client.localPort });
    expect(client.state).toBe(TCP_ESTABLISHED);
    expect(Buffer.compare(receive(net, client), pattern(50))).toBe(0);
  });
});
