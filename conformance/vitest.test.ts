import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { packetdrill } from './vitest.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const helper = fileURLToPath(new URL('./vitest.js', import.meta.url));

it('leaves other files alone', () => {
  expect(packetdrill().transform('x', '/a/b.ts')).toBeNull();
  expect(packetdrill().transform('0 `x`', '/a/b.pkt?import')?.code).toContain('defineScriptTests');
});

it('turns scripts into tests whose failures stand at the script’s line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'netchannel-vitest-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(
      join(folder, 'good.pkt'),
      '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = 0\n',
    );
    writeFileSync(
      join(folder, 'bad-v4.pkt'),
      '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 listen(3, 1) = 7\n',
    );
    writeFileSync(
      join(folder, 'vitest.config.mjs'),
      `import { packetdrill } from ${JSON.stringify(helper)};
export default { plugins: [packetdrill({ target: 'silent' })], test: { include: ['**/*.pkt'], server: { deps: { external: [/dist/] } } } };
`,
    );
    const ran = spawnSync(
      process.execPath,
      [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter', 'json', '--root', folder],
      { cwd: folder, encoding: 'utf8', timeout: 25_000, env: { ...process.env, NODE_V8_COVERAGE: '' } },
    );
    const report = JSON.parse(ran.stdout.slice(ran.stdout.indexOf('{')));
    expect([report.numPassedTests, report.numFailedTests]).toEqual([2, 1]);
    const bad = report.testResults.find((r: { name: string }) => r.name.endsWith('bad-v4.pkt'));
    expect(bad.assertionResults[0].title).toBe('ipv4');
    expect(bad.assertionResults[0].failureMessages[0]).toContain('listen(): expected result 7 but got 0');
    expect(bad.assertionResults[0].failureMessages[0]).toContain('bad-v4.pkt:2:4');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
