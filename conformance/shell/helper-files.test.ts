import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { helperFileReader } from './helper-files.js';

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'netchannel-helpers-'));
  mkdirSync(join(root, 'a/b/c/d/e/f'), { recursive: true });
  writeFileSync(join(root, 'a/b/c/d/e/f/x.pkt'), '');
  writeFileSync(join(root, 'a/b/c/d/e/f/near.sh'), '#!/bin/sh\ntrue\n');
  writeFileSync(join(root, 'a/b/c/common.sh'), '#!/bin/sh\n');
  writeFileSync(join(root, 'top.sh'), '#!/bin/sh\n');
  writeFileSync(join(root, 'a/b/c/d/e/f/data.txt'), 'secret\n');
  writeFileSync(join(root, 'a/b/c/d/e/f/big.sh'), `#!/bin/sh\n${'#'.repeat(300_000)}`);
  symlinkSync(join(root, 'top.sh'), join(root, 'a/b/c/d/e/f/link.sh'));
});

afterAll(() => rmSync(root, { recursive: true }));

test('files beside a script and a little above it', () => {
  const read = helperFileReader(join(root, 'a/b/c/d/e/f/x.pkt'));
  expect(read('./near.sh')).toBe('#!/bin/sh\ntrue\n');
  expect(read('../../../common.sh')).toBe('#!/bin/sh\n');
  expect(read('none.sh')).toBe(null);
});

test('nothing else', () => {
  const read = helperFileReader(join(root, 'a/b/c/d/e/f/x.pkt'));
  expect(() => read('/etc/passwd')).toThrow(/only files beside the script/);
  expect(() => read('../../../../../../top.sh')).toThrow(/too far from the script/);
  expect(() => read('link.sh')).toThrow(/too far from the script/);
  expect(() => read('..')).toThrow(/no file/);
  expect(() => read('big.sh')).toThrow(/bytes/);
  expect(() => read('data.txt')).toThrow(/no script/);
});
