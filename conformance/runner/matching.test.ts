import { describe, expect, it } from 'vitest';
import { ACK, decodePacket } from './decode.js';
import { acceptAll, type Emission, ESTABLISHED, LISTEN, runFake, SYNACK } from './fake-target.test.helper.js';

const synack: Emission = { at: 0, text: SYNACK };
const EXPECT_SYNACK = '+0 > S. 0:0(0) ack 1 win 5000 <mss 1460>\n';

async function verdict(script: string, emissions: Emission[] = [synack], options = {}) {
  const { result } = await runFake(script, emissions, { handler: acceptAll, ...options });
  return { verdict: result.verdict, field: result.failure?.field, summary: result.failure?.summary, result };
}

/** ESTABLISHED, then what the target sends at 0.1 s, expected as `expected`. */
const dataRun = (expected: string, emissions: Emission[], options = {}) =>
  verdict(`${ESTABLISHED}+.1 > ${expected}\n`, [synack, ...emissions], options);

describe('fields of an outbound segment', () => {
  const data = 'P. 1001:1101(100) ack 1 win 500';

  it('agree with the script in its own numbers', async () => {
    expect(await dataRun('P. 1:101(100) ack 1', [{ at: 1e5, text: data }])).toMatchObject({
      verdict: 'passed',
    });
  });

  it.each([
    ['. 1:101(100) ack 1', 'tcp_psh'],
    ['FP. 1:101(100) ack 1', 'tcp_fin'],
    ['RP. 1:101(100) ack 1', 'tcp_rst'],
    ['P.U 1:101(100) ack 1', 'tcp_urg'],
    ['PE. 1:101(100) ack 1', 'tcp_ece'],
    ['PW. 1:101(100) ack 1', 'tcp_cwr'],
    ['PA. 1:101(100) ack 1', 'tcp_ae'],
    ['P.5 1:101(100) ack 1', 'tcp_ace'],
    ['P. 2:102(100) ack 1', 'tcp_seq'],
    ['P. 1:101(100) ack 2', 'tcp_ack_seq'],
    ['P. 1:101(100) ack 1 win 501', 'tcp_window'],
    ['P. 1:101(100) ack 1 urg 3', 'tcp_urg_ptr'],
    ['P. 1:101(100) ack 1 <nop,nop,sackOK>', 'TCP option 1'],
    ['[tos 0x10] P. 1:101(100) ack 1', 'tos'],
    ['[ect0] P. 1:101(100) ack 1', 'ip_ecn'],
    ['[ttl 64] P. 1:101(100) ack 1', 'ttl'],
  ])('%s differs in %s', async (expected, field) => {
    expect(await dataRun(expected, [{ at: 1e5, text: data }])).toMatchObject({ verdict: 'failed', field });
  });

  it('leaves a window, IP octets and options alone that the script does not ask for', async () => {
    const emission = { at: 1e5, text: '[ce, ttl 7] . 1001:1001(0) ack 1 win 9 <nop,nop,sackOK>' };
    expect(await dataRun('. 1:1(0) ack 1 <...>', [emission])).toMatchObject({ verdict: 'passed' });
    expect(await dataRun('. 1:1(0) ack 1', [emission])).toMatchObject({
      verdict: 'failed',
      field: 'TCP option 1',
    });
  });

  it('takes ect01 for either codepoint and for no other', async () => {
    for (const [word, ok] of [
      ['ect0', true],
      ['ect1', true],
      ['ce', false],
      ['noecn', false],
    ] as const) {
      const emission = { at: 1e5, text: `[${word}] . 1001:1001(0) ack 1 win 9` };
      expect((await dataRun('[ect01] . 1:1(0) ack 1', [emission])).verdict).toBe(ok ? 'passed' : 'failed');
    }
  });

  it('reads the three ECN bits as one number when the script does', async () => {
    const emission = { at: 1e5, text: 'EA. 1001:1001(0) ack 1 win 9' };
    expect((await dataRun('.5 1:1(0) ack 1', [emission])).verdict).toBe('passed');
    expect(await dataRun('.4 1:1(0) ack 1', [emission])).toMatchObject({ field: 'tcp_ace' });
    expect((await dataRun('EA. 1:1(0) ack 1', [emission])).verdict).toBe('passed');
  });

  it('wants a payload of zeros and right checksums', async () => {
    const patched = (patch: Record<number, number>) =>
      dataRun('P. 1:101(100) ack 1', [{ at: 1e5, text: data, patch }]);
    expect(await patched({ 37: 0xff })).toMatchObject({ verdict: 'failed', field: 'tcp checksum' });
    expect(await patched({ 10: 0, 11: 0 })).toMatchObject({ verdict: 'failed', field: 'IP checksum' });
    // Words that sum up to all ones leave the checksum right.
    expect(await patched({ 41: 1, 42: 0xff, 43: 0xfe })).toMatchObject({ field: 'payload byte 1' });
    expect(await patched({ 32: 0x52, 40: 0xfd, 41: 0xff })).toMatchObject({ field: 'tcp_reserved_bits' });
  });
});

