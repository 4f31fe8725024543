import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { lackOfTun, skipWithoutTun } from '../stack/link/require-tun.test.helper.js';
import { CASES } from './cases/index.js';
import { findProgram, Programs } from './programs.js';
import { junitXml, matrix, resultLine, totalsLine } from './report.js';
import { closeDescriptors, runPeers, selectCases } from './run.js';
import type { CaseResult, Condition, DeviceKind } from './types.js';

const required = process.env.NETCHANNEL_REQUIRE_TUN === '1';

/** The short share of every run: one cell of each kind. `netchannel peers` runs them all. */
const SHARE: [string, 4 | 6, Condition, DeviceKind][] = [
  ['ping', 4, 'clean', 'tap'],
  ['ping', 6, 'impaired', 'packet'],
  ['traceroute', 6, 'clean', 'tun'],
  ['neighbour', 4, 'clean', 'tap'],
  ['dad', 6, 'clean', 'packet'],
  ['own-addresses', 6, 'clean', 'packet'],
  ['dhcp', 4, 'clean', 'tap'],
  ['slaac', 6, 'clean', 'tap'],
  ['mld-snooping', 6, 'clean', 'tap'],
  ['igmp-snooping', 4, 'clean', 'packet'],
  ['udp', 6, 'clean', 'tun'],
  ['bulk-receive', 4, 'impaired', 'packet'],
  ['bulk-receive', 6, 'clean', 'tap'],
  ['bulk-send', 4, 'clean', 'packet'],
  ['bulk-send', 6, 'impaired', 'tun'],
  ['http-server', 4, 'clean', 'packet'],
  ['http-client', 6, 'clean', 'tun'],
  ['iperf3-server', 4, 'clean', 'tap'],
  ['iperf3-client', 6, 'clean', 'packet'],
  ['interactive', 4, 'clean', 'tap'],
  ['short-accepted', 6, 'clean', 'packet'],
  ['short-opened', 4, 'impaired', 'tap'],
  ['half-close', 4, 'impaired', 'packet'],
  ['abort', 6, 'clean', 'packet'],
  ['refused', 4, 'clean', 'tap'],
  ['urgent', 6, 'clean', 'tun'],
  ['zero-window', 4, 'clean', 'tun'],
  ['window-64k', 6, 'impaired', 'packet'],
  ['mtu-576', 4, 'impaired', 'tap'],
  ['mtu-9000', 6, 'clean', 'packet'],
  ['path-mtu', 6, 'clean', 'tap'],
  ['ecn', 4, 'clean', 'tap'],
  ['fastopen-client', 4, 'clean', 'tap'],
  ['fastopen-server', 6, 'clean', 'tap'],
  ['syn-flood', 4, 'clean', 'tap'],
  ['hping3-flood', 4, 'clean', 'tun'],
];

const lack = lackOfTun();

describe.skipIf(skipWithoutTun())(`against the kernel (skipped: ${lack})`, () => {
  it.each(SHARE)('%s, IPv%i, %s, %s', { timeout: 200_000 }, async (name, family, condition, device) => {
    const [result, ...more] = await runPeers({
      cases: [name],
      families: [family],
      conditions: [condition],
      devices: [device],
      scale: 'short',
    });
    expect(more).toEqual([]);
    // A program that is not installed is no fault, except where everything has to be there.
    if (result.status === 'skipped' && !required) return;
    expect(result.status, `${result.reason}\n${result.notes.join('\n')}`).toBe('passed');
  });

  it.each(['throw', 'terminate'])('leaves nothing behind after a crash: %s', async (how) => {
    const worker = new Worker(new URL('./peers-crash.test.helper.js', import.meta.url), {
      workerData: { how },
    });
    worker.on('error', () => {});
    const gone = new Promise((resolve) => worker.once('exit', resolve));
    const [{ link, namespace, descriptors }] = (await once(worker, 'message')) as [
      { link: string; namespace: string; descriptors: number[] },
    ];
    expect(link).toMatch(/^nc0 /);
    expect(namespace).not.toBe(readlinkSync('/proc/self/ns/net'));
    expect(openDevices()).toBe(1);
    if (how === 'terminate') void worker.terminate();
    await gone;
    closeDescriptors(descriptors);
    expect(namespacesInUse()).not.toContain(namespace);
    expect(openDevices()).toBe(0);
  });
});

/** Descriptors of this process on /dev/net/tun. */
function openDevices(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === '/dev/net/tun';
    } catch {
      return false; // That of the folder itself.
    }
  }).length;
}

