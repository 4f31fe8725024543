// iperf3 at the kernel's end in either role, its protocol spoken on the stack: a control connection with a cookie, JSON
// parameters and results, states of one byte, and a data connection that says the same cookie (iperf_api.h).
import { Buffer } from 'node:buffer';
import { pattern } from '../applications.js';
import { check, type PeerCase, type PeerContext } from '../types.js';
import { untilListening } from './common.js';

const PORT = 5201;
/** 36 characters and NUL. */
const COOKIE = 37;
const TEST_START = 1;
const TEST_RUNNING = 2;
const TEST_END = 4;
const PARAM_EXCHANGE = 9;
const CREATE_STREAMS = 10;
const EXCHANGE_RESULTS = 13;
const DISPLAY_RESULTS = 14;
const IPERF_DONE = 16;
const BLOCK = 131_072;

interface Results {
  readonly streams: readonly { readonly bytes: number; readonly retransmits: number }[];
}

const bytesOf = (c: PeerContext): number => (c.condition === 'clean' ? 16 : 2) << 20;

/** The control connection. */
class Control {
  private readonly c: PeerContext;
  readonly fd: number;

  constructor(c: PeerContext, fd: number) {
    this.c = c;
    this.fd = fd;
  }

  say(state: number): Promise<void> {
    return this.c.apps.write(this.fd, Uint8Array.of(state));
  }

  async expect(state: number): Promise<void> {
    const [got] = await this.c.apps.readAll(this.fd, 1);
    check(got === state, `iperf3 is in state ${got}, not ${state}`);
  }

  async read(): Promise<unknown> {
    const length = (await this.c.apps.readAll(this.fd, 4)).readUInt32BE();
    check(length < 65_536, `${length} bytes of JSON`);
    return JSON.parse((await this.c.apps.readAll(this.fd, length)).toString());
  }

  async write(value: unknown): Promise<void> {
    const text = Buffer.from(JSON.stringify(value));
    const head = Buffer.alloc(4);
    head.writeUInt32BE(text.length);
    await this.c.apps.write(this.fd, Buffer.concat([head, text]));
  }
}

/** What either end says of itself; -1 retransmits: it did not send. */
const results = (bytes: number, retransmits: number): unknown => ({
  cpu_util_total: 0,
  cpu_util_user: 0,
  cpu_util_system: 0,
  sender_has_retransmits: retransmits < 0 ? -1 : 1,
  streams: [{ id: 1, bytes, retransmits, jitter: 0, errors: 0, packets: 0, start_time: 0, end_time: 1 }],
});

export const iperfServer: PeerCase = {
  name: 'iperf3-server',
  about: 'an iperf3 client of the kernel measures against a server on the stack',
  needs: ['iperf3'],
  async run(c) {
    const listener = c.apps.listen(PORT);
    const running = c.programs.run('iperf3', ['-c', c.ours, '-n', String(bytesOf(c)), '-J']);
    const control = new Control(c, await c.apps.accept(listener));
    const cookie = await c.apps.readAll(control.fd, COOKIE);
    await control.say(PARAM_EXCHANGE);
    const asked = (await control.read()) as { tcp?: boolean; num?: number };
    check(asked.tcp === true && asked.num === bytesOf(c), `parameters: ${JSON.stringify(asked)}`);
    await control.say(CREATE_STREAMS);
    const data = await c.apps.accept(listener);
    check((await c.apps.readAll(data, COOKIE)).equals(cookie), 'the data connection has another cookie');
    await control.say(TEST_START);
    await control.say(TEST_RUNNING);
    const got = c.apps.sink(data);
    await control.expect(TEST_END);
    await control.say(EXCHANGE_RESULTS);
    const theirs = ((await control.read()) as Results).streams[0];
    // It looks at its count after a round of blocks: one or the other may be more. What matters is that we have as many.
    const least = bytesOf(c);
    check(
      theirs.bytes >= least && theirs.bytes <= 2 * least,
      `iperf3 says that it sent ${theirs.bytes} bytes`,
    );
    await control.write(results(theirs.bytes, -1));
    await control.say(DISPLAY_RESULTS);
    await control.expect(IPERF_DONE);
    await c.apps.close(control.fd);
    const { bytes, time } = await got;
    check(bytes === theirs.bytes, `${bytes} bytes of ${theirs.bytes}`);
    const { stdout } = await running;
    const report = JSON.parse(stdout.toString()) as { end: { sum_received: { bytes: number } } };
    check(report.end.sum_received.bytes === bytes, 'iperf3 reports what we received');
    c.note(`${(bytes / 1e3 / time).toFixed(1)} MB/s, ${theirs.retransmits} retransmits of the kernel`);
    await c.apps.close(data);
    await c.apps.close(listener);
  },
};

export const iperfClient: PeerCase = {
  name: 'iperf3-client',
  about: 'a client on the stack measures against an iperf3 server of the kernel',
  needs: ['iperf3', 'ss'],
  async run(c) {
    const server = c.programs.start('iperf3', ['-s', '-1', '-J', '-B', c.theirs, '-p', String(PORT)]);
    await untilListening(c, PORT);
    const cookie = Buffer.from(`${'netchannel'.repeat(4).slice(0, COOKIE - 1)}\0`);
    const control = new Control(c, await c.apps.connect(c.theirs, PORT));
    await c.apps.write(control.fd, cookie);
    await control.expect(PARAM_EXCHANGE);
    const num = bytesOf(c);
    await control.write({
      tcp: true,
      omit: 0,
      time: 0,
      num,
      parallel: 1,
      len: BLOCK,
      client_version: '3.12',
    });
    await control.expect(CREATE_STREAMS);
    const data = await c.apps.connect(c.theirs, PORT);
    await c.apps.write(data, cookie);
    await control.expect(TEST_START);
    await control.expect(TEST_RUNNING);
    const block = pattern(BLOCK, 5);
    const start = performance.now();
    for (let left = num; left > 0; left -= BLOCK) await c.apps.write(data, block);
    const time = performance.now() - start;
    await control.say(TEST_END);
    await control.expect(EXCHANGE_RESULTS);
    await control.write(results(num, c.stack.posix.tcpInfo(data).tcpi_total_retrans));
    const [theirs] = ((await control.read()) as Results).streams;
    // The server closes its data socket when it hears of the end, whatever is still on the way.
    check(theirs.bytes > 0 && theirs.bytes <= num, `iperf3 received ${theirs.bytes} bytes of ${num}`);
    await control.expect(DISPLAY_RESULTS);
    await control.say(IPERF_DONE);
    await c.apps.close(control.fd);
    await c.apps.close(data);
    const { stdout, status } = await server.finished;
    check(status === 0, `iperf3 ends with ${status}: ${stdout.toString().slice(-300)}`);
    c.note(`${(num / 1e3 / time).toFixed(1)} MB/s; ${theirs.bytes} bytes counted by the server`);
  },
};