describe('options of an outbound segment', () => {
  const options = (wanted: string, sent: string) =>
    dataRun(`. 1:1(0) ack 1 <${wanted}>`, [{ at: 1e5, text: `. 1001:1001(0) ack 1 win 9 <${sent}>` }]);

  it.each([
    ['mss 1460', 'mss 1461', 'TCP option 1 (mss)'],
    ['nop,nop,nop,wscale 7', 'nop,nop,nop,wscale 8', undefined],
    ['nop,nop,sack 1:2', 'nop,nop,sack 2:3', 'TCP option 3 (sack)'],
    ['nop,nop,sackOK', 'sackOK,nop,nop', 'TCP option 1'],
    ['nop,nop,sackOK', 'nop,nop,sackOK,mss 5', 'TCP option 4'],
    ['FO 0011', 'FO 0012', 'TCP option 1 (FO)'],
  ])('<%s> is not <%s>', async (wanted, sent, field) => {
    const outcome = await options(wanted, sent);
    expect(outcome.verdict).toBe('failed');
    if (field) expect(outcome.field).toBe(field);
  });

  it('takes wildcards for values', async () => {
    expect((await options('mss *', 'mss 1461')).verdict).toBe('passed');
    expect((await options('nop,wscale *', 'nop,wscale 9')).verdict).toBe('passed');
    expect((await options('nop,wscale *', 'nop,nop,sackOK')).verdict).toBe('failed');
  });

  it('counts SACK edges from the remote initial sequence number', async () => {
    const script = `${LISTEN.replace('< S 0:0(0)', '< S 500:500(0)')}+0 > S. 0:0(0) ack 501 win 5000 <mss 1460>
+0 > . 1:1(0) ack 501 win 9 <nop,nop,sack 600:700>\n`;
    // The script's number of a SYN is the wire's own; all others count from it.
    const outcome = await verdict(script.replaceAll('ack 501 win 9', 'ack 1 win 9'), [
      { at: 0, text: 'S. 1000:1000(0) ack 501 win 5000 <mss 1460>' },
      { at: 1, text: '. 1001:1001(0) ack 501 win 9 <nop,nop,sack 1100:1200>' },
    ]);
    expect(outcome).toMatchObject({ verdict: 'passed' });
  });
});

