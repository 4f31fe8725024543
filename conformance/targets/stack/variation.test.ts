import { expect, it } from 'vitest';
import { runScript } from '../../runner/run.js';
import { targetFactory } from '../registry.js';
import { NO_VARIATION, parseVariation } from './variation.js';

it('reads what stands behind the name', () => {
  expect(parseVariation('')).toEqual(NO_VARIATION);
  expect(parseVariation('hz=0,isn=4294967295')).toEqual({ ...NO_VARIATION, hz: 0, isn: 4_294_967_295 });
});

it.each([
  ['sed=1', 'no variation "sed"'],
  ['isn=4294967296', 'isn=4294967296: expected a whole number up to 4294967295'],
  ['hz=', 'hz=: expected'],
])('refuses %s', (text, message) => {
  expect(() => parseVariation(text)).toThrow(message);
});

it('changes what it says and no verdict', async () => {
  const script = `
    0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
   +0 bind(3, ..., ...) = 0
   +0 listen(3, 1) = 0
   +0 < S 0:0(0) win 1000 <mss 1000>
   +0 > S. 0:0(0) ack 1 <mss 1460>
  +.1 < . 1:1(0) ack 1 win 1000`;
  const isns: number[] = [];
  for (const name of [
    'stack',
    'stack:isn=4294967295',
    'stack:seed=9',
    'stack:start=4294967200000,delay=500',
  ]) {
    const result = await runScript(script, { target: await targetFactory(name) });
    expect(result.verdict, result.reason).toBe('passed');
    const synAck = result.packets.find((packet) => packet.direction === 'out')!;
    const view = new DataView(synAck.bytes.buffer, synAck.bytes.byteOffset);
    isns.push(view.getUint32(24));
  }
  expect(isns[1]).toBe(4_294_967_295);
  expect(new Set(isns).size).toBe(4);
});
