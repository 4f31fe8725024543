import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { StackConfig } from './config.js';
import { SYSCTL_TABLE } from './sysctl-table.js';
import { getSysctl, hasSysctl, SysctlError, setSysctl, sysctlMarkdown, sysctlNames } from './sysctls.js';

const root = resolve(import.meta.dirname, '../../..');

function codeOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    if (error instanceof SysctlError) return error.code;
    throw error;
  }
  return 'none';
}

describe('sysctls', () => {
  test('each row names a field whose default is valid for it', () => {
    const config = new StackConfig();
    const fresh = new StackConfig();
    for (const row of SYSCTL_TABLE) {
      expect(row.field in config, row.name).toBe(true);
      if (row.kind === 'key') continue;
      setSysctl(config, row.name, getSysctl(config, row.name));
      expect(config[row.field], row.name).toEqual(fresh[row.field]);
    }
  });

  test('every numeric field of the configuration has a sysctl, except those that Linux has none for', () => {
    const without = new Set(['hz', 'profile', 'hystart', 'txQueueLength']);
    const named = new Set<string>(SYSCTL_TABLE.map((row) => row.field));
    const missing = Object.keys(new StackConfig()).filter(
      (field) => !named.has(field) && !without.has(field),
    );
    expect(missing).toEqual([]);
  });

  test('each option is read somewhere, but for those that say otherwise', () => {
    const sources = ['stack', 'conformance'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.includes('.test.') && !name.includes('config/'))
        .map((name) => readFileSync(join(root, folder, name), 'utf8')),
    );
    const words = new Set(sources.flatMap((source) => source.match(/\w+/g) ?? []));
    for (const row of SYSCTL_TABLE)
      expect([row.name, words.has(row.field)]).toEqual([row.name, row.read !== 'never']);
  });

  test('names may have slashes, numbers may be hexadecimal or octal', () => {
    const config = new StackConfig();
    setSysctl(config, '/proc/sys/net/ipv4/tcp_fastopen', '0x70403\n');
    expect(config.tcpFastopen).toBe(0x70403);
    setSysctl(config, 'net.ipv4.tcp_retries2', '010');
    expect(getSysctl(config, 'net/ipv4/tcp_retries2')).toBe('8');
  });

  test('a vector may be given in part, and reads back with tabs', () => {
    const config = new StackConfig();
    setSysctl(config, 'net.ipv4.tcp_wmem', '5000 20000');
    expect(getSysctl(config, 'net.ipv4.tcp_wmem')).toBe('5000\t20000\t4194304');
    expect(codeOf(() => setSysctl(config, 'net.ipv4.tcp_wmem', '1 2 3 4'))).toBe('SYSCTL_INVALID');
    expect(codeOf(() => setSysctl(config, 'net.ipv4.ip_local_port_range', '5000 4000'))).toBe(
      'SYSCTL_INVALID',
    );
  });

  test('unknown names, bad values and read-only ones are told apart and change nothing', () => {
    const config = new StackConfig();
    expect(codeOf(() => setSysctl(config, 'net.ipv4.tcp_nonsense', '1'))).toBe('SYSCTL_UNKNOWN');
    expect(codeOf(() => getSysctl(config, 'kernel.hostname'))).toBe('SYSCTL_UNKNOWN');
    for (const text of ['', 'x', '1x', '256', '-1', '1.5']) {
      expect(
        codeOf(() => setSysctl(config, 'net.ipv4.tcp_sack', text)),
        text,
      ).toBe('SYSCTL_INVALID');
    }
    expect(codeOf(() => setSysctl(config, 'net.ipv4.tcp_rto_max_ms', '999'))).toBe('SYSCTL_INVALID');
    expect(codeOf(() => setSysctl(config, 'net.ipv4.tcp_available_congestion_control', 'x'))).toBe(
      'SYSCTL_READONLY',
    );
    expect(codeOf(() => setSysctl(config, 'net.ipv4.tcp_congestion_control', 'vegas2'))).toBe(
      'SYSCTL_INVALID',
    );
    expect(config).toEqual(new StackConfig());
  });

  test('fast-open keys are normalised as Linux prints them', () => {
    const config = new StackConfig();
    setSysctl(config, 'net.ipv4.tcp_fastopen_key', 'A1-b2b2b2b2-C3C3C3C3-4,1-2-3-4');
    expect(config.tcpFastopenKey).toBe(
      '000000a1-b2b2b2b2-c3c3c3c3-00000004,00000001-00000002-00000003-00000004',
    );
    expect(codeOf(() => setSysctl(config, 'net.ipv4.tcp_fastopen_key', '1-2-3'))).toBe('SYSCTL_INVALID');
    expect(codeOf(() => setSysctl(config, 'net.ipv4.tcp_fastopen_key', '1-2-3-4,1-2-3-4,1-2-3-4'))).toBe(
      'SYSCTL_INVALID',
    );
  });

  test('the list of names is sorted and complete', () => {
    const names = sysctlNames();
    expect(names).toEqual([...names].sort());
    expect(names.length).toBeGreaterThan(90);
    expect(names.every((name) => hasSysctl(name))).toBe(true);
  });

  test('docs/sysctls.md is what the table says', () => {
    expect(readFileSync('docs/sysctls.md', 'utf8')).toBe(sysctlMarkdown(new StackConfig()));
  });
});
