// The project's own scripts keep the rules of their folder, and its README says what they are.
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseScriptHead, readScriptHeads, renderReadme, ScriptHeadError } from './script-index.js';

const folder = join(import.meta.dirname, '../../conformance/scripts');

const TOPICS = [
  'ack-policy',
  'close',
  'congestion',
  'data',
  'errors',
  'handshake',
  'keepalive',
  'options',
  'reordering',
  'reset',
  'retransmission',
  'window',
];

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ScriptHeadError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('the own scripts', () => {
  const heads = readScriptHeads(folder);

  it('number at least 80 and cover every topic', () => {
    expect(heads.length).toBeGreaterThanOrEqual(80);
    expect([...new Set(heads.map((head) => head.topic))]).toEqual(expect.arrayContaining(TOPICS));
  });

  it('expect something of the stack, so that a silent target cannot pass', () => {
    const idle = heads.filter((head) => {
      const text = readFileSync(join(folder, head.path), 'utf8');
      return !/^[^/`]*\s>\s/m.test(text);
    });
    expect(idle.map((head) => head.path)).toEqual([]);
  });

  it('say something different each', () => {
    const seen = new Map<string, string>();
    for (const head of heads) {
      expect(seen.get(head.sentence), `${head.path} says the same as`).toBeUndefined();
      seen.set(head.sentence, head.path);
    }
  });

  it('are listed in README.md as they are', () => {
    const readme = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(renderReadme(readme, heads), 'run node scripts/list-scripts.mjs').toBe(readme);
  });

  it('share a defaults.sh that can be executed and only sets sysctls and the queue', () => {
    const file = join(folder, 'common/defaults.sh');
    accessSync(file, constants.X_OK);
    const commands = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    const foreign = commands.filter(
      (line) =>
        !/^sysctl -q net\.ipv4\.tcp_\w+=("[\d ]+"|\d+)$/.test(line) &&
        !/^tc qdisc add dev tun0 root pfifo$/.test(line),
    );
    expect(foreign).toEqual([]);
  });
});

describe('the head of a script', () => {
  const init = '\n`../common/defaults.sh`\n    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n';

  it('gives sentence, citations and the note on Linux', () => {
    const text = `// A thing happens.\n// RFC 9293, section 3.5: why; section 3.6; RFC 7323, section 2.2.\n// Linux differs: so.\n${init}`;
    expect(parseScriptHead('topic/name.pkt', text)).toEqual({
      path: 'topic/name.pkt',
      topic: 'topic',
      sentence: 'A thing happens.',
      citations: ['RFC 9293 §3.5', 'RFC 9293 §3.6', 'RFC 7323 §2.2'],
      linuxDiffers: 'so.',
    });
  });

  it('is refused without a sentence, a citation or the defaults, and with an address', () => {
    expect(codeOf(() => parseScriptHead('a/b.pkt', init))).toBe('ENOSENTENCE');
    expect(codeOf(() => parseScriptHead('a/b.pkt', `// A thing.\n// See the RFC.\n${init}`))).toBe(
      'ENOCITATION',
    );
    const head = '// A thing.\n// RFC 9293, section 3.5: why.\n';
    expect(codeOf(() => parseScriptHead('a/b.pkt', `${head}0 close(3) = 0\n`))).toBe('ENODEFAULTS');
    expect(codeOf(() => parseScriptHead('a/b.pkt', `${head}--local_ip=10.0.0.1\n${init}`))).toBe('EADDRESS');
    expect(codeOf(() => parseScriptHead('a/b.pkt', `${head}${init}`))).toBe('no error');
  });
});
