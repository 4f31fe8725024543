// Listeners: RFC 9293 section 3.10.7.2, RFC 4987 (SYN floods), and the limits that Linux puts on both queues.
import { describe, expect, it } from 'vitest';
import { TCP_ACK, TCP_ECE, TCP_RST, TCP_SYN } from '../wire/tcp.js';
import { tcpClose } from './close.js';
import {
  listenerAccept,
  listenerClose,
  listenerError,
  listenerNextTimeout,
  listenerSetBacklog,
} from './listener.js';
import { TCP_CLOSE, TCP_ESTABLISHED } from './states.js';
import { connect, hosts, listen, pattern, receive, SERVER_PORT, send } from './testing/ends.js';
import { addressOf, type TwoHosts, type Wire } from './testing/two-hosts.js';

const SYN_OPTIONS = Uint8Array.of(2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7);

function syn(net: TwoHosts, port: number, fields: Partial<Wire> = {}): void {
  net.inject(net.a, {
    flags: TCP_SYN,
    seq: 500,
    options: SYN_OPTIONS,
    localPort: port,
    remotePort: SERVER_PORT,
    ...fields,
  });
}

/** The final ACK for the SYN-ACK that was sent last; `echo` its timestamp. */
function finalAck(net: TwoHosts, port: number, fields: Partial<Wire> = {}): void {
  const synAck = net.log.findLast((w) => (w.flags & TCP_SYN) !== 0 && w.remotePort === port)!;
  const view = new DataView(synAck.options.buffer);
  const at = synAck.options.indexOf(8);
  const options = new Uint8Array(12);
  options.set([1, 1, 8, 10, 0, 0, 0, 10]);
  if (at >= 0) new DataView(options.buffer).setUint32(8, view.getUint32(at + 2));
  net.inject(net.a, {
    seq: 501,
    ack: (synAck.seq + 1) >>> 0,
    options: at >= 0 ? options : new Uint8Array(0),
    localPort: port,
    remotePort: SERVER_PORT,
    ...fields,
  });
}