describe('timestamps', () => {
  const syn = LISTEN.replace('<mss 1000>', '<mss 1000,nop,nop,TS val 100 ecr 0>');
  const expected = '+0 > S. 0:0(0) ack 1 win 5000 <mss 1460,nop,nop,TS val 50 ecr 100>\n';
  const sent: Emission = {
    at: 0,
    text: 'S. 1000:1000(0) ack 1 win 5000 <mss 1460,nop,nop,TS val 777000 ecr 100>',
  };

  it('maps an echo reply to the value that the target really sent', async () => {
    const { result, target } = await runFake(
      `${syn}${expected}+.01 < . 1:1(0) ack 1 win 1000 <nop,nop,TS val 110 ecr 50>\n`,
      [sent],
    );
    expect(result.verdict).toBe('passed');
    const reply = decodePacket(target.injected[1]!, 0).transport;
    expect(reply.kind === 'tcp' && Buffer.from(reply.options[2]!.data).readUInt32BE(4)).toBe(777_000);
  });

  it('refuses an echo reply of a value that was never sent, unless it may be scaled', async () => {
    const script = `${syn}${expected}+.01 < . 1:1(0) ack 1 win 1000 <nop,nop,TS val 110 ecr 60>\n`;
    const { result } = await runFake(script, [sent]);
    expect(result.failure?.summary).toContain('unable to infer the live TS ecr for script TS ecr 60');
    const scaled = await runFake(script, [sent], { options: { tcp_ts_ecr_scaled: true } });
    expect(scaled.result.verdict).toBe('passed');
    const reply = decodePacket(scaled.target.injected[1]!, 0).transport;
    expect(reply.kind === 'tcp' && Buffer.from(reply.options[2]!.data).readUInt32BE(4)).toBe(777_010);
  });

  it('compares values only when the length of a tick is known', async () => {
    const script = `${syn}${expected}+1 > . 1:1(0) ack 1 <nop,nop,TS val 1050 ecr 100>\n`;
    const later = (val: number): Emission[] => [
      sent,
      { at: 1e6, text: `. 1001:1001(0) ack 1 win 9 <nop,nop,TS val ${val} ecr 100>` },
    ];
    expect((await verdict(script, later(900_000))).verdict).toBe('passed');
    const tick = { options: { tcp_ts_tick_usecs: '1000' } };
    expect(await verdict(script, later(900_000), tick)).toMatchObject({ field: 'TS val' });
    expect((await verdict(script, later(778_100), tick)).verdict).toBe('passed');
    // 12.5 % of the second since the beginning may be missing, and no more.
    expect((await verdict(script, later(777_876), tick)).verdict).toBe('passed');
    expect((await verdict(script, later(777_874), tick)).verdict).toBe('failed');
  });
});

describe('times', () => {
  const at = (time: string, sent: number, options = {}) =>
    verdict(
      `${ESTABLISHED}${time} > . 1:1(0) ack 1\n`,
      [synack, { at: sent, text: '. 1001:1001(0) ack 1 win 9' }],
      options,
    );

  it.each([
    ['+.01', 14_000, 'passed'],
    ['+.01', 14_001, 'failed'],
    ['+.01', 6_000, 'passed'],
    ['+.01', 5_999, 'failed'],
    ['+1', 1_125_000, 'passed'],
    ['+1', 1_125_001, 'failed'],
    ['1', 875_000, 'passed'],
    ['1', 874_999, 'failed'],
    ['+.1~+.2', 212_500, 'passed'],
    ['+.1~+.2', 212_501, 'failed'],
    ['+.1~+.2', 87_500, 'passed'],
    ['+.1~+.2', 87_499, 'failed'],
    ['*', 12 * 3600e6, 'passed'],
  ])('%s for a packet at %i µs: %s', async (time, sent, expected) => {
    expect((await at(time, sent)).verdict).toBe(expected);
  });

  it('takes the tolerance from the options', async () => {
    expect((await at('+.01', 5_999, { options: { tolerance_usecs: '5000' } })).verdict).toBe('passed');
    expect((await at('+1', 1_200_000, { options: { tolerance_percent: '20' } })).verdict).toBe('passed');
  });

  it('gives up two seconds behind the expected time', async () => {
    const outcome = await at('+1', 3_100_000);
    expect(outcome.summary).toContain('Timed out waiting for packet');
    expect(outcome.summary).toContain('3.000000');
  });

  it('counts a relative time from when the event before really happened', async () => {
    const script = `${ESTABLISHED}+.1 > . 1:1(0) ack 1\n+.1 > . 1:1(0) ack 1\n`;
    const packets = (a: number, b: number): Emission[] =>
      [a, b].map((t) => ({ at: t, text: '. 1001:1001(0) ack 1 win 9' }));
    expect((await verdict(script, [synack, ...packets(109_000, 209_000)])).verdict).toBe('passed');
    expect((await verdict(script, [synack, ...packets(109_000, 190_000)])).verdict).toBe('failed');
  });

  it('counts an inbound packet behind an inbound packet from the scripted time', async () => {
    const { result, target } = await runFake(
      `${ESTABLISHED}+.1 < . 1:1(0) ack 1 win 5\n+.1 < . 1:1(0) ack 1 win 6\n`,
      [synack],
      {
        handler: acceptAll,
      },
    );
    expect(result.verdict).toBe('passed');
    expect(result.packets.filter((p) => p.direction === 'in').map((p) => p.time)).toEqual([
      0, 0, 100_000, 200_000,
    ]);
    expect(target.injected).toHaveLength(4 + 1); // and the reset at the end
  });
});

