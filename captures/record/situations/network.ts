// What networks do to connections: loss, reordering, routers, marks.

import { bulk, FETCH, lose, python } from '../programs.js';
import { fragments4, markCongestion, tooBig } from '../router.js';
import type { Situation } from '../situation.js';

export const NETWORK: readonly Situation[] = [
  {
    name: 'bulk-30k',
    shows: '30 KB in one direction, recorded at the sender',
    ...bulk(30_000),
    at: 'server',
  },
  {
    name: 'bulk-ipv6',
    shows: '30 KB over IPv6, recorded at the sender',
    ...bulk(30_000, true),
    at: 'server',
  },
  {
    name: 'upload',
    shows: '28 KB from client to server',
    server: python('l=L()\nc,_=l.accept(); drain(c); c.close()'),
    client: python('c=C(); c.sendall(pat(28123)); c.close(); time.sleep(.2)'),
  },
  {
    name: 'both-directions',
    shows: '12 KB in each direction at once',
    server: python(
      'import threading\nl=L()\nc,_=l.accept()\nt=threading.Thread(target=lambda:drain(c)); t.start(); c.sendall(pat(12000)); c.shutdown(1); t.join(); c.close()',
    ),
    client: python(
      'import threading\nc=C()\nt=threading.Thread(target=lambda:drain(c)); t.start(); c.sendall(pat(12000)); c.shutdown(1); t.join(); c.close()',
    ),
  },
  {
    name: 'loss-one',
    shows: 'one lost segment, repaired by fast retransmit with SACK; recorded at the sender',
    ...bulk(30_000),
    wire: lose(5),
    at: 'server',
  },
  {
    name: 'loss-one-receiver',
    shows: 'the same recorded at the receiver, where the hole can be seen',
    ...bulk(30_000),
    wire: lose(5),
  },
  {
    name: 'loss-several-ipv6',
    shows: 'three lost segments of one window over IPv6, several SACK blocks',
    ...bulk(34_000, true),
    wire: lose(4, 7, 9),
    at: 'server',
  },
  {
    name: 'loss-tail',
    shows: 'the last segments lost: tail loss probe and timeout',
    ...bulk(6_000),
    wire: lose(4, 5, 6),
    at: 'server',
  },
  {
    name: 'loss-no-sack',
    shows: 'loss without SACK: duplicate ACKs and NewReno',
    ...bulk(30_000),
    wire: lose(6),
    at: 'server',
    sysctls: ['net.ipv4.tcp_sack=0'],
  },
  {
    name: 'loss-retransmission',
    shows: 'a segment lost twice, and a retransmission timeout',
    ...bulk(20_000),
    wire: lose(3, 15, 16),
    at: 'server',
  },
  {
    name: 'loss-of-acks',
    shows: 'every second ACK is lost',
    ...bulk(30_000),
    wire: ({ direction, number }) => (direction === 0 && number > 4 && number % 2 === 0 ? [] : undefined),
    at: 'server',
  },
  {
    name: 'reordering',
    shows: 'every fifth data segment comes 6 ms late, recorded at the receiver',
    ...bulk(30_000),
    wire: ({ direction, dataNumber }) =>
      direction === 1 && dataNumber > 0 && dataNumber % 5 === 0 ? [6] : undefined,
  },
  {
    name: 'reordering-ipv6',
    shows: 'the same over IPv6, recorded at the sender',
    ...bulk(30_000, true),
    wire: ({ direction, dataNumber }) =>
      direction === 1 && dataNumber > 0 && dataNumber % 5 === 0 ? [6] : undefined,
    at: 'server',
  },
  {
    name: 'duplicates',
    shows: 'every third data segment arrives twice: DSACK',
    ...bulk(20_000),
    wire: ({ direction, dataNumber }) =>
      direction === 1 && dataNumber > 0 && dataNumber % 3 === 0 ? [0, 1] : undefined,
  },
  {
    name: 'syn-lost',
    shows: 'the first SYN is lost and sent again after a second',
    ...bulk(2_000),
    wire: ({ direction, number }) => (direction === 0 && number === 1 ? [] : undefined),
  },
  {
    name: 'synack-lost',
    shows: 'the first SYN with ACK is lost, recorded at the server',
    ...bulk(2_000),
    wire: ({ direction, number }) => (direction === 1 && number === 1 ? [] : undefined),
    at: 'server',
  },
  {
    name: 'zero-window',
    shows:
      'a receiver with a small buffer that does not read for a while: zero window, probes, window update',
    server: python('l=L()\nc,_=l.accept(); c.sendall(pat(20000)); c.shutdown(1); drain(c); c.close()'),
    client: python(
      'c=S(); c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096); c.connect(H); time.sleep(.9); drain(c); c.close(); time.sleep(.1)',
    ),
    at: 'server',
  },
  {
    name: 'fragments',
    shows: 'a router that cuts IPv4 packets up to 620 bytes, recorded at the receiver',
    server: python(
      'l=L()\nl.setsockopt(0, 10, 0)\nc,_=l.accept(); c.setsockopt(0, 10, 0); c.recv(100); c.sendall(pat(9000)); c.close(); time.sleep(.2)',
    ),
    client: python(FETCH),
    wire: ({ bytes, direction }) =>
      direction === 1 && bytes.length > 620 && (bytes[6]! & 0x40) === 0
        ? { forward: fragments4(bytes, 620) }
        : undefined,
  },
  {
    name: 'path-mtu',
    shows: 'a router that takes 1,000 bytes only and says so: ICMP, smaller segments; recorded at the sender',
    ...bulk(12_000),
    wire: ({ bytes, direction }) =>
      direction === 1 && bytes.length > 1000 ? { back: [tooBig(bytes, 1000)] } : undefined,
    at: 'server',
  },
  {
    name: 'path-mtu-ipv6',
    shows: 'the same over IPv6 with 1,300 bytes',
    ...bulk(12_000, true),
    wire: ({ bytes, direction }) =>
      direction === 1 && bytes.length > 1300 ? { back: [tooBig(bytes, 1300)] } : undefined,
    at: 'server',
  },
  {
    name: 'ecn',
    shows: 'explicit congestion notification: two packets marked, ECE and CWR',
    ...bulk(30_000),
    sysctls: ['net.ipv4.tcp_ecn=1'],
    wire: ({ bytes, direction, dataNumber }) => {
      if (direction === 1 && (dataNumber === 4 || dataNumber === 14)) markCongestion(bytes);
      return undefined;
    },
    at: 'server',
  },
  {
    name: 'fast-open',
    shows: 'TCP Fast Open: a cookie is asked for, then used with data in the SYN; two streams',
    sysctls: ['net.ipv4.tcp_fastopen=3'],
    server: python(
      "l=S(); l.bind(H); l.setsockopt(6, 23, 5); l.listen(5)\nfor i in range(2):\n    c,_=l.accept(); c.recv(100); c.sendall(b'answer'); c.close()\ntime.sleep(.2)",
    ),
    client: python(
      "for i in range(2):\n    s=S(); s.sendto(b'question %d'%i, 0x20000000, H); drain(s); s.close()\ntime.sleep(.1)",
    ),
  },
];
