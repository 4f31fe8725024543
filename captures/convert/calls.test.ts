// Calls that packets tell of: each in a script whose capture becomes a script with the same packets.

import { describe, expect, it } from 'vitest';
import type { RecordedPacket, Recording } from '../replay/recording.js';
import { NotReplayable } from '../replay/situation.js';
import { converted, corpus, recorded } from './round-trip.test.helper.js';
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

describe('a window that shuts and opens again', () => {
  it('tells what was read', async () => {
    const recording = await recorded(
      server(
        `+.01 < . 1:1461(1460) ack 1 win 320
+0 > . 1:1(0) ack 1461
+0 < . 1461:2921(1460) ack 1 win 320
+0 > . 1:1(0) ack 2921
+0 < . 2921:4381(1460) ack 1 win 320
+0 > . 1:1(0) ack 4381
+0 < . 4381:5841(1460) ack 1 win 320
+.04 > . 1:1(0) ack 5841
+.02 < . 5841:7301(1460) ack 1 win 320
+.04 > . 1:1(0) ack 7301
+.02 < . 7301:8761(1460) ack 1 win 320
+.04 > . 1:1(0) ack 8761
+.02 < . 8761:10221(1460) ack 1 win 320
+.04 > . 1:1(0) ack 10221 win 0
+.5 read(4, ..., 5840) = 5840
+0 > . 1:1(0) ack 10221 win 5840
+.02 < . 10221:11681(1460) ack 1 win 320
+0 > . 1:1(0) ack 11681
+0 < . 11681:13141(1460) ack 1 win 320
+.04 > . 1:1(0) ack 13141
+.02 < . 13141:14601(1460) ack 1 win 320
+.04 > . 1:1(0) ack 14601
+.02 < . 14601:16061(1460) ack 1 win 320
+.04 > . 1:1(0) ack 16061 win 0
+.5 read(4, ..., 5840) = 5840
+0 > . 1:1(0) ack 16061 win 5840
`,
        '+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [8192], 4) = 0\n',
      ),
    );
    const { text, reason } = await converted(recording, 'server');
    expect(reason).toBe('');
    expect(text).toContain('read(4, ..., 5840)');
  });
});

