// Commands to the control thread by message, and a hand-over at accept while a driver in another thread keeps sending.
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import type { ChannelReader } from '../channel/channel.js';
import { exactKey, listenerKey } from '../flows/key.js';
import { Control } from './control.js';
import { ControlClient, serveControl } from './control-port.js';
import { DriverThread } from './driver-thread.js';
import { HandOver } from './handover.js';
import { EndpointPort } from './port.js';

const side = (n: number, port: number) => {
  const address = new Uint8Array(16);
  address.set([0xff, 0xff, 10, 0, 0, n], 10);
  return { address, port };
};
const flowKey = (remote: number) => exactKey(6, side(1, 80), side(2, remote));

function setup() {
  let n = 3;
  const control = new Control({
    secret: () => n++,
    arenaBytes: 16 << 20,
    smallBuffers: 4096,
    largeBuffers: 16,
    maxChannels: 64,
  });
  const { endpoint, party } = control.addEndpoint({ small: 16, large: 1 });
  const { port1, port2 } = new MessageChannel();
  serveControl(control, port1, endpoint, party);
  const client = new ControlClient(port2);
  const port = new EndpointPort(control.arena, control.address, control.pool, endpoint);
  return { control, client, port, port1 };
}

describe('control by message', () => {
  it('opens, changes and closes channels, and passes errors on with their codes', async () => {
    const { control, client, port, port1 } = setup();
    let grace = 0;
    const flow = await client.openFlow(flowKey(1), { slots: 16 }, () => grace++);
    const listener = await client.openListener([listenerKey(6, side(1, 80))]);
    expect(control.table.get(flowKey(1))).toBe(flow);
    await expect(client.openFlow(flowKey(1))).rejects.toMatchObject({ code: 'FLOW_EXISTS' });
    await expect(client.removeKey(63, flowKey(1))).rejects.toMatchObject({ code: 'NOT_YOURS' });
    expect(await client.removeKey(listener, flowKey(1))).toBe(false);
    expect(await client.removeKey(flow, flowKey(1))).toBe(true);
    expect(control.table.get(flowKey(1))).toBe(-1);
    const reader = port.reader(flow);
    const closed = client.closeChannel(flow, () => reader.close());
    let done = false;
    closed.then(() => {
      done = true;
    });
    while (!done) {
      control.tick();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await closed;
    expect(grace).toBe(1);
    expect(control.channels).toBe(1);
    await expect(client.closeChannel(flow, () => {})).rejects.toMatchObject({ code: 'NOT_YOURS' });
    const pending = client.openFlow(flowKey(9));
    client.close();
    await expect(pending).rejects.toMatchObject({ code: 'CLOSED' });
    port1.close();
  });

  it('hands a flow over while its packets come: none lost but those counted, none out of order', async () => {
    const { control, client, port, port1 } = setup();
    const listener = await client.openListener([listenerKey(6, side(1, 80))], { slots: 1024 });
    const report = new SharedArrayBuffer(32);
    const packets = 4000;
    const driver = await DriverThread.start(control, {
      module: new URL('./threads-link.test.helper.js', import.meta.url).href,
      options: { packets, flows: 1, batch: 4, gated: true, report },
      buffers: { small: 2048, large: 4 },
    });
    const words = new Int32Array(report);
    const old = port.reader(listener);
    const { party } = port;
    let flow: ChannelReader | undefined;
    let over: HandOver | undefined;
    let last = -1;
    let got = 0;
    let fromFlow = 0;
    let disorder = 0;
    const take = (reader: ChannelReader, most: number): number => {
      let n = 0;
      for (; n < most; n++) {
        const index = reader.pop();
        if (index < 0) break;
        const at = party.start(index) + 24;
        const seq = (party.bytes[at + 2] << 8) | party.bytes[at + 3];
        if (seq <= last) disorder++;
        last = seq;
        got++;
        reader.release(index);
      }
      reader.flush();
      return n;
    };
    const lost = (): number =>
      [old, flow].reduce((sum, r) => sum + (r === undefined ? 0 : r.drops().full + r.drops().quota), 0);
    // One half comes before the flow is handed over and while it is, the other when that is done.
    const allow = (count: number): void => {
      Atomics.store(words, 5, count);
      driver.wake();
    };
    Atomics.store(words, 0, 1);
    allow(packets / 2);
    let asked = false;
    while (got + lost() < packets) {
      let n = 0;
      if (flow && over && !over.done) {
        const allowance = over.allowance();
        n += take(old, Infinity);
        const more = take(flow, allowance);
        fromFlow += more;
        n += more;
      } else if (flow) {
        const more = take(flow, Infinity);
        fromFlow += more;
        n += more;
      } else n += take(old, Infinity);
      if (got > 100 && !asked) {
        asked = true;
        client
          .openFlow(flowKey(1), { slots: 1024 }, () => over?.graceElapsed())
          .then((channel) => {
            flow = port.reader(channel);
            over = new HandOver(flow);
          });
      }
      if (over?.done) allow(packets);
      if (n === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    expect(disorder).toBe(0);
    expect(got + lost()).toBe(packets);
    expect(over?.done).toBe(true);
    await driver.close();
    client.close();
    port1.close();
    expect(fromFlow).toBeGreaterThan(0);
  });
});
