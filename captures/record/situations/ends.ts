// What the two hosts do: how connections end, options left out, small buffers; and how captures are taken.

import { getU16, getU32, setU16, setU32 } from '../../../stack/wire/bytes.js';
import { updateChecksum32 } from '../../../stack/wire/checksum.js';
import { bulk, python } from '../programs.js';
import type { Situation } from '../situation.js';
import { tcpOffset } from '../wire.js';

export const ENDS: readonly Situation[] = [
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
      const before = getU32(bytes, at + 8);
      const after = (before + 99_999) >>> 0;
      setU32(bytes, at + 8, after);
      setU16(bytes, at + 16, updateChecksum32(getU16(bytes, at + 16), before, after));
      return undefined;
    },
  },
  {
    name: 'damaged',
    shows: 'a byte of one data segment is changed on its way: the receiver, where it is recorded, drops it',
    ...bulk(9_000),
    at: 'client',
    wire: ({ bytes, direction, dataNumber }) => {
      if (direction !== 1 || dataNumber !== 3) return undefined;
      bytes[bytes.length - 1]! ^= 0x55;
      return undefined;
    },
  },
];
