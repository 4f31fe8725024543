// The HTML report in a real browser: nothing is broken, what matters can be seen, the switches work.
// Needs Chromium; without one it is skipped, unless NETCHANNEL_REQUIRE_CHROMIUM is set.

import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  acceptAll,
  type Emission,
  ESTABLISHED,
  runFake,
  SYNACK,
} from '../../runner/fake-target.test.helper.js';
import { REPORTERS, type ReportedRun } from '../index.js';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const executablePath = process.env.NETCHANNEL_CHROMIUM ?? PLACES.find((path) => existsSync(path));
const required = process.env.NETCHANNEL_REQUIRE_CHROMIUM !== undefined;

/** A transfer with a lost segment; the last packet's window differs when `window` is not 500. */
async function transfer(window: number): Promise<ReportedRun> {
  const data = (i: number, at: number): Emission => ({
    at,
    text: `. ${1001 + i * 1000}:${2001 + i * 1000}(1000) ack 1 win 500`,
  });
  const line = (i: number): string => `+0 > . ${1 + i * 1000}:${1001 + i * 1000}(1000) ack 1\n`;
  const source = `${ESTABLISHED}+.01 write(4, ..., 5000) = 5000
${[0, 1, 2].map(line).join('')}+.02 < . 1:1(0) ack 1001 win 1000 <nop,nop,sack 2001:3001>
${line(1)}+.03 > P. 3001:4001(1000) ack 1 win 500
+.01 < . 1:1(0) ack 4001 win 1000
`;
  const emissions: Emission[] = [
    { at: 0, text: SYNACK },
    ...[0, 1, 2].map((i) => data(i, 10_000 + i)),
    data(1, 30_003),
    { at: 60_000, text: `P. 4001:5001(1000) ack 1 win ${window}` },
  ];
  const { result } = await runFake(source, emissions, {
    handler: acceptAll,
    file: `demo/window-${window}.pkt`,
  });
  return { result, title: result.script, verdict: result.verdict, note: '', source };
}

describe.skipIf(!executablePath && !required)('the HTML report in Chromium', () => {
  let browser: Browser;
  let folder = '';
  const errors: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'netchannel-html-'));
    let text = '';
    const context = { color: false, target: 'stack', planned: 2, write: (t: string) => (text += t) };
    const reporter = REPORTERS.html!.create(context as never);
    for (const window of [500, 400]) reporter.run(await transfer(window));
    reporter.end({ totals: { passed: 1, failed: 1, skipped: 0 }, milliseconds: 3, changes: [] });
    writeFileSync(join(folder, 'report.html'), text);
    browser = await chromium.launch({ executablePath: executablePath!, args: ['--no-sandbox'] });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(colorScheme: 'light' | 'dark', width = 1280): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('request', (request) => request.url().startsWith('file:') || errors.push(request.url()));
    await page.goto(pathToFileURL(join(folder, 'report.html')).href);
    return page;
  }

  it('shows the failure in its line without a click', async () => {
    const page = await open('light');
    expect(await page.title()).toBe('1 passed, 1 failed, 0 skipped');
    const failed = page.locator('details.failed');
    const line = failed.locator('tr.failed');
    expect(await line.isVisible()).toBe(true);
    expect(await line.locator('td.text').textContent()).toBe('+.03 > P. 3001:4001(1000) ack 1 win 500');
    expect(await line.locator('td.seen').textContent()).toMatch(
      /win 400\s*tcp_window: expected 500, got 400/,
    );
    expect(await page.locator('details.passed table').isVisible()).toBe(false);
    await page.close();
  });

  it('draws data, the segment that was sent again, SACK, ACKs and window', async () => {
    const page = await open('light');
    const drawing = page.locator('details.failed svg').first();
    const box = (await drawing.boundingBox())!;
    expect(box.width).toBeGreaterThan(600);
    expect(await drawing.locator('line.data:not(.key)').count()).toBe(3);
    expect(await drawing.locator('line.again:not(.key)').count()).toBe(1);
    expect(await drawing.locator('line.wrong').count()).toBe(1);
    expect(await drawing.locator('line.sack:not(.key)').count()).toBe(1);
    for (const kind of ['path.ack', 'path.win']) {
      const shape = (await drawing.locator(kind).boundingBox())!;
      expect(shape.width).toBeGreaterThan(100);
      expect(shape.x + shape.width).toBeLessThanOrEqual(box.x + box.width + 1);
    }
    await page.close();
  });

  it('filters by verdict and name, and opens what a link leads to', async () => {
    const page = await open('light');
    await page.selectOption('#show', 'passed');
    expect(await page.locator('details.failed').isVisible()).toBe(false);
    expect(await page.locator('details.passed').isVisible()).toBe(true);
    await page.selectOption('#show', 'all');
    await page.fill('#find', 'window-400');
    expect(await page.locator('tbody tr.passed').first().isVisible()).toBe(false);
    await page.fill('#find', '');
    await page.click('table.runs a[href="#run0"]');
    expect(await page.locator('details.passed table').isVisible()).toBe(true);
    await page.close();
  });

  it('follows the reader’s colours and fits a narrow screen', async () => {
    const background = async (scheme: 'light' | 'dark') => {
      const page = await open(scheme, 420);
      const color = await page.evaluate('getComputedStyle(document.body).backgroundColor');
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      await page.close();
      return { color, overflow };
    };
    const [light, dark] = [await background('light'), await background('dark')];
    expect(light.color).not.toBe(dark.color);
    expect(light.overflow).toBeLessThanOrEqual(0);
  });

  it('asked for nothing else and broke nowhere', () => {
    expect(errors).toEqual([]);
  });
});
