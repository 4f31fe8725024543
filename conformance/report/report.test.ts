import { describe, expect, it } from 'vitest';
import { acceptAll, ESTABLISHED, runFake, SYNACK } from '../runner/fake-target.test.helper.js';
import { REPORTERS, type ReportedRun } from './index.js';

const SCRIPT = `${ESTABLISHED}+.1 > P. 1:101(100) ack 1 win 500\n`;

async function runs(): Promise<ReportedRun[]> {
  const run = async (win: number): Promise<ReportedRun> => {
    const emissions = [
      { at: 0, text: SYNACK },
      { at: 1e5, text: `P. 1001:1101(100) ack 1 win ${win}` },
    ];
    const { result } = await runFake(SCRIPT, emissions, {
      handler: acceptAll,
      file: 'a/b & <c>.pkt',
      clock: () => 0,
    });
    return { result, title: `${result.script} (ipv4)`, verdict: result.verdict, note: '', source: SCRIPT };
  };
  const [good, bad] = [await run(500), await run(501)];
  const skipped: ReportedRun = {
    ...good,
    title: 'a/s.pkt (ipv6)',
    verdict: 'skipped',
    result: { ...good.result, script: 'a/s.pkt', verdict: 'skipped', reason: 'needs PSP sockets' },
  };
  const surprise: ReportedRun = {
    ...good,
    title: 'x.pkt (ipv4)',
    verdict: 'failed',
    note: 'unexpected pass',
  };
  return [good, bad, skipped, surprise];
}

async function report(name: string): Promise<string> {
  let text = '';
  const list = await runs();
  const reporter = REPORTERS[name]!.create({
    write: (t) => {
      text += t;
    },
    color: false,
    target: 'fake',
    planned: list.length,
  });
  for (const run of list) reporter.run(run);
  reporter.end({
    totals: { passed: 1, failed: 2, skipped: 1 },
    milliseconds: 5,
    changes: [{ name: 'q.pkt', ipVersion: 'ipv4', before: 'passed', after: 'failed', worse: true }],
  });
  return text;
}

/** A strict little XML reader: names must nest, attributes must be quoted, no stray markup. */
function elements(xml: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  const rest = xml.replace(
    /<\?xml [^?]*\?>|<(\/?)([a-z]+)((?: [\w-]+="[^"<]*")*)\s*(\/?)>|([^<>&]|&#\d+;)+/g,
    (_all, slash: string | undefined, name: string | undefined, _attributes: string, empty: string) => {
      if (name === undefined) return '';
      if (slash) expect(open.pop()).toBe(name);
      else {
        names.push(name);
        if (!empty) open.push(name);
      }
      return '';
    },
  );
  expect(rest).toBe('');
  expect(open).toEqual([]);
  return names;
}

describe('reporters', () => {
  it('list shows what went wrong and what changed', async () => {
    const text = await report('list');
    expect(text).toContain('FAIL a/b & <c>.pkt (ipv4)\n     a/b & <c>.pkt:8:5: live packet field tcp_window');
    expect(text).toContain('skip a/s.pkt (ipv6)  needs PSP sockets');
    expect(text).toContain('FAIL x.pkt (ipv4)  [unexpected pass]');
    expect(text).toContain('changed q.pkt (ipv4): passed -> failed');
  });

  it('dot is a mark a run', async () => {
    expect(await report('dot')).toMatch(/^\.FsF\n/);
  });

  it('TAP has a version, numbered lines, YAML blocks that end, and a plan', async () => {
    const lines = (await report('tap')).split('\n');
    expect(lines[0]).toBe('TAP version 13');
    const results = lines.filter((l) => /^(not )?ok /.test(l));
    expect(results.map((l) => /^(?:not )?ok (\d+) - /.exec(l)?.[1])).toEqual(['1', '2', '3', '4']);
    expect(results[2]).toContain('# SKIP needs PSP sockets');
    expect(lines.filter((l) => l === '  ---')).toHaveLength(2);
    expect(lines.filter((l) => l === '  ...')).toHaveLength(2);
    expect(lines).toContain('1..4');
    const known = /^(TAP version 13|(not )?ok .*| {2}(---|\.\.\.|\w+:.*)| {4}.*|1\.\.\d+|#.*|)$/;
    expect(lines.filter((l) => !known.test(l))).toEqual([]);
  });

  it('KTAP has its plan first and diagnostics before the result', async () => {
    const lines = (await report('ktap')).split('\n');
    expect(lines.slice(0, 2)).toEqual(['KTAP version 1', '1..4']);
    const failed = lines.findIndex((l) => l.startsWith('not ok 2'));
    expect(lines[failed - 1]).toMatch(/^#/);
  });

  it('JUnit is well-formed XML with right counts', async () => {
    const xml = await report('junit');
    const names = elements(xml);
    expect(names.filter((n) => n === 'testcase')).toHaveLength(4);
    expect(names.filter((n) => n === 'failure')).toHaveLength(2);
    expect(names.filter((n) => n === 'skipped')).toHaveLength(1);
    expect(xml).toContain('tests="4" failures="2" skipped="1"');
    expect(xml).toContain('a/b &#38; &#60;c&#62;.pkt');
  });

  it('GitHub annotates the failing line and escapes its text', async () => {
    const [first] = (await report('github')).split('\n');
    expect(first).toMatch(/^::error file=a\/b & <c>\.pkt,line=8,endLine=8,col=5,endColumn=\d+,title=/);
    expect(first).toContain('%0A');
  });

  it('JSON has an object a run', async () => {
    const rows = (await report('json'))
      .trim()
      .split('\n')
      .map((l) => JSON.parse(l));
    expect(rows[0]).toEqual({
      script: 'a/b & <c>.pkt',
      ipVersion: 'ipv4',
      target: 'fake',
      verdict: 'passed',
      reason: '',
      milliseconds: 0,
    });
    expect(rows[1]).toMatchObject({
      verdict: 'failed',
      kind: 'packet',
      line: 8,
      field: 'tcp_window',
      expected: '500',
      actual: '501',
    });
    expect(rows[3]).toMatchObject({ verdict: 'failed', reason: 'unexpected pass' });
  });

  it('HTML is one file with a diagram and the failure in its line', async () => {
    const text = await report('html');
    expect(text).toMatch(/^<!DOCTYPE html>/);
    expect(text).not.toMatch(/(?:src|href)="(?!#)/);
    expect(text.match(/<svg /g)?.length).toBeGreaterThanOrEqual(2);
    expect(text).toMatch(
      /<tr class="failed" id="run1L8">[\s\S]*?tcp_window: <\/b>expected <span class="expected">500<\/span>, got <span class="differs">501/,
    );
    expect(text).toContain('b &#38; &#60;c&#62;.pkt');
    // Every element that is opened is closed.
    for (const tag of ['table', 'tr', 'td', 'details', 'figure', 'svg', 'span', 'pre']) {
      const opened = text.match(new RegExp(`<${tag}[ >]`, 'g'))?.length;
      expect([tag, text.match(new RegExp(`</${tag}>`, 'g'))?.length]).toEqual([tag, opened]);
    }
  });
});
