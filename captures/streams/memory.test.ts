// A capture larger than the memory that reading it may take, made on the fly and read through a pipe.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fileHeader, record } from '../../stack/link/pcap-format.js';
import { TCP_ACK } from '../../stack/wire/tcp.js';
import { LINKTYPE_RAW } from '../frame.js';
import { packet4 } from './build.test.helper.js';

const MIB = 1 << 20;
const SEGMENT = 1448;
/** Segments of a connection, and those that the capture lacks: what waits behind a hole is bounded as well. */
const LIFE = 3000;
const LOST = 40;

/** `size` bytes of bulk transfers, one after the other, each with a hole in front of everything. */
function* capture(size: number): Generator<Buffer> {
  yield Buffer.from(fileHeader(LINKTYPE_RAW));
  const first = { from: 1000, to: 80, seq: 0, ack: 1, flags: TCP_ACK };
  const one = Buffer.from(
    record({ seconds: 1, nanoseconds: 0 }, packet4({ ...first, data: new Uint8Array(SEGMENT) })),
  );
  let n = 0;
  for (let made = 0; made < size; ) {
    const chunk = Buffer.concat(Array.from({ length: 400 }, () => one));
    for (let at = 0; at < chunk.length; at += one.length, n++) {
      const step = n % LIFE;
      chunk.writeUInt16BE(1000 + Math.floor(n / LIFE), at + 16 + 20);
      chunk.writeUInt32BE(SEGMENT * (step === 0 ? 0 : step + LOST), at + 16 + 24);
    }
    made += chunk.length;
    yield chunk;
  }
}

describe('memory', () => {
  it('does not grow with the capture', async () => {
    const table = fileURLToPath(new URL('./table.js', import.meta.url));
    const program = `const { readStreams } = await import(${JSON.stringify(table)});
      const table = await readStreams('-', {}, { held: ${4 * MIB} });
      console.log(JSON.stringify({ streams: table.size, rss: process.resourceUsage().maxRSS * 1024 }));`;
    const child = spawn(process.execPath, ['--max-old-space-size=64', '--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let said = '';
    child.stdout.on('data', (text) => (said += text));
    const closed = once(child, 'close');
    const size = 200 * MIB;
    for (const chunk of capture(size)) if (!child.stdin.write(chunk)) await once(child.stdin, 'drain');
    child.stdin.end();
    expect((await closed)[0]).toBe(0);
    const { streams, rss } = JSON.parse(said);
    expect(streams).toBe(Math.ceil(size / ((SEGMENT + 56) * LIFE)));
    // Node itself takes some 50 MiB; the capture is several times the bound.
    expect(rss).toBeLessThan(size / 1.2);
  }, 120_000);
});
