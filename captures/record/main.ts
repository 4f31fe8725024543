// Records the corpus: `node dist/captures/record/main.js DIR [name…]`, as root on Linux with iproute2, dumpcap and the
// programs that situations.ts names. Everything happens in two network namespaces of its own, which are removed again.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DERIVED } from './derived.js';
import { ADDRESSES } from './programs.js';
import type { Situation } from './situation.js';
import { SITUATIONS } from './situations.js';
import { Wire } from './wire.js';

const SPACES = [`ncrec${process.pid}c`, `ncrec${process.pid}s`] as const;
const ip = (...args: string[]): void => {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
};

/** Both namespaces with a device each, addresses and a route to the other. */
function prepare(devices: readonly [string, string], move: boolean): void {
  for (const side of [0, 1] as const) {
    const space = SPACES[side];
    const device = devices[side];
    if (move) ip('link', 'set', device, 'netns', space);
    ip('-n', space, 'link', 'set', 'lo', 'up');
    ip('-n', space, 'addr', 'add', `${ADDRESSES[4][side]}/24`, 'dev', device);
    ip('-n', space, 'addr', 'add', `${ADDRESSES[6][side]}/64`, 'dev', device, 'nodad');
    ip('-n', space, 'link', 'set', device, 'up');
  }
}

function run(side: 0 | 1, command: string, folder: string): ChildProcess {
  return spawn('ip', ['netns', 'exec', SPACES[side], 'timeout', '20', 'sh', '-c', command], {
    env: { ...process.env, DIR: folder, GIT_CONFIG_GLOBAL: '/dev/null' },
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
}

const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null ? Promise.resolve() : new Promise((done) => child.once('exit', () => done()));

async function record(situation: Situation, output: string): Promise<void> {
  for (const space of SPACES) ip('netns', 'add', space);
  const folder = mkdtempSync(join(tmpdir(), 'ncrec-'));
  let wire: Wire | null = null;
  const children: ChildProcess[] = [];
  try {
    const devices = ['ncrec0', 'ncrec1'] as const;
    if (situation.veth) {
      ip(
        '-n',
        SPACES[0],
        'link',
        'add',
        devices[0],
        'type',
        'veth',
        'peer',
        'name',
        devices[1],
        'netns',
        SPACES[1],
      );
      prepare(devices, false);
    } else {
      wire = new Wire(devices);
      wire.use(situation.wire);
      prepare(devices, true);
    }
    for (const space of SPACES) {
      for (const setting of situation.sysctls ?? [])
        execFileSync('ip', ['netns', 'exec', space, 'sysctl', '-qw', setting]);
    }
    const side = situation.at === 'server' ? 1 : 0;
    const file = join(output, `${situation.name}.${situation.format ?? 'pcap'}`);
    const format = situation.format === 'pcapng' ? [] : ['-P'];
    const snap = situation.snap ? ['-s', String(situation.snap)] : [];
    if (situation.server) children.push(run(1, situation.server, folder));
    const capture = run(
      side,
      [
        'exec dumpcap -q',
        ...format,
        ...snap,
        '-f "tcp or icmp or (ip[6:2] & 0x3fff != 0) or ip6[6] == 58"',
        `-i ${devices[side]} -w ${file} 2>/dev/null`,
      ].join(' '),
      folder,
    );
    children.push(capture);
    await sleep(1200);
    await ended(run(0, situation.client, folder));
    await sleep(400);
    process.kill(-capture.pid!, 'SIGINT');
    await ended(capture);
    process.stdout.write(`${situation.name}: ${statSync(file).size} bytes\n`);
  } finally {
    for (const child of children) {
      if (child.exitCode === null && child.pid !== undefined) {
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It ended by itself meanwhile.
        }
      }
    }
    wire?.close();
    for (const space of SPACES) ip('netns', 'del', space);
    rmSync(folder, { recursive: true, force: true });
  }
}

function derive(output: string): void {
  for (const { name, from, frames } of DERIVED) {
    const source = join(output, `${from}.pcap`);
    if (!existsSync(source)) continue;
    execFileSync(
      'editcap',
      ['-F', 'pcap', '-r', source, join(output, `${name}.pcap`), ...frames.split(' ')],
      {
        stdio: 'ignore',
      },
    );
  }
}

/** The list of what is in the folder, a line each. */
function describe(output: string): void {
  const lines = [...SITUATIONS, ...DERIVED]
    .map((s) => ({ shows: s.shows, file: `${s.name}.${('format' in s && s.format) || 'pcap'}` }))
    .filter(({ file }) => existsSync(join(output, file)))
    .map(({ file, shows }) => {
      chmodSync(join(output, file), 0o644);
      return `| ${file} | ${shows} |`;
    });
  const head = `# Captures of real programs on Linux

Recorded between two network namespaces by \`node dist/captures/record/main.js DIR\` (this list is written by it, too).
The kernel is at both ends; loss, reordering, marks and routers are made by the wire between them (4 ms each way).
\`npm test\` puts every stream together, compares it with tshark's, and replays it against the stack.

| file | what it shows |
| --- | --- |
`;
  writeFileSync(join(output, 'README.md'), `${head}${lines.join('\n')}\n`);
}

const [folder, ...names] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node main.js DIR [situation…]');
const output = resolve(folder);
mkdirSync(output, { recursive: true });
for (const situation of SITUATIONS) {
  if (names[0] === '--list' || (names.length > 0 && !names.includes(situation.name))) continue;
  const lacks = (situation.needs ?? []).filter((program) => spawnSync('which', [program]).status !== 0);
  if (lacks.length > 0) process.stdout.write(`${situation.name}: left out, no ${lacks.join(', ')} here\n`);
  else await record(situation, output);
}
derive(output);
describe(output);
process.exit(0);