describe('segments', () => {
  const two: Emission[] = [
    { at: 1e5, text: '. 1001:2001(1000) ack 1 win 9' },
    { at: 1e5, text: 'P. 2001:3001(1000) ack 1 win 9' },
  ];

  it('are merged up to the length of the script', async () => {
    expect((await dataRun('P. 1:2001(2000) ack 1', two)).verdict).toBe('passed');
  });

  it('stay as they are with --strict_segments', async () => {
    const outcome = await dataRun('P. 1:2001(2000) ack 1', two, { options: { strict_segments: true } });
    expect(outcome).toMatchObject({ verdict: 'failed' });
  });

  it.each([
    ['ack', '. 1001:2001(1000) ack 2 win 9'],
    ['window', '. 1001:2001(1000) ack 1 win 8'],
    ['sequence number', '. 1002:2002(1000) ack 1 win 9'],
    ['payload length', '. 1001:1901(900) ack 1 win 9', '. 1901:2101(200) ack 1 win 9'],
  ])('that differ in %s are not merged', async (field, ...texts) => {
    const emissions =
      texts.length > 1 ? texts.map((text) => ({ at: 1e5, text })) : [{ at: 1e5, text: texts[0]! }, two[1]!];
    const outcome = await dataRun('P. 1:2001(2000) ack 1', emissions);
    expect(outcome.verdict).toBe('failed');
    expect(outcome.summary).toContain(field);
  });

  it('longer than the script says do not match', async () => {
    expect(await dataRun('P. 1:1501(1500) ack 1', two)).toMatchObject({
      verdict: 'failed',
      field: 'payload length',
    });
  });
});

