// The situations of the corpus: which programs run at the two ends, what the wire does, and what the capture shows.
// A server says when it is ready by being connectable or by time; commands run under sh in their namespace.

import { bulk, FETCH, http, lose, python } from './programs.js';
import { fragments4, markCongestion, tooBig } from './router.js';
import { type Impairment, tcpOffset } from './wire.js';

export interface Situation {
  readonly name: string;
  /** One line for the README. */
  readonly shows: string;
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

export const SITUATIONS: readonly Situation[] = [
  {
    name: 'http-curl',
    shows: 'curl fetches a page from Python’s http.server',
    server: `${http} 10.99.0.2`,
    client: 'curl -s -o /dev/null http://10.99.0.2:8123/page.html',
  },
  {
    name: 'http-curl-ipv6',
    shows: 'the same over IPv6',
    server: `${http} fd99::2`,
    client: "curl -s -g -o /dev/null 'http://[fd99::2]:8123/page.html'",
  },
  {
    name: 'http-not-found',
    shows: 'a 404 by wget, recorded at the server',
    server: `${http} 10.99.0.2`,
    client: 'wget -q -O /dev/null http://10.99.0.2:8123/nothing || true',
    at: 'server',
  },
  {
    name: 'http-two-in-a-row',
    shows: 'two connections of curl to one server, two streams',
    server: `${http} 10.99.0.2`,
    client:
      'curl -s -o /dev/null http://10.99.0.2:8123/small.txt; curl -s -o /dev/null http://10.99.0.2:8123/page.html',
  },
  {
    name: 'http-keepalive-node',
    shows: 'three requests on one connection to a Node server, chunked answers',
    server:
      'exec node -e \'require("http").createServer((q,r)=>{r.write("a".repeat(700));setTimeout(()=>r.end(q.url),30)}).listen(8123,"10.99.0.2")\'',
    client:
      'curl -s -o /dev/null -o /dev/null -o /dev/null http://10.99.0.2:8123/a http://10.99.0.2:8123/b http://10.99.0.2:8123/c',
  },
  {
    name: 'http2-node',
    shows: 'HTTP/2 without TLS between two Node programs: small frames both ways, several requests under way',
    server:
      'exec node -e \'const h=require("http2").createServer();h.on("stream",s=>{s.respond({":status":200});s.end("b".repeat(8123))});h.listen(8123,"10.99.0.2")\'',
    client:
      'node -e \'const c=require("http2").connect("http://10.99.0.2:8123");let n=3;for(let i=0;i<3;i++){const r=c.request({":path":"/"+i});r.resume();r.on("end",()=>--n||c.close())}\'',
  },
  {
    name: 'http-post-ipv6',
    shows: 'a POST of 12 KB by curl with Expect: 100-continue over IPv6, recorded at the server',
    server:
      'exec node -e \'require("http").createServer((q,r)=>{q.resume();q.on("end",()=>r.end("ok"))}).listen(8123,"fd99::2")\'',
    client:
      "head -c 12000 /dev/zero | curl -s -g -o /dev/null -H 'Expect: 100-continue' --data-binary @- 'http://[fd99::2]:8123/'",
    at: 'server',
  },
  {
    name: 'tls-openssl',
    shows: 'a TLS handshake and a little data, openssl s_client and s_server',
    server:
      'cd $DIR && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout k.pem -out c.pem -subj /CN=x -days 2 2>/dev/null; exec openssl s_server -quiet -accept 10.99.0.2:8123 -key k.pem -cert c.pem',
    client: '(echo hello; sleep .2) | openssl s_client -quiet -connect 10.99.0.2:8123 2>/dev/null || true',
  },
  {
    name: 'git-clone',
    shows: 'git clone by git’s own protocol',
    server:
      'cd $DIR && git init -q r && cd r && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m first && echo x > f && git add f && git -c user.name=a -c user.email=a@b commit -q -m second && exec git daemon --export-all --base-path=$DIR --listen=10.99.0.2 --port=8123',
    client: 'git clone -q git://10.99.0.2:8123/r $DIR/clone',
  },
  {
    name: 'smtp',
    shows: 'a mail by smtplib: command and answer in turns',
    server: 'exec python3 -W ignore -m smtpd -n -c DebuggingServer 10.99.0.2:8123',
    client:
      'python3 -c \'import smtplib;s=smtplib.SMTP("10.99.0.2",8123);s.sendmail("a@b",["c@d"],"Subject: x\\n\\nhello");s.quit()\'',
  },
  {
    name: 'ssh-refused-version',
    shows: 'an ssh client meets a server that says its version and hangs up',
    server: python(
      "l=L()\nc,_=l.accept(); c.sendall(b'SSH-1.0-old\\r\\n'); c.recv(100); c.close(); time.sleep(.2)",
    ),
    client:
      'ssh -o StrictHostKeyChecking=no -o BatchMode=yes -p 8123 root@10.99.0.2 true 2>/dev/null || true',
  },
  {
    name: 'telnet-like-perl',
    shows: 'a Perl client that types a character every 30 ms to an echo server: small segments both ways',
    server: python(
      'l=L()\nc,_=l.accept()\nwhile True:\n    d=c.recv(100)\n    if not d: break\n    c.sendall(d)\nc.close()',
    ),
    client:
      'perl -MIO::Socket::INET -e \'$s=IO::Socket::INET->new("10.99.0.2:8123");for(split//,"hello world"){syswrite $s,$_;sysread $s,$b,10;select undef,undef,undef,.03}\'',
  },
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
  {
    name: 'refused',
    shows: 'nobody listens: the SYN is answered by a reset',
    client: 'curl -s http://10.99.0.2:5001/ || true',
  },
  {
    name: 'reset-by-client',
    shows: 'a client that hangs up by SO_LINGER 0: reset in the middle of data',
    server: python(
      'l=L()\nc,_=l.accept()\ntry:\n    c.sendall(pat(18123)); time.sleep(.1); drain(c)\nexcept OSError: pass',
    ),
    client: python(
      "c=C(); c.recv(100); c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii',1,0)); c.close(); time.sleep(.1)",
    ),
  },
  {
    name: 'close-with-unread',
    shows: 'a server that closes without having read everything: reset instead of FIN',
    server: python('l=L()\nc,_=l.accept(); c.recv(10); time.sleep(.1); c.close(); time.sleep(.1)'),
    client: python("c=C(); c.sendall(b'x'*500); time.sleep(.3)\ntry: c.recv(10)\nexcept OSError: pass"),
  },
  {
    name: 'half-close',
    shows: 'the client ends its direction first, the server answers afterwards',
    server: python(
      "l=L()\nc,_=l.accept(); n=drain(c); time.sleep(.05); c.sendall(b'%d bytes'%n); c.close(); time.sleep(.1)",
    ),
    client: python("c=C(); c.sendall(b'y'*3000); c.shutdown(1); drain(c); c.close()"),
  },
  {
    name: 'no-timestamps',
    shows: 'timestamps switched off',
    ...bulk(8_000),
    sysctls: ['net.ipv4.tcp_timestamps=0'],
  },
  {
    name: 'no-window-scaling',
    shows: 'window scaling switched off',
    ...bulk(8_000),
    sysctls: ['net.ipv4.tcp_window_scaling=0'],
  },
  {
    name: 'keepalive',
    shows: 'keepalive probes every second on an idle connection',
    server: python('l=L()\nc,_=l.accept(); drain(c); c.close()'),
    client: python(
      "c=C(); c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1); c.setsockopt(6,4,1); c.setsockopt(6,5,1); c.sendall(b'z'); time.sleep(2.5); c.close(); time.sleep(.1)",
    ),
  },
  {
    name: 'urgent',
    shows: 'urgent data (MSG_OOB)',
    server: python(
      'l=L()\nc,_=l.accept(); c.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1); drain(c); c.close()',
    ),
    client: python(
      "c=C(); c.send(b'abc'); time.sleep(.02); c.send(b'!', socket.MSG_OOB); time.sleep(.02); c.send(b'def'); c.close(); time.sleep(.1)",
    ),
  },
  {
    name: 'small-writes',
    shows: 'forty writes of 50 bytes: Nagle’s algorithm and delayed ACKs',
    server: python('l=L()\nc,_=l.accept(); drain(c); c.close()'),
    client: python("c=C()\nfor i in range(40): c.send(b'w'*50)\nc.close(); time.sleep(.2)"),
  },
  {
    name: 'port-reused',
    shows: 'three connections one after the other from the same port: three streams between the same ends',
    server: python(
      "l=L()\nfor i in range(3):\n    c,_=l.accept(); c.sendall(b'bye %d'%i); drain(c); c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii',1,0)); c.close()",
    ),
    client: python(
      "for i in range(3):\n    s=S(); s.bind(('10.99.0.1',6000)); s.connect(H); s.recv(100); s.shutdown(1); time.sleep(.05); s.close(); time.sleep(.05)",
    ),
  },
  {
    name: 'super-packets',
    shows:
      'over veth with the kernel’s offloads: segments of up to 64 KB and checksums that nobody has filled in',
    ...bulk(40_000),
    veth: true,
    at: 'server',
  },
  {
    name: 'veth-pcapng',
    shows: 'Ethernet over veth in a pcapng file, receiver’s side',
    ...bulk(12_000),
    veth: true,
    format: 'pcapng',
  },
  { name: 'snapped', shows: 'only the first 96 bytes of each packet were kept', ...bulk(20_000), snap: 96 },
  {
    name: 'wrong-ack',
    shows: 'a middlebox that changes the server’s first data ACK to bytes never sent: a capture that lies',
    ...bulk(3_000),
    at: 'server',
    wire: ({ bytes, direction, number }) => {
      if (direction !== 0 || number !== 4) return undefined;
      const at = tcpOffset(bytes);
      new DataView(bytes.buffer).setUint32(
        at + 8,
        (new DataView(bytes.buffer).getUint32(at + 8) + 99_999) >>> 0,
      );
      return undefined;
    },
  },
];
