// Streams become scripts that parse and pass on the stack, but for those that do not show enough; and what a script's run
// put on the wire becomes a script with the same verdict.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyScript } from '../../conformance/language/index.js';
import type { IpVersion } from '../../conformance/runner/presets.js';
import { runScript } from '../../conformance/runner/run.js';
import { captureBytes } from '../../conformance/suite/pcap.js';
import { targetFactory } from '../../conformance/targets/registry.js';
import { collect, type Recording } from '../replay/recording.js';
import { NotReplayable } from '../replay/situation.js';
import { optionText } from './option-text.js';
import { convertStream } from './script.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const corpus = join(root, 'captures/corpus');
const captures = readdirSync(corpus).filter((name) => /\.pcap(ng)?$/.test(name));

async function recordings(path: string): Promise<Recording[]> {
  const list: Recording[] = [];
  await collect(path, (recording) => list.push(recording));
  return list;
}

async function run(text: string, file: string, ipVersion: IpVersion) {
  return await runScript(text, { target: await targetFactory('stack'), file, ipVersion });
}

/** Streams whose scripts fail on the stack, and why. */
const UNTOLD_STREAMS = new Set([
  // Where its missing beginning was cut into super-packets decides where the rest has PSH.
  'begins-mid-stream.pcap 0 client',
  // It acknowledges what was never sent.
  'wrong-ack.pcap 0 client',
  // Linux acknowledged in order and behind a hole with one ACK, since its application held the socket when both came.
  'reordering.pcap 0 client',
  // With ticks of a millisecond the reordering timer runs out before an ACK that came in front of a kernel's tick of four.
  'reordering.pcap 0 server',
]);

describe('the corpus', () => {
  it.each(captures)('%s becomes scripts that parse and print', async (name) => {
    for (const recording of await recordings(join(corpus, name))) {
      for (const role of ['client', 'server'] as const)
        verifyScript(convertStream(name, recording, role).text, { file: name });
    }
  });

  it.each(captures)('%s: its scripts pass on the stack, but those that are told', async (name) => {
    for (const recording of await recordings(join(corpus, name))) {
      for (const role of ['client', 'server'] as const) {
        const entry = `${name} ${recording.index} ${role}`;
        const { text } = convertStream(name, recording, role);
        const result = await run(text, name, recording.ipv6 ? 'ipv6' : 'ipv4');
        if (UNTOLD_STREAMS.has(entry)) expect(`${entry} ${result.verdict}`).toBe(`${entry} failed`);
        else expect(`${entry} ${result.verdict} ${result.reason}`).toBe(`${entry} passed `);
      }
    }
  });

  it('is told about few streams that their scripts fail', async () => {
    let streams = 0;
    for (const name of captures) streams += 2 * (await recordings(join(corpus, name))).length;
    expect(UNTOLD_STREAMS.size / streams).toBeLessThan(0.03);
  });

  it('fails on a stack that does something else', async () => {
    const [recording] = await recordings(join(corpus, 'loss-one.pcap'));
    const { text } = convertStream('x', recording!, 'server');
    const other = text.replace('net.ipv4.tcp_sack=1', 'net.ipv4.tcp_sack=0');
    expect((await run(other, 'x.pkt', 'ipv4')).verdict).toBe('failed');
  });

  it('writes what fills up the option list behind its end', () => {
    const options = Uint8Array.of(2, 4, 5, 0xb4, 4, 2, 0, 0);
    const numbers = { sackBase: 0, value: (n: number) => n, echo: (n: number) => n };
    expect(optionText(options, numbers)).toBe('mss 1460,sackOK,eol,eol');
  });

  it('says what cannot be told', async () => {
    const [far] = await recordings(join(corpus, 'http-curl.pcap'));
    expect(convertStream('x', far!, 'server').notes.join()).toMatch(/ms away .* estimates/);
    const oneSided = { ...far!, packets: far!.packets.filter((p) => p.direction === 0) };
    expect(() => convertStream('x', oneSided, 'client')).toThrow(NotReplayable);
    const asked = { ...far!, packets: far!.packets.slice(0, 1) };
    expect(convertStream('x', asked, 'client').text).toMatch(/> S 0:0\(0\) <.*>\n$/);
  });
});

// ------------------------------------------------------------- scripts

/** Scripts with streams that are refused: a SYN into an established connection begins one of which nothing else is told; MD5. */
const REFUSED = new Map([
  ['close/time-wait-syn-unheard', 'challenge ACK'],
  ['reset/challenge-ack-limited', 'challenge ACK'],
  ['reset/syn-in-established', 'challenge ACK'],
  ['options/unexpected-md5', 'RFC 2385'],
]);