describe('flows', () => {
  it('ignores packets of another connection', async () => {
    const stray: Emission = { at: 1e5, text: 'R. 5:5(0) ack 1 win 0', ports: [8080, 9999] };
    const outcome = await dataRun('. 1:1(0) ack 1', [
      stray,
      { at: 1e5 + 1, text: '. 1001:1001(0) ack 1 win 9' },
    ]);
    expect(outcome.verdict).toBe('passed');
    expect(outcome.result.packets.find((p) => p.fate === 'ignored')?.text).toContain(
      '192.168.0.1:8080 > 192.0.2.1:9999',
    );
  });

  it('finds an active open by the last connect()', async () => {
    const script = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > S 0:0(0) <mss 1460>
+.1 < S. 0:0(0) ack 1 win 1000 <mss 1000>
+0 > . 1:1(0) ack 1
`;
    const { result, target } = await runFake(script, [
      { at: 0, text: 'S 4242:4242(0) win 100 <mss 1460>', ports: [33333, 8080] },
      { at: 100_000, text: '. 4243:4243(0) ack 1 win 9', ports: [33333, 8080] },
    ]);
    expect(result.reason).toBe('');
    const reply = decodePacket(target.injected[0]!, 0).transport;
    expect(reply).toMatchObject({ sourcePort: 8080, destinationPort: 33333, ack: 4243 });
  });

  it('takes the newer of two SYNs to one remote end when the older cannot be meant', async () => {
    const script = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 sendto(3, ..., 80, MSG_FASTOPEN, ..., ...) = 80
+0 > S 0:80(80)
`;
    const { result } = await runFake(script, [
      { at: 0, text: 'S 7:7(0) win 100', ports: [40_000, 8080] },
      { at: 0, text: 'S 9:89(80) win 100', ports: [40_001, 8080] },
    ]);
    expect(result.reason).toBe('');
    expect(result.packets.map((p) => p.fate)).toEqual(['ignored', 'matched']);
  });

  it('runs two connections of one listener, told apart by their ends', async () => {
    const script = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 2) = 0
+0 < 192.0.2.1:5000 > 8080 S 0:0(0) win 1000
+0 > 8080 > 192.0.2.1:5000 S. 0:0(0) ack 1 win 10
+0 < 192.0.2.7:5001 > 8080 S 0:0(0) win 1000
+0 > 8080 > 192.0.2.7:5001 S. 0:0(0) ack 1 win 20
+0 < 192.0.2.1:5000 > 8080 . 1:1(0) ack 1 win 1000
`;
    const { result, target } = await runFake(script, [
      { at: 0, text: 'S. 100:100(0) ack 1 win 10', ports: [8080, 5000] },
    ]);
    // The second SYN-ACK never comes: the run fails there, having told the two apart up to that point.
    expect(result.failure?.span?.line).toBe(7);
    const second = decodePacket(target.injected[1]!, 0);
    expect(second.ip?.source).toBe('192.0.2.7');
    expect(second.transport).toMatchObject({ sourcePort: 5001 });
  });

  it('resets connections at the end with numbers that the target believes', async () => {
    const { target } = await runFake(`${ESTABLISHED}+0 < P. 1:11(10) ack 1 win 1000\n`, [synack], {
      handler: acceptAll,
    });
    const last = decodePacket(target.injected.at(-1)!, 0).transport;
    expect(last).toMatchObject({ kind: 'tcp', sequence: 11, ack: 1001 });
    expect(last.kind === 'tcp' && last.flags).toBe(ACK | 4);
  });

  it('says so when no socket can send a packet', async () => {
    expect((await verdict('0 > . 1:1(0) ack 1\n', [])).summary).toContain('no socket of the script');
  });
});

describe('--strict-end', () => {
  const extra: Emission = { at: 2e6, text: '. 1001:1001(0) ack 1 win 9' };
  const script = LISTEN + EXPECT_SYNACK;

  it('fails for a packet behind the last event', async () => {
    expect((await verdict(script, [synack, extra])).verdict).toBe('passed');
    const strict = await verdict(script, [synack, extra], { strictEnd: true });
    expect(strict.summary).toContain('no event of the script asks for');
    expect((await verdict(script, [synack, extra], { strictEnd: 1e6 })).verdict).toBe('passed');
  });

  it('fails for an ignored packet, too', async () => {
    const stray: Emission = { at: 0, text: 'R. 5:5(0) ack 1 win 0', ports: [8080, 9999] };
    expect((await verdict(script, [stray, synack], { strictEnd: true })).verdict).toBe('failed');
  });
});

describe('error texts', () => {
  it('say place, field, both packets and what came since the last match', async () => {
    const { result } = await dataRun('P. 1:101(100) ack 1 win 500', [
      { at: 99_000, text: '. 5:5(0) ack 1 win 3', ports: [8080, 7] },
      { at: 1e5, text: 'P. 1001:1101(100) ack 1 win 501' },
    ]);
    expect(result.reason).toBe(
      [
        'test.pkt:8:5: live packet field tcp_window: expected: 500 vs actual: 501',
        '  script packet: 0.100000 > P. 1:101(100) ack 1 win 500',
        '  actual packet: 0.100000 > P. 1:101(100) ack 1 win 501',
        '  since the last event that matched:',
        '    0.099000 > 192.168.0.1:8080 > 192.0.2.1:7 . 5:5(0) ack 1 win 3   (of no event)',
        '    0.100000 > P. 1:101(100) ack 1 win 501',
      ].join('\n'),
    );
    expect(result.failure).toMatchObject({
      kind: 'packet',
      expected: '500',
      actual: '501',
      span: { line: 8, column: 5 },
    });
  });

  it('are the same twice', async () => {
    const run = () => dataRun('. 1:1(0) ack 9', [{ at: 1e5, text: '. 1001:1001(0) ack 1 win 3' }]);
    const [a, b] = [await run(), await run()];
    expect({ ...a.result, milliseconds: 0 }).toEqual({ ...b.result, milliseconds: 0 });
  });
});
