// Captures of exchanges: what is kept of packets, and that a run which differs from the captured one is told packet by packet; and
// what has to lie beside a filed failure.
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { captureDifference, exchangeCapture } from './exchange.js';
import { checkExchange, writeExchange, writeFailedExchange } from './exchange-files.js';
import { REGRESSIONS, readRegression, writeRegression } from './filing.js';
import { buildIp, buildTcp, SYN } from './packets.js';
import type { ExchangePacket } from './target.js';

const [src, dst] = [Uint8Array.of(10, 0, 0, 1), Uint8Array.of(10, 0, 0, 2)];
const segment = (time: number, seq: number, bytes = 0): ExchangePacket => {
  const payload = new Uint8Array(bytes);
  const tcp = buildTcp(src, dst, { srcPort: 1, dstPort: 2, seq, ack: 0, flags: SYN, window: 9, payload });
  return { time, direction: 'out', bytes: buildIp({ src, dst, protocol: 6, payload: tcp }) };
};

describe('captures', () => {
  test('the first packet that differs is told, by bytes, by time or by its lack', () => {
    const filed = exchangeCapture([segment(0, 5), segment(1_500_000, 6)]);
    const differs = (...packets: ExchangePacket[]): string | undefined =>
      captureDifference(filed, exchangeCapture(packets));
    expect(differs(segment(0, 5), segment(1_500_000, 6))).toBeUndefined();
    expect(differs(segment(0, 5), segment(1_500_000, 7))).toMatch(
      /^packet 2 was 1\.500000 .*seq 6,.*, and is 1\.500000 .*seq 7,/,
    );
    expect(differs(segment(0, 5), segment(1_500_001, 6))).toMatch(/^packet 2 was 1\.500000 .* is 1\.500001 /);
    expect(differs(segment(0, 5))).toMatch(/^packet 2 was 1\.500000 .*, and is none$/);
    expect(differs(segment(0, 5), segment(1_500_000, 6), segment(2e6, 7))).toMatch(
      /^packet 3 was none, and is 2/,
    );
    expect(captureDifference(filed.subarray(0, 10), filed)).toBe('it is another kind of capture');
  });

  test('of a long exchange headers are kept, and lengths', () => {
    const long = exchangeCapture(Array.from({ length: 60 }, (_, i) => segment(i, i, 1400)));
    expect(long.length).toBe(24 + 60 * (16 + 128));
    expect(Buffer.from(long).readUInt32LE(24 + 12)).toBe(1440);
    expect(exchangeCapture([segment(0, 0, 1400)]).length).toBe(24 + 16 + 1440);
  });
});

describe('what lies beside', () => {
  const folder = mkdtempSync(join(tmpdir(), 'netchannel-exchange-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const filed = (name: string): { path: string; file: (end: string) => string } => {
    const file = (end: string): string => join(folder, `${name.split('/')[1]}.${end}`);
    copyFileSync(join(REGRESSIONS, `${name}.json`), file('json'));
    return { path: file('json'), file };
  };

  test('a capture and a script have to be there, and to be those of the run', async () => {
    const { path, file } = filed('tcp/data-over-the-syn-is-no-cookie');
    expect(await checkExchange(path)).toContain('no capture of its exchange lies beside it');
    expect((await writeExchange(path)).files).toEqual([file('pcap'), file('pkt')]);
    expect(await checkExchange(path)).toBeUndefined();

    const script = readFileSync(file('pkt'), 'utf8');
    writeFileSync(file('pkt'), script.replace(/^\+0 > S\. 0:0\(0\) ack 1 /m, '+0 > S. 0:0(0) ack 2 '));
    expect(await checkExchange(path)).toContain('tcp_ack_seq');
    rmSync(file('pkt'));
    expect(await checkExchange(path)).toContain('it has neither a script nor a reason');
    writeRegression(path, { ...readRegression(path), scriptless: 'nobody tried' });
    expect(await checkExchange(path)).toContain('a script can tell it, whatever is filed (nobody tried)');
    writeFileSync(file('pkt'), script);
    expect(await checkExchange(path)).toContain('there is a script, and a reason');
    // Written again, the reason that is none goes.
    await writeExchange(path);
    expect(await checkExchange(path)).toBeUndefined();

    const capture = readFileSync(file('pcap'));
    capture[capture.length - 1] ^= 1;
    writeFileSync(file('pcap'), capture);
    expect(await checkExchange(path)).toMatch(/the exchange is not the captured one: packet \d+ was/);
  });

  test('a reason has to be the one why there is no script', async () => {
    const { path, file } = filed('network/a-handshake-given-up-leaves-the-client-alone');
    const { scriptless, ...rest } = readRegression(path);
    writeRegression(path, rest);
    expect(await writeExchange(path)).toEqual({ files: [file('pcap')], scriptless });
    expect(readRegression(path).scriptless).toBe(scriptless);
    expect(await checkExchange(path)).toBeUndefined();
    writeRegression(path, { ...rest, scriptless: 'another' });
    expect(await checkExchange(path)).toContain('no script tells it, but for another reason');
  });

  test('of several hosts the file says at which it showed', async () => {
    const { path } = filed('network/a-neighbour-behind-a-partition-is-unreachable');
    const { place, ...rest } = readRegression(path);
    expect(place).toEqual({ host: 'client 0', port: 20_000 });
    writeRegression(path, rest);
    await expect(checkExchange(path)).rejects.toThrow('does not say at which of them it showed');
  });

  test('what exchanges no packets has nothing beside it', async () => {
    const { path } = filed('language/minus-zero-is-printed-as-zero');
    expect(await writeFailedExchange(path)).toBeUndefined();
    expect(await writeExchange(path)).toEqual({ files: [] });
    expect(await checkExchange(path)).toBeUndefined();
  });
});
