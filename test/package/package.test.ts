// The package as others get it: every entry of `exports` loads under its own name, and what is packed is what they need.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const manifest = JSON.parse(readFileSync(resolve(root, 'package.json'), 'utf8')) as {
  exports: Record<string, string>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  bin: Record<string, string>;
};

/** One name of each part that its README section or doc page promises. */
const PROMISED: Readonly<Record<string, readonly string[]>> = {
  '.': ['createStack', 'memoryPair', 'runRealTime'],
  './stack': ['createStack'],
  './conformance': ['runScript', 'targetFactory'],
  './vitest': ['packetdrill'],
  './captures': ['readCapture', 'replayStream', 'convertStream'],
  './fuzz': ['runFuzz', 'replayRegression'],
};

const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');

describe('the package', () => {
  it('promises something of every entry', () => expect(Object.keys(PROMISED)).toEqual(entries));

  it.each(entries)('%s loads under its own name', async (entry) => {
    const part = (await import(`netchannel${entry.slice(1)}`)) as Record<string, unknown>;
    for (const name of PROMISED[entry]!) expect(part[name], name).toBeTypeOf('function');
  });

  it('packs every entry with its types, the scripts and no test', () => {
    const packed = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: root,
      encoding: 'utf8',
    });
    const [{ files }] = JSON.parse(packed.stdout) as [{ files: { path: string }[] }];
    const paths = new Set(files.map((file) => file.path));
    for (const target of [...Object.values(manifest.exports), ...Object.values(manifest.bin)]) {
      expect(paths, target).toContain(target.replace('./', ''));
      if (target.endsWith('.js'))
        expect(paths, target).toContain(target.replace('./', '').replace(/\.js$/, '.d.ts'));
    }
    expect([...paths].filter((path) => path.startsWith('conformance/scripts/')).length).toBeGreaterThan(80);
    expect([...paths].filter((path) => /\.test\./.test(path))).toEqual([]);
  });

  it('imports nothing that is not declared', () => {
    const declared = new Set(Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies }));
    const queue = Object.values(manifest.exports).filter((path) => path.endsWith('.js'));
    const seen = new Set<string>();
    const foreign = new Set<string>();
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      const file = resolve(root, path);
      if (seen.has(file)) continue;
      seen.add(file);
      for (const [, name] of readFileSync(file, 'utf8').matchAll(
        /^(?:import|export)\b[^;]*?from '([^']+)'/gm,
      )) {
        if (name!.startsWith('.')) queue.push(resolve(dirname(file), name!));
        else if (!name!.startsWith('node:')) foreign.add(name!);
      }
    }
    expect(seen.size).toBeGreaterThan(200);
    expect([...foreign].filter((name) => !declared.has(name))).toEqual([]);
  });
});