describe('a listener', () => {
  it('repeats an unanswered SYN-ACK tcp_synack_retries times, doubling, and forgets the request', () => {
    const net = hosts();
    net.held = true;
    listen(net);
    const start = net.now;
    syn(net, 1000);
    expect(net.b.listener!.requests.size).toBe(1);
    net.run(200e6);
    expect(net.log.map((w) => (w.at - start) / 1e6)).toEqual([0, 1, 3, 7, 15, 31]);
    expect(net.b.listener!.requests.size).toBe(0);
    expect(listenerNextTimeout(net.b.listener!)).toBe(Number.POSITIVE_INFINITY);
    // Too late: no request, no cookie.
    finalAck(net, 1000);
    expect(net.log.at(-1)!.flags).toBe(TCP_RST);
    expect(net.b.counters.get('TcpExtSyncookiesFailed')).toBe(1);
  });

  it('answers a repeated SYN with the same SYN-ACK, under the limit on such answers', () => {
    const net = hosts();
    net.held = true;
    listen(net);
    syn(net, 1000);
    net.run(600_000);
    syn(net, 1000);
    syn(net, 1000);
    expect(net.log.length).toBe(2);
    expect(net.log[1]!.seq).toBe(net.log[0]!.seq);
    expect(net.b.counters.get('TcpExtTCPACKSkippedSynRecv')).toBe(1);
  });

  it('resets an ACK of the wrong number and keeps the request; ends it for a SYN or RST in the window', () => {
    const net = hosts();
    net.held = true;
    listen(net);
    syn(net, 1000);
    const { requests } = net.b.listener!;
    net.inject(net.a, { seq: 501, ack: 12345, localPort: 1000, remotePort: SERVER_PORT });
    expect([net.log.at(-1)!.flags, net.log.at(-1)!.seq, requests.size]).toEqual([TCP_RST, 12345, 1]);
    // Out of the window: an ACK tells where we are.
    finalAck(net, 1000, { seq: 500_000 });
    expect([net.log.at(-1)!.flags, net.log.at(-1)!.ack]).toEqual([TCP_ACK, 501]);
    net.inject(net.a, { seq: 501, flags: TCP_RST, localPort: 1000, remotePort: SERVER_PORT });
    expect([requests.size, net.b.counters.get('TcpExtEmbryonicRsts')]).toEqual([0, 1]);
    syn(net, 1001);
    net.inject(net.a, { seq: 600, flags: TCP_SYN, localPort: 1001, remotePort: SERVER_PORT });
    expect(requests.size).toBe(0);
    expect(net.log.at(-1)!.flags & TCP_RST).toBe(TCP_RST);
  });

  it('ignores what is neither SYN nor ACK, and answers a strange ACK with a RST', () => {
    const net = hosts();
    net.held = true;
    listen(net);
    for (const flags of [TCP_RST, 0, TCP_SYN | 1]) syn(net, 1000, { flags });
    expect(net.log.length).toBe(0);
    net.b.config.tcpSyncookies = 0;
    net.inject(net.a, { seq: 1, ack: 99, localPort: 1000, remotePort: SERVER_PORT });
    expect([net.log[0]!.flags, net.log[0]!.seq]).toEqual([TCP_RST, 99]);
  });

  it('takes one connection more than its backlog; the last ACK of another is forgotten, or reset', () => {
    const net = hosts();
    listen(net, 1);
    const clients = [connect(net), connect(net)];
    net.run(100_000);
    expect(net.b.listener!.pending).toBe(2);
    syn(net, 2000);
    net.run(1000);
    expect(net.b.counters.get('TcpExtListenOverflows')).toBe(1);
    expect(net.b.listener!.requests.size).toBe(0);
    const first = listenerAccept(net.b.listener!, net.now)!;
    expect([first.remotePort, first.state]).toEqual([clients[0]!.localPort, TCP_ESTABLISHED]);
    // A request that was taken in time loses its place to others while its ACK is on the way.
    net.held = true;
    syn(net, 2001);
    const { listener } = net.b;
    const children = listener!.queue;
    children.push(children[0]!);
    finalAck(net, 2001);
    expect([listener!.requests.size, children.length]).toEqual([1, 2]);
    net.b.config.tcpAbortOnOverflow = 1;
    finalAck(net, 2001);
    expect(net.log.at(-1)!.flags).toBe(TCP_RST);
    expect(listener!.requests.size).toBe(0);
    children.pop();
    listenerSetBacklog(listener!, 1e9);
    expect(listener!.backlog).toBe(net.b.config.somaxconn);
  });

  it('TCP_DEFER_ACCEPT: a bare ACK is not enough, data is; SYN-ACKs start again when time runs out', () => {
    const net = hosts();
    net.held = true;
    listen(net, 16, (tcb) => {
      tcb.opt.deferAccept = 2;
    });
    const { listener } = net.b;
    syn(net, 1000);
    finalAck(net, 1000);
    expect([listener!.pending, listener!.requests.size]).toEqual([0, 1]);
    expect(net.b.counters.get('TcpExtTCPDeferAcceptDrop')).toBe(1);
    finalAck(net, 1000, { data: pattern(10) });
    expect([listener!.pending, listener!.requests.size]).toEqual([1, 0]);
    const child = listenerAccept(listener!, net.now)!;
    expect(receive(net, child)).toEqual(Buffer.from(pattern(10)));
    syn(net, 1001);
    finalAck(net, 1001);
    const before = net.log.length;
    net.run(4e6);
    expect(net.log.length).toBeGreaterThan(before);
    finalAck(net, 1001);
    expect(listener!.pending).toBe(1);
  });

  it('resets what nobody accepted when it closes', () => {
    const net = hosts();
    listen(net);
    const client = connect(net);
    net.run(100_000);
    listenerClose(net.b.listener!, net.now);
    listenerClose(net.b.listener!, net.now);
    net.run(100_000);
    expect([client.state, client.error]).toEqual([TCP_CLOSE, 104]);
    expect([net.b.flows.size, net.b.memory.orphans, net.b.gone.length]).toEqual([0, 0, 1]);
  });

  it('drops a request for an ICMP error that quotes its SYN-ACK (RFC 5927: only that)', () => {
    const net = hosts();
    net.held = true;
    listen(net);
    syn(net, 1000);
    const remote = new Uint8Array(16);
    const local = new Uint8Array(16);
    addressOf(0, remote);
    addressOf(1, local);
    const { listener } = net.b;
    const { seq } = net.log[0]!;
    listenerError(listener!, net.now, remote, 1000, local, false, 3, 1, 0, (seq + 1) >>> 0);
    listenerError(listener!, net.now, remote, 1001, local, false, 3, 1, 0, seq);
    listenerError(listener!, net.now, remote, 1000, local, false, 3, 4, 1400, seq);
    expect(listener!.requests.size).toBe(1);
    listenerError(listener!, net.now, remote, 1000, local, false, 3, 1, 0, seq);
    expect(listener!.requests.size).toBe(0);
  });

  it('drops SYNs when there is no way back, and the last quarter without cookies', () => {
    const net = hosts();
    net.held = true;
    listen(net, 100);
    const { metrics } = net.b;
    net.b.metrics = null;
    syn(net, 1000);
    expect([net.log.length, net.b.counters.get('TcpExtListenDrops')]).toEqual([0, 1]);
    net.b.metrics = metrics;
    net.b.config.tcpSyncookies = 0;
    net.b.config.tcpMaxSynBacklog = 8;
    for (let port = 2000; port < 2020; port++) syn(net, port);
    expect(net.b.listener!.requests.size).toBe(7);
    listenerSetBacklog(net.b.listener!, 6);
    syn(net, 3000);
    expect(net.b.counters.get('TcpExtTCPReqQFullDrop')).toBe(1);
  });

  it('takes SYN with ECE and CWR for what it is: a SYN', () => {
    const net = hosts();
    net.held = true;
    listen(net);
    syn(net, 1000, { flags: TCP_SYN | 0xc0 });
    expect(net.log[0]!.flags).toBe(TCP_SYN | TCP_ACK | TCP_ECE);
    net.b.config.tcpEcn = 0;
    syn(net, 1001, { flags: TCP_SYN | 0xc0 });
    expect(net.log[1]!.flags).toBe(TCP_SYN | TCP_ACK);
  });
});

