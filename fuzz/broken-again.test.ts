// What lies beside a mended failure catches it: with the stack broken again as the file's `break` says, its input fails, its run is
// not the captured one, and its script does not pass.
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Break, BrokenCopy } from './broken-copy.test.helper.js';
import { filedRegressions, REGRESSIONS } from './filing.js';

const broken = filedRegressions(REGRESSIONS).filter(
  ({ file }) => file.target !== 'explore' && file.break !== undefined,
);

/** Run in the copy, whose stack is broken: `[failure, difference, script]`, null for what is as it should be. */
const LOOK = `
  import { readFileSync } from 'node:fs';
  const fuzz = new URL('dist/fuzz/', 'file://' + process.cwd() + '/');
  const { readRegression } = await import(new URL('filing.js', fuzz));
  const { captureDifference, exchangeCapture, exchangeOf } = await import(new URL('exchange.js', fuzz));
  const { checkExchangeScript } = await import(new URL('exchange-script.js', fuzz));
  const [path] = process.argv.slice(1);
  const beside = (end) => readFileSync(path.replace(/json$/, end));
  const { failure, packets } = await exchangeOf(readRegression(path));
  const difference = captureDifference(beside('pcap'), exchangeCapture(packets));
  const script = await checkExchangeScript(beside('pkt').toString());
  console.log(JSON.stringify([failure ?? null, difference ?? null, script ?? null]));
`;

describe('broken again', () => {
  let copy: BrokenCopy;
  beforeAll(() => {
    copy = new BrokenCopy();
  }, 120_000);
  afterAll(() => copy.remove());

  test('there are some', () => expect(broken.length).toBeGreaterThan(0));
  for (const { path, file } of broken) {
    test(`${file.target}: ${basename(path, '.json')}`, { timeout: 60_000 }, () => {
      const look = (): (string | null)[] => {
        const { text } = copy.node('--input-type=module', '-e', LOOK, path);
        return JSON.parse(text) as (string | null)[];
      };
      expect(look()).toEqual([null, null, null]);
      copy.break(file.break as unknown as Break);
      const [failure, difference, script] = look();
      copy.mend();
      expect(failure).toContain(file.id);
      expect(difference).toMatch(/^packet \d+ was /);
      expect(script).toContain('exchange.pkt:');
    });
  }
});
