// The driver in a worker, endpoints in workers and in this thread: traffic, start, stop and crash of each part.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MessageChannel, Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { exactKey } from '../flows/key.js';
import { EventFd } from '../link/linux/poll.js';
import { Control } from './control.js';
import { serveControl } from './control-port.js';
import { DriverThread } from './driver-thread.js';
import { EndpointPort } from './port.js';
import type { EndpointData } from './threads-endpoint.test.helper.js';
import type { TestLinkOptions } from './threads-link.test.helper.js';

const module = new URL('./threads-link.test.helper.js', import.meta.url).href;
const helper = new URL('./threads-endpoint.test.helper.js', import.meta.url);

function control(): Control {
  let n = 7;
  return new Control({
    secret: () => n++,
    arenaBytes: 16 << 20,
    smallBuffers: 4096,
    largeBuffers: 64,
    maxChannels: 256,
  });
}
function linkOptions(more: Partial<TestLinkOptions> = {}): TestLinkOptions {
  return { packets: 3000, flows: 4, batch: 16, report: new SharedArrayBuffer(32), ...more };
}
const until = async (done: () => boolean, what: string) => {
  const end = performance.now() + 100_000;
  while (!done()) {
    if (performance.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

interface Report {
  got: number;
  answered: number;
  disorder: number;
  last: number[];
  drops: { full: number; quota: number }[];
}

function endpointWorker(c: Control, ports: number[], packets: number, dieAfter?: number) {
  const { endpoint, party } = c.addEndpoint({ small: 256, large: 1 });
  const { port1, port2 } = new MessageChannel();
  serveControl(c, port1, endpoint, party);
  port1.unref();
  const stop = new SharedArrayBuffer(4);
  const data: EndpointData = { address: c.address, endpoint, commands: port2, ports, packets, control: stop };
  if (dieAfter !== undefined) data.dieAfter = dieAfter;
  const worker = new Worker(helper, { workerData: data, transferList: [port2] });
  const messages: unknown[] = [];
  let error: Error | undefined;
  worker.on('message', (m) => messages.push(m));
  worker.on('error', (e) => {
    error = e as Error;
  });
  const exit = new Promise<void>((resolve) => worker.on('exit', () => resolve()));
  return {
    endpoint,
    party,
    worker,
    exit,
    error: () => error,
    ready: () => until(() => messages.length > 0 || error !== undefined, 'endpoint ready'),
    finish: async () => {
      Atomics.store(new Int32Array(stop), 0, 1);
      await exit;
      return messages[1] as Report;
    },
  };
}

describe('threads', () => {
  for (const kernel of [false, true]) {
    it(`carry flows to several endpoints in order, the driver asleep ${kernel ? 'in the kernel' : 'on its doorbell'}`, async () => {
      const c = control();
      const eventfd = kernel ? new EventFd() : undefined;
      const options = linkOptions({ flows: 5, ...(eventfd ? { eventfd: eventfd.fd } : {}) });
      const report = new Int32Array(options.report);
      const driver = await DriverThread.start(c, {
        module,
        options,
        buffers: { small: 2048, large: 16 },
        kick: (fd) => new EventFd(fd).ring(),
      });
      const a = endpointWorker(c, [1, 2], options.packets);
      const b = endpointWorker(c, [3, 4], options.packets);
      await Promise.all([a.ready(), b.ready()]);
      // A third endpoint here, in the main thread, woken by waitAsync.
      const mine = c.addEndpoint({ small: 16, large: 1 });
      const port = new EndpointPort(c.arena, c.address, c.pool, mine.endpoint, (fd) =>
        new EventFd(fd).ring(),
      );
      const side = (n: number, p: number) => {
        const address = new Uint8Array(16);
        address.set([0xff, 0xff, 10, 0, 0, n], 10);
        return { address, port: p };
      };
      const number = c.openFlow(exactKey(6, side(1, 80), side(2, 5)), {
        endpoint: mine.endpoint,
        party: mine.party,
      });
      const reader = port.reader(number);
      let got = 0;
      Atomics.store(report, 0, 1);
      driver.wake();
      const drain = () => {
        let n = 0;
        for (let index = reader.pop(); index >= 0; index = reader.pop(), n++) reader.release(index);
        return n;
      };
      const total = options.packets * options.flows;
      while (Atomics.load(report, 1) < total) {
        const n = drain();
        got += n;
        if (n > 0) continue;
        port.sleeper.prepare();
        if (reader.ring.length() === 0) await port.sleeper.waitAsync(20);
        port.sleeper.awake();
      }
      // Made is not delivered: the driver may be anywhere between the two.
      const accounted = () => {
        got += drain();
        const { full, quota } = reader.drops();
        return got + full + quota;
      };
      await until(() => accounted() >= options.packets, 'all packets of this flow delivered or dropped');
      expect(accounted()).toBe(options.packets);
      expect(got).toBeGreaterThan(0);
      const [ra, rb] = await Promise.all([a.finish(), b.finish()]);
      for (const r of [ra, rb]) {
        expect(r.disorder).toBe(0);
        const lost = r.drops.reduce((sum, d) => sum + d.full + d.quota, 0);
        expect(r.got + lost).toBe(2 * options.packets);
        expect(r.got).toBeGreaterThan(0);
      }
      await until(() => Atomics.load(report, 2) === ra.answered + rb.answered, 'answers sent');
      await driver.close();
      await driver.close();
      expect(driver.ended).toBe(true);
      expect(Atomics.load(report, 4)).toBe(1);
      eventfd?.close();
    });
  }

  it('take back what an endpoint held that died, remove its flows, and serve the others', async () => {
    const c = control();
    const options = linkOptions({ flows: 2, packets: 2000, batch: 8 });
    const report = new Int32Array(options.report);
    const driver = await DriverThread.start(c, { module, options, buffers: { small: 600, large: 8 } });
    const dying = endpointWorker(c, [1], options.packets, 50);
    const living = endpointWorker(c, [2], options.packets);
    await Promise.all([dying.ready(), living.ready()]);
    Atomics.store(report, 0, 1);
    driver.wake();
    await dying.exit;
    expect(dying.error()?.message).toContain('dies with buffers');
    const keys = c.endpointGone(dying.endpoint);
    expect(keys.length).toBe(1);
    expect(c.endpointGone(dying.endpoint)).toEqual([]);
    expect(c.table.get(keys[0])).toBe(-1);
    await until(() => c.dead.length === 0 && c.channels === 1, 'buried');
    await until(() => Atomics.load(report, 1) === options.packets * 2, 'all packets made');
    const r = await living.finish();
    expect(r.disorder).toBe(0);
    expect(r.got + r.drops[0].full + r.drops[0].quota).toBe(options.packets);
    await driver.close();
    // With the driver's thread gone, its party can be taken over and counted: nothing may be missing.
    expect(c.keysOf(dying.endpoint)).toEqual([]);
  });

  it('say why a driver did not start, and tell of one that crashed; grace periods go on', async () => {
    const failing = DriverThread.start(control(), { module, options: linkOptions({ failOpen: true }) });
    await expect(failing).rejects.toMatchObject({
      code: 'DRIVER_START',
      message: expect.stringContaining('no such device: nc9'),
    });
    const c = control();
    const options = linkOptions({ failAfter: 100 });
    let crash: Error | undefined;
    const driver = await DriverThread.start(c, { module, options, onCrash: (e) => (crash = e) });
    Atomics.store(new Int32Array(options.report), 0, 1);
    driver.wake();
    await until(() => crash !== undefined, 'crash reported');
    expect(crash?.message).toContain('the device is gone');
    let grace = false;
    c.table.defer(() => {
      grace = true;
    });
    for (let i = 0; i < 5; i++) c.tick();
    expect(grace).toBe(true);
    await driver.close();
  });

  it('end the process at once: exit, an uncaught throw, and the end of main, while the driver sleeps in the kernel', {
    timeout: 210_000,
  }, () => {
    const main = fileURLToPath(new URL('./threads-main.test.helper.js', import.meta.url));
    for (const [how, status] of [
      ['exit', 3],
      ['throw', 1],
      ['end', 0],
      ['close', 0],
    ] as const) {
      // Nobody rings: the driver would sleep for a minute.
      const child = spawnSync(process.execPath, [main, how], { timeout: 50_000, encoding: 'utf8' });
      expect(`${how} ${child.status} ${child.signal}`).toBe(`${how} ${status} null`);
      expect(child.stdout).toContain('idle');
    }
  });
});
