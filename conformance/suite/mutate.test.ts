import { expect, it } from 'vitest';
import { parseScript, printScript } from '../language/index.js';
import { mutate, seeded } from './mutate.js';

const SCRIPT = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 100 <mss 1000>
+0 > S. 0:0(0) ack 1 win 200 <mss 1460,nop,wscale 7>
+.1 read(3, ..., 5) = -1 EAGAIN (Resource temporarily unavailable)
+1 > P. 1:101(100) ack 1 <nop,nop,sack 5:10>
`;

it('changes one thing at a time, reproducibly, to a script that still parses', () => {
  const script = parseScript(SCRIPT);
  const seen = new Set<string>();
  const chance = seeded(7);
  for (let i = 0; i < 300; i++) {
    const mutant = mutate(script, chance)!;
    const text = printScript(mutant.script);
    const changed = printScript(script)
      .split('\n')
      .filter((line, j) => line !== text.split('\n')[j]);
    expect(changed).toHaveLength(1);
    parseScript(text);
    seen.add(mutant.what);
  }
  for (const what of [
    'seq 1 -> 2',
    'ack 1 -> 2',
    'win 200 -> 199',
    'mss 1460 -> 1461',
    'errno EAGAIN -> ECHILD',
    'time 1 -> 1.25',
  ]) {
    expect([...seen].some((s) => s.endsWith(what))).toBe(true);
  }
  const twice = [1, 2].map(() => mutate(script, seeded(3))!.what);
  expect(twice[0]).toBe(twice[1]);
});
