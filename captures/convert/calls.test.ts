// Calls that packets tell of: each in a script whose capture becomes a script with the same packets.

import { describe, expect, it } from 'vitest';
import type { RecordedPacket, Recording } from '../replay/recording.js';
import { NotReplayable } from '../replay/situation.js';
import { converted, recorded } from './round-trip.test.helper.js';
import { convertStream } from './script.js';

const SETTINGS = `\`sysctl -q net.ipv4.tcp_ecn=2
sysctl -q net.ipv4.tcp_rmem="4096 131072 8388480"
sysctl -q net.ipv4.tcp_wmem="4096 4194304 4194304"\`
`;

const server = (rest: string, options = ''): string => `${SETTINGS}
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
${options}+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <...>
+.02 < . 1:1(0) ack 1 win 320
+0 accept(3, ..., ...) = 4
${rest}`;

/** Each packet of TCP as `change` makes it. */
const each = (recording: Recording, change: (p: RecordedPacket, i: number) => RecordedPacket): Recording => ({
  ...recording,
  packets: recording.packets.map(change),
});

describe('a last write that waited for its FIN', () => {
  it('was corked where only full segments were in flight and no acknowledgment let it go', async () => {
    const recording = await recorded(
      server(`+.01 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.005 setsockopt(4, SOL_TCP, TCP_CORK, [1], 4) = 0
+0 write(4, ..., 300) = 300
+.005 shutdown(4, SHUT_WR) = 0
+0 > FP. 1001:1301(300) ack 1
+.02 < . 1:1(0) ack 1302 win 320
`),
    );
    const { text, reason } = await converted(recording, 'server');
    expect(reason).toBe('');
    expect(text).toContain('TCP_CORK');
  });

  it('was not where Nagle waited for a small segment', async () => {
    const recording = await recorded(
      server(`+.01 write(4, ..., 100) = 100
+0 > P. 1:101(100) ack 1
+.005 write(4, ..., 300) = 300
+.005 shutdown(4, SHUT_WR) = 0
+0 > FP. 101:401(300) ack 1
+.02 < . 1:1(0) ack 402 win 320
`),
    );
    const { text, reason } = await converted(recording, 'server');
    expect(reason).toBe('');
    expect(text).not.toContain('TCP_CORK');
  });
});

describe('reads', () => {
  it('end in front of an urgent byte', async () => {
    const recording = await recorded(
      server(`+0 setsockopt(4, SOL_SOCKET, SO_OOBINLINE, [1], 4) = 0
+.01 < P.U 1:4(3) ack 1 win 320 urg 3
+0 > . 1:1(0) ack 4
+.01 read(4, ..., 3) = 2
+0 read(4, ..., 3) = 1
`),
    );
    const { text, reason } = await converted(recording, 'server');
    expect(reason).toBe('');
    expect(text).toMatch(/read\(4, ..., 2\) = 2\n\+0 read\(4, ..., 1\) = 1\n/);
  });
});

describe('both sides that sent a SYN', () => {
  it('connected, also the one that was second at the capture', async () => {
    const recording = await recorded(`${SETTINGS}
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460,sackOK,TS val 1000 ecr 0,nop,wscale 7>
+.1 < S 0:0(0) win 64240 <mss 1460,sackOK,TS val 2000 ecr 0,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 1100 ecr 2000,nop,wscale 7>
+.1 < S. 0:0(0) ack 1 win 64240 <mss 1460,sackOK,TS val 2200 ecr 1000,nop,wscale 7>
+0 > . 1:1(0) ack 1 <nop,nop,TS val 1200 ecr 2200,nop,nop,sack 0:1>
+0 write(3, ..., 200) = 200
+0 > P. 1:201(200) ack 1 <nop,nop,TS val 1200 ecr 2200>
+.1 < . 1:1(0) ack 1 win 502 <nop,nop,TS val 2300 ecr 1100,nop,nop,sack 0:1>
+0 < P. 1:201(200) ack 1 win 502 <nop,nop,TS val 2300 ecr 1100>
+0 > . 201:201(0) ack 201 <nop,nop,TS val 1300 ecr 2300>
+.1 < . 201:201(0) ack 201 win 501 <nop,nop,TS val 2400 ecr 1200>
+0 read(3, ..., 200) = 200
`);
    const { text, reason } = await converted(recording, 'server');
    expect(reason).toBe('');
    expect(text).toContain('connect(3');
    expect(text).not.toMatch(/listen|QUICKACK/);
  });
});

describe('numbers of a script', () => {
  it('have no part of a microsecond where a capture counts nanoseconds', async () => {
    const recording = await recorded(`\`sysctl -q net.ipv4.tcp_fastopen=1
sysctl -q net.ipv4.tcp_rmem="4096 131072 8388480"\`
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0...0.020 sendto(3, ..., 180, MSG_FASTOPEN, ..., ...) = 180
+0 > S 0:0(0) <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7,FO,nop,nop>
+.02 < S. 0:0(0) ack 1 win 5792 <mss 1000,sackOK,TS val 700 ecr 100,nop,wscale 7>
+0 > P. 1:181(180) ack 1 <nop,nop,TS val 120 ecr 700>
+.02 < . 1:1(0) ack 181 win 5792 <nop,nop,TS val 740 ecr 120>
`);
    const finer = each(recording, (p, i) => ({ ...p, time: p.time + i / 8 }));
    const { text, reason } = await converted(finer, 'client');
    expect(reason).toBe('');
    expect(text).toContain('+0...0.02 sendto(3');
  });

  it('are not as many as a hole would take that no packet fills', async () => {
    const recording = await recorded(
      server(`+.01 < P. 1:101(100) ack 1 win 320
+0 > . 1:1(0) ack 101
+0 read(4, ..., 100) = 100
+.01 < P. 101:201(100) ack 1 win 320
+0 > . 1:1(0) ack 201
+0 read(4, ..., 100) = 100
`),
    );
    const far = (n: number): number => (n > 101 ? n + 50_000_000 : n);
    const moved = each(recording, (p) => {
      if (p.kind !== 'tcp') return p;
      const own = p.direction === recording.client;
      const data = own && p.seq === 101;
      return {
        ...p,
        seq: data ? far(102) - 1 : p.seq,
        end: own ? far(p.end) : p.end,
        ack: own ? p.ack : far(p.ack),
      };
    });
    for (const role of ['client', 'server'] as const) {
      expect(() => convertStream('x', moved, role)).toThrow(NotReplayable);
      expect(() => convertStream('x', moved, role)).toThrow(/50000\d{3} bytes .* not in the capture/);
    }
  });
});
