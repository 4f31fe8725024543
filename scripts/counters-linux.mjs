#!/usr/bin/env node
// Asks this machine's kernel for the names of its counters and for what it counts when the packets of
// stack/host/counters-linux.json come, and writes both there. As root, after a build; the network namespace is its own.
//   node scripts/counters-linux.mjs
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { readArguments } from './arguments.mjs';

if (isMainThread) readArguments();

const dist = new URL('../dist/', import.meta.url);
const file = new URL('../stack/host/counters-linux.json', import.meta.url);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function measure(cases) {
  const load = (path) => import(new URL(path, dist));
  const { unshareNetwork } = await load('stack/link/linux/namespace.js');
  const { TunLink } = await load('stack/link/tun.js');
  const { Arena } = await load('stack/channel/arena.js');
  const { PacketPool } = await load('stack/channel/pool.js');
  const { LinuxShellHost } = await load('conformance/targets/linux/shell-host.js');
  unshareNetwork();
  const host = new LinuxShellHost('cubic', () => null);
  const ip = (...args) => execFileSync('ip', args);
  const pool = PacketPool.create(Arena.create(1 << 22), { small: 64, large: 4 });
  const party = pool.party(pool.addParty({ small: 64, large: 4 }));
  const link = new TunLink({ kind: 'tun', name: 'tun0', offload: false, up: false });
  for (const name of [
    'ipv6.conf.tun0.accept_dad',
    'ipv6.conf.tun0.router_solicitations',
    'ipv4.icmp_ratelimit',
  ])
    host.setSysctl(`net.${name}`, '0');
  host.setSysctl('net.ipv6.icmp.ratelimit', '0');
  ip('link', 'set', 'lo', 'up');
  ip('link', 'set', 'tun0', 'up');
  ip('address', 'add', '10.0.0.2/24', 'dev', 'tun0');
  ip('-6', 'address', 'add', 'fd00::2/64', 'dev', 'tun0', 'nodad');
  ip('route', 'add', 'default', 'dev', 'tun0');
  ip('-6', 'route', 'add', 'default', 'dev', 'tun0');
  await sleep(4000); // what the kernel says of its groups
  const batch = new Uint32Array(16);
  const results = [];
  for (const { packets } of cases) {
    for (let count = link.receive(1, party, batch, 16); count > 0; count = link.receive(1, party, batch, 16))
      for (let i = 0; i < count; i++) party.release(batch[i]);
    const before = host.counters();
    for (const packet of packets) {
      const bytes = Buffer.from(packet, 'hex');
      batch[0] = party.alloc(bytes.length);
      party.bytes.set(bytes, party.start(batch[0]));
      party.setLength(batch[0], bytes.length);
      link.transmit(1, party, batch, 1);
      party.release(batch[0]);
    }
    await sleep(30);
    const moved = Object.entries(host.counters()).map(([name, value]) => [name, value - (before[name] ?? 0)]);
    results.push(Object.fromEntries(moved.filter(([, value]) => value !== 0)));
  }
  link.close();
  parentPort.postMessage(results);
}

if (!isMainThread) await measure(workerData);
else {
  const { cases } = JSON.parse(readFileSync(file, 'utf8'));
  const results = await new Promise((done, fail) => {
    new Worker(new URL(import.meta.url), { workerData: cases }).once('message', done).once('error', fail);
  });
  const listed = execFileSync('unshare', ['-n', 'nstat', '-asz'], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .slice(1);
  const names = listed.map((line) => line.split(' ')[0]);
  const source = `Linux ${release().split('.').slice(0, 2).join('.')}: nstat -asz, and what a host with 10.0.0.2/24 and fd00::2/64 counts`;
  const measured = cases.map(({ name, packets }, i) => ({ name, packets, counters: results[i] }));
  writeFileSync(file, `${JSON.stringify({ source, names, cases: measured }, null, 1)}\n`);
}