describe('a small buffer', () => {
  it('counts what came one by one, for ACKs go by the size of what comes', async () => {
    const recording = await recorded(`--tolerance_usecs=30000
${SETTINGS}
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 setsockopt(3, SOL_SOCKET, SO_RCVBUF, [8192], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 64240 <mss 1460,sackOK,TS val 1000 ecr 0,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,sackOK,TS val 1000 ecr 1000,nop,wscale 0>
+0.02 < . 1:1(0) ack 1 win 502 <nop,nop,TS val 1021 ecr 1000>
+0 accept(3, ..., ...) = 4
+0.000042 < . 1:1449(1448) ack 1 win 502 <nop,nop,TS val 1021 ecr 1000>
+0.000008 > . 1:1(0) ack 1449 <nop,nop,TS val 1020 ecr 1021>
+0.000006 < P. 1449:2897(1448) ack 1 win 502 <nop,nop,TS val 1021 ecr 1000>
+0.000004 > . 1:1(0) ack 2897 <nop,nop,TS val 1020 ecr 1021>
+0.000004 < . 2897:4345(1448) ack 1 win 502 <nop,nop,TS val 1021 ecr 1000>
+0.000003 > . 1:1(0) ack 4345 <nop,nop,TS val 1020 ecr 1021>
+0.000004 < P. 4345:5793(1448) ack 1 win 502 <nop,nop,TS val 1021 ecr 1000>
+0 < . 5793:7241(1448) ack 1 win 502 <nop,nop,TS val 1021 ecr 1000>
+0.020321 < . 7241:8689(1448) ack 1 win 502 <nop,nop,TS val 1041 ecr 1020>
+0.023111 > . 1:1(0) ack 8689 <nop,nop,TS val 1064 ecr 1021>
+0.250375 < . 8688:8688(0) ack 1 win 502 <nop,nop,TS val 1315 ecr 1064>
+0.000017 > . 1:1(0) ack 8689 <nop,nop,TS val 1314 ecr 1021>
+0.479859 < . 8688:8688(0) ack 1 win 502 <nop,nop,TS val 1795 ecr 1314>
+0.426821 read(4, ..., 5792) = 5792
+0 > . 1:1(0) ack 8689 <nop,nop,TS val 2221 ecr 1021>
+0.020463 < . 8689:10137(1448) ack 1 win 502 <nop,nop,TS val 2242 ecr 2221>
+0.000019 > . 1:1(0) ack 10137 <nop,nop,TS val 2241 ecr 2242>
+0.00001 < P. 10137:11585(1448) ack 1 win 502 <nop,nop,TS val 2242 ecr 2221>
+0.000004 > . 1:1(0) ack 11585 <nop,nop,TS val 2241 ecr 2242>
+0.000005 < . 11585:13033(1448) ack 1 win 502 <nop,nop,TS val 2242 ecr 2221>
+0 < P. 13033:14481(1448) ack 1 win 502 <nop,nop,TS val 2242 ecr 2221>
+0.042418 > . 1:1(0) ack 14481 <nop,nop,TS val 2284 ecr 2242>
`);
    const { text } = convertStream('x', recording, 'server');
    expect(text).toContain('< P. 4345:5793(1448)');
    // And what was read is read where the window opened, not where a probe came.
    expect(text).toMatch(/\+0.426821 read\(4, .*\n\+0 > . 1:1\(0\) ack 8689/);
  });
});

describe('packets of one batch', () => {
  it('came behind what the host sent without having met them', async () => {
    const recording = await recorded(
      server(`+.01 < P. 1:101(100) ack 1 win 320
+0 > . 1:1(0) ack 101
+.001 write(4, ..., 50) = 50
+0 > P. 1:51(50) ack 101
+0 < P. 101:201(100) ack 1 win 320
+.04 > . 51:51(0) ack 201
+0 read(4, ..., 200) = 200
`),
    );
    const { packets } = recording;
    const at = packets.findIndex((p) => p.kind === 'tcp' && p.ack === 101 && p.end > p.seq);
    const seen = [...packets];
    // The kernel shows the second to the capture before it hands on the first.
    seen.splice(at, 2, { ...packets[at + 1]!, time: packets[at]!.time }, packets[at]!);
    const { reason } = await converted({ ...recording, packets: seen }, 'server');
    expect(reason).toBe('');
  });
});

describe('packets that a timer lets go', () => {
  it('tell of BBR, and one write of what they hold', async () => {
    const recording = await recorded(
      server(`+.01 write(4, ..., 20300) = 20300
+0 shutdown(4, SHUT_WR) = 0
+0 > P. 1:2001(2000) ack 1
+0 > P. 2001:4001(2000) ack 1
+0 > P. 4001:6001(2000) ack 1
+0 > P. 6001:8001(2000) ack 1
+0 > P. 8001:10001(2000) ack 1
+.02 < . 1:1(0) ack 10001 win 320
+0 > P. 10001:12001(2000) ack 1
+.0014 > P. 12001:14001(2000) ack 1
+.0014 > P. 14001:16001(2000) ack 1
+.0014 > P. 16001:18001(2000) ack 1
+.0014 > P. 18001:20001(2000) ack 1
+.0014 > FP. 20001:20301(300) ack 1
+.02 < . 1:1(0) ack 20302 win 320
`).replace('`sysctl', '--tolerance_usecs=30000\n`sysctl -q net.ipv4.tcp_congestion_control=bbr\nsysctl'),
    );
    const { text, reason } = await converted(recording, 'server');
    expect(reason).toBe('');
    expect(text).toContain('tcp_congestion_control=bbr');
    expect(text).toContain('// Note: a timer let its packets go');
    expect(convertStream('x', recording, 'server').doubt).toMatch(/too little of its times/);
    expect(text).toContain('write(4, ..., 20300) = 20300');
    expect(text).not.toContain('TCP_CORK');
  });

  it('tell of BBR when they go again, too', async () => {
    const recording = await recorded(
      server(`+.01 write(4, ..., 10000) = 10000
+0 > P. 1:2001(2000) ack 1
+0 > P. 2001:4001(2000) ack 1
+0 > P. 4001:6001(2000) ack 1
+0 > P. 6001:8001(2000) ack 1
+0 > P. 8001:10001(2000) ack 1
+.02 < . 1:1(0) ack 1 win 320 <sack 1001:2001,nop,nop>
+0 < . 1:1(0) ack 1 win 320 <sack 3001:4001 1001:2001,nop,nop>
+0 < . 1:1(0) ack 1 win 320 <sack 5001:6001 3001:4001 1001:2001,nop,nop>
+0 < . 1:1(0) ack 1 win 320 <sack 7001:10001 5001:6001 3001:4001,nop,nop>
+0 > . 1:1001(1000) ack 1
+.0007 > . 2001:3001(1000) ack 1
+.0007 > . 4001:5001(1000) ack 1
+.0007 > . 6001:7001(1000) ack 1
+.02 < . 1:1(0) ack 10001 win 320
`).replace('`sysctl', '--tolerance_usecs=30000\n`sysctl -q net.ipv4.tcp_congestion_control=bbr\nsysctl'),
    );
    const { text, reason } = await converted(recording, 'server');
    expect(reason).toBe('');
    expect(text).toContain('tcp_congestion_control=bbr');
  });

  it('are more by each that was acknowledged, however few were in flight', async () => {
    const recording = await recorded(
      server(`+.01 write(4, ..., 37) = 37
+0 > P. 1:38(37) ack 1
+.02 < . 1:1(0) ack 38 win 320
+0 write(4, ..., 17000) = 17000
+0 > P. 38:2038(2000) ack 1
+0 > P. 2038:4038(2000) ack 1
+0 > P. 4038:6038(2000) ack 1
+0 > P. 6038:8038(2000) ack 1
+0 > P. 8038:10038(2000) ack 1
+0 > . 10038:11038(1000) ack 1
+.02 < . 1:1(0) ack 11038 win 320
+0 > P. 11038:13038(2000) ack 1
+.0014 > P. 13038:15038(2000) ack 1
+.0014 > P. 15038:17038(2000) ack 1
+.02 < . 1:1(0) ack 17038 win 320
`).replace('`sysctl', '--tolerance_usecs=30000\n`sysctl -q net.ipv4.tcp_congestion_control=bbr\nsysctl'),
    );
    const { text, reason } = await converted(recording, 'server');
    expect(reason).toBe('');
    expect(text).toContain('tcp_congestion_control=bbr');
    expect(text).not.toContain('initcwnd');
  });

  it('are not those that acknowledgments let go', async () => {
    const [recording] = await corpus('bulk-30k.pcap');
    for (const role of ['client', 'server'] as const)
      expect(convertStream('x', recording!, role).text).not.toContain('bbr');
  });
});

describe('data in both directions at once', () => {
  it('is told to follow microseconds, a dialogue is not', async () => {
    const recording = await recorded(
      server(`+.01 < P. 1:101(100) ack 1 win 320
+0 > . 1:1(0) ack 101
+0 read(4, ..., 100) = 100
+0 write(4, ..., 100) = 100
+0 > P. 1:101(100) ack 101
+.02 < . 101:101(0) ack 101 win 320
`),
    );
    const turns = (between: number): Recording => {
      const data = recording.packets.filter((p) => p.kind === 'tcp' && p.segment.length > 0);
      const many = Array.from({ length: 100 }, (_, i) => ({ ...data[i % 2]!, time: 40_000 + i * between }));
      return { ...recording, packets: [...recording.packets, ...many] };
    };
    expect(convertStream('x', turns(100), 'server').notes.join()).toContain('both directions at once');
    expect(convertStream('x', turns(10_000), 'server').notes.join()).not.toContain('at once');
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
    const far = (n: number): number => (n > 101 ? n + 5_000_000 : n);
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
      expect(() => convertStream('x', moved, role)).toThrow(/5000\d{3} bytes .* not in the capture/);
    }
  });
});