/** Scripts whose capture does not show what made their packets so, and what that is. */
const UNTOLD = new Set([
  'ack-policy/delay-bounded-by-option', // TCP_DELACK_MAX_US
  'ack-policy/foreseen-ack-moves-none', // TCP_DEFER_ACCEPT on the client's socket
  'close/fin-timeout-sysctl', // tcp_fin_timeout
  'close/fin-wait-2-record-syn', // TCP_LINGER2
  'close/fin-wait-2-timeout', // TCP_LINGER2
  'close/reset-in-urgent-mode', // urgent data that was never sent
  'close/time-wait-rst-ignored', // tcp_rfc1337
  'congestion/congestion-avoidance', // Reno
  'congestion/fast-retransmit-halves', // Reno
  'congestion/idle-restart-off', // tcp_slow_start_after_idle
  'data/write-blocking', // SO_SNDBUF
  'data/send-buffer-grows-again', // writes with MSG_OOB, which end elsewhere
  'data/super-packet-size', // TCP_MAXSEG, below what an MTU of IPv6 says
  'fastopen/client-data-without-cookie', // a first write smaller than the segment that it shares with the second
  'handshake/syn-cookie', // tcp_syncookies
  'handshake/synack-retries-end', // tcp_synack_retries
  'keepalive/answered', // SO_KEEPALIVE taken back
  'options/minimum-hop-count-v6', // IPV6_MINHOPCOUNT
  'options/minimum-ttl-v4', // IP_MINTTL
  'options/mss-set-by-user', // TCP_MAXSEG, below what an MTU of IPv6 says
  'retransmission/frto-new-data', // tcp_early_retrans
  'retransmission/rto-maximum', // TCP_RTO_MAX_MS
  'retransmission/rto-minimum-sysctl', // tcp_rto_min_us
  'retransmission/spurious-timeout-by-timestamp', // tcp_early_retrans
  'retransmission/thin-linear-timeouts', // TCP_THIN_LINEAR_TIMEOUTS
  'sack/neighbours-join', // writes of one full segment each, all at once
  'sack/prune-forgets-duplicate', // SO_RCVBUF of a connection that is there
  'window/beyond-edge-behind-read-fin', // when the program read
  'window/fin-beyond-edge', // a close() before the last data went
  'window/overdrawn-once', // SO_RCVBUF of a connection that is there
  'window/reserved-memory-taken', // SO_RCVBUF of a connection that is there
  'window/zero-window-many-probes', // tcp_retries2
  'window/zero-window-user-timeout', // that data waits for a window that never opens
]);

const scripts = join(root, 'conformance/scripts');
const names = readdirSync(scripts, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.pkt'))
  .map((name) => name.slice(0, -4))
  .sort();

describe('capture of a run, converted', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'netchannel-convert-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is tried on what there is', () => {
    expect(names.length).toBeGreaterThan(300);
    for (const name of [...UNTOLD, ...REFUSED.keys()]) expect(names).toContain(name);
  });

  it.each(names)('%s has the same verdict, but for those that are told', async (name) => {
    const file = join(scripts, `${name}.pkt`);
    const differences: string[] = [];
    for (const version of ['ipv4', 'ipv6'] as const) {
      const first = await run(readFileSync(file, 'utf8'), file, version);
      // A script of one IP version only fails in the other, and its capture tells nothing.
      if (first.packets.length === 0 || first.verdict !== 'passed') continue;
      const path = join(folder, 'run.pcap');
      writeFileSync(path, captureBytes(first));
      for (const recording of await recordings(path)) {
        const local = version === 'ipv4' ? '192.168.' : '[fd3d:a0b:17d6::';
        const role = recording.ends[recording.client].startsWith(local) ? 'client' : 'server';
        let text: string;
        try {
          text = convertStream(name, recording, role).text;
        } catch (error) {
          expect(error).toBeInstanceOf(NotReplayable);
          expect((error as NotReplayable).message).toContain(REFUSED.get(name) ?? 'nothing is refused');
          continue;
        }
        const second = await run(text, `${name}.pkt`, version);
        if (second.verdict !== first.verdict) differences.push(`${version}: ${second.reason}`);
      }
    }
    if (UNTOLD.has(name)) expect(differences).not.toEqual([]);
    else expect(differences).toEqual([]);
  });
});