/** Of all threads of this process. */
function namespacesInUse(): string[] {
  return readdirSync('/proc/self/task').map((id) => {
    try {
      return readlinkSync(`/proc/self/task/${id}/ns/net`);
    } catch {
      return ''; // It ended while we looked.
    }
  });
}

describe('the list of cases', () => {
  it('has a name and a sentence for each, once', () => {
    expect(new Set(CASES.map((c) => c.name)).size).toBe(CASES.length);
    for (const { name, about } of CASES) {
      expect(name).toMatch(/^[a-z0-9-]+$/);
      expect(about.length).toBeGreaterThan(20);
    }
  });

  it('selects by name, family and condition, and knows what there is not', () => {
    const ids = selectCases({ cases: ['dad'] }).map(({ id }) => id);
    expect(ids).toEqual([
      { name: 'dad', family: 6, condition: 'clean', device: 'tap' },
      { name: 'dad', family: 6, condition: 'clean', device: 'packet' },
    ]);
    expect(selectCases({ families: [4] }).every(({ id }) => id.family === 4)).toBe(true);
    expect(() => selectCases({ cases: ['nothing'] })).toThrow(/there is no case nothing; there are ping/);
  });

  it('covers every case in the short share or is known to be long', () => {
    const long = [
      'address-conflict',
      'bulk-duplex',
      'dhcp-decline',
      'keepalive',
      'window-4m',
      'small-messages',
      'no-options',
    ];
    const ordinary = CASES.filter((c) => c.conditions?.length !== 0);
    const missing = ordinary.map((c) => c.name).filter((name) => !SHARE.some(([n]) => n === name));
    expect(missing.filter((name) => !/^mtu-/.test(name)).sort()).toEqual(long.sort());
  });
});

describe('programs', () => {
  it('are found in system folders, and say why they failed', async () => {
    expect(findProgram('sh')).toMatch(/\/sh$/);
    expect(findProgram('no-such-program')).toBeNull();
    const programs = new Programs(() => {});
    await expect(programs.run('sh', ['-c', 'echo wrong >&2; exit 3'])).rejects.toThrow(/status 3, wrong/);
    expect(() => programs.start('no-such-program', [])).toThrow(/not installed/);
    const one = programs.start('sh', ['-c', 'echo word one; read x; echo got $x']);
    expect(await one.says('word')).toBe('one');
    one.tell('this');
    expect(await one.says('got')).toBe('this');
    const two = programs.start('sh', ['-c', 'exit 4']);
    await expect(two.says('never')).rejects.toThrow(/no "never": sh ended \(4\)/);
    const three = programs.start('sleep', ['100']);
    await programs.close();
    expect(three.process.signalCode).toBe('SIGKILL');
  });
});

describe('the report', () => {
  const results: CaseResult[] = [
    {
      name: 'a',
      family: 4,
      condition: 'clean',
      device: 'tap',
      status: 'passed',
      notes: ['1 < 2'],
      seconds: 1,
    },
    {
      name: 'a',
      family: 6,
      condition: 'clean',
      device: 'tap',
      status: 'failed',
      reason: 'bad "x"\nmore',
      notes: [],
      seconds: 0.5,
    },
    {
      name: 'b',
      family: 4,
      condition: 'impaired',
      device: 'tun',
      status: 'skipped',
      reason: 'not root',
      notes: [],
      seconds: 0,
    },
  ];

  it('is a matrix with a total', () => {
    expect(matrix(results)).toBe(
      [
        '| case, tap | IPv4 clean | IPv6 clean |',
        '|-----------|------------|------------|',
        '| a         | ok         | FAILED     |',
        '',
        '| case, tun | IPv4 impaired |',
        '|-----------|---------------|',
        '| b         | skipped       |',
      ].join('\n'),
    );
    expect(totalsLine(results)).toBe('1 passed, 1 failed, 1 skipped');
    expect(resultLine(results[1])).toBe('FAILED   a (IPv6 clean, tap) 0.50 s\n         bad "x"\nmore');
  });

  it('is JUnit', () => {
    const xml = junitXml(results);
    expect(xml).toContain('tests="3" failures="1" skipped="1" errors="0" time="1.500"');
    expect(xml).toContain('<failure message="bad &quot;x&quot;">bad &quot;x&quot;\nmore</failure>');
    expect(xml).toContain('<skipped message="not root"/>');
    expect(xml).toContain('<system-out>1 &lt; 2</system-out>');
  });
});
