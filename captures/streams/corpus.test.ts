// Every capture of the corpus: its streams are those of tshark, byte for byte.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { followDifferences, hasTshark, numberDifferences } from './tshark.test.helper.js';

const folder = fileURLToPath(new URL('../../../captures/corpus/', import.meta.url));
const captures = readdirSync(folder).filter((name) => /\.pcap(ng)?$/.test(name));

describe('the corpus', () => {
  it('is there and small', () => {
    expect(captures.length).toBeGreaterThanOrEqual(50);
    const sizes = captures.map((name) => statSync(join(folder, name)).size);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(50_000);
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(1_000_000);
  });

  it.skipIf(!hasTshark).each(captures)('%s has the streams that tshark follows', async (name) => {
    const path = join(folder, name);
    expect(await numberDifferences(path)).toEqual([]);
    expect(await followDifferences(path)).toEqual([]);
  });
});