describe('SYN cookies (RFC 4987 section 3.6)', () => {
  function flooded(): TwoHosts {
    const net = hosts();
    net.b.config.tcpSyncookies = 2;
    listen(net);
    return net;
  }

  it('keep nothing and give everything back: MSS class, window scale, SACK', () => {
    const net = flooded();
    const client = connect(net);
    net.run(100_000);
    expect(net.b.listener!.requests.size).toBe(0);
    const server = listenerAccept(net.b.listener!, net.now)!;
    expect([server.state, server.opt.sack, server.opt.timestamps, server.opt.wscale]).toEqual([
      TCP_ESTABLISHED,
      true,
      true,
      true,
    ]);
    expect(server.snd.wscale).toBe(client.rcv.wscale);
    expect([server.snd.mssClamp, server.snd.mss]).toEqual([1460, 1448]);
    expect(net.b.counters.get('TcpExtSyncookiesSent')).toBe(1);
    expect(net.b.counters.get('TcpExtSyncookiesRecv')).toBe(1);
    send(net, client, pattern(5000));
    net.run(100_000);
    expect(Buffer.compare(receive(net, server), pattern(5000))).toBe(0);
  });

  it('without timestamps there is room for the MSS only', () => {
    const net = flooded();
    net.a.config.tcpTimestamps = 0;
    net.a.metrics = { ...net.a.metrics!, advmss: 1350 };
    connect(net);
    net.run(100_000);
    const server = listenerAccept(net.b.listener!, net.now)!;
    expect([server.opt.sack, server.opt.timestamps, server.opt.wscale, server.snd.mssClamp]).toEqual([
      false,
      false,
      false,
      1300,
    ]);
  });

  it('are refused when forged, for another port, and after two minutes', () => {
    const net = flooded();
    net.held = true;
    syn(net, 1000);
    const synAck = net.log[0]!;
    for (const fields of [{ ack: (synAck.seq + 2) >>> 0 }, { localPort: 1001 }, { seq: 600 }]) {
      finalAck(net, 1000, fields);
      expect(net.b.listener!.pending).toBe(0);
      expect(net.log.at(-1)!.flags).toBe(TCP_RST);
    }
    net.run(121e6);
    finalAck(net, 1000);
    expect(net.b.listener!.pending).toBe(0);
    syn(net, 1000);
    finalAck(net, 1000);
    expect(net.b.listener!.pending).toBe(1);
  });

  it('are used when the queue is full, and only then (tcp_syncookies 1)', () => {
    const net = hosts();
    net.held = true;
    listen(net, 2);
    for (let port = 1000; port < 1005; port++) syn(net, port);
    expect(net.b.listener!.requests.size).toBe(3);
    expect(net.b.counters.get('TcpExtSyncookiesSent')).toBe(2);
    finalAck(net, 1004);
    expect(net.b.listener!.pending).toBe(1);
  });
});

it('children that end before accept leave nothing behind', () => {
  const net = hosts();
  listen(net);
  const client = connect(net);
  net.run(100_000);
  tcpClose(client, net.now, true);
  net.run(100_000);
  const child = listenerAccept(net.b.listener!, net.now)!;
  expect([child.state, child.error]).toEqual([TCP_CLOSE, 104]);
  tcpClose(child, net.now);
  expect([net.b.gone.length, net.b.memory.orphans, net.b.memory.allocated]).toEqual([1, 0, 0]);
});
