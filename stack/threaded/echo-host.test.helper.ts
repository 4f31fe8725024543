// A host in a worker, for tests: echoes on port 7, and does what its messages say.
import { parentPort, workerData } from 'node:worker_threads';
import { socketAddress } from '../socket/address.js';
import { AF_INET, SOCK_STREAM } from '../socket/constants.js';
import { returnOf } from '../socket/return-of.js';
import { type HostTicket, openHost } from './open-host.js';

const { ticket } = workerData as { ticket: HostTicket };
try {
  const host = await openHost(ticket);
  const { posix } = host;
  const listener = posix.socket(AF_INET, SOCK_STREAM, 0);
  posix.bind(listener, socketAddress('0.0.0.0', 7));
  posix.listen(listener, 64);
  const echo = async (fd: number) => {
    const buffer = new Uint8Array(4096);
    for (;;) {
      const length = await returnOf(posix.read(fd, buffer));
      if (length <= 0) break;
      for (let at = 0; at < length; ) {
        const written = await returnOf(posix.write(fd, buffer.subarray(at, length)));
        if (written < 0) return;
        at += written;
      }
    }
    await returnOf(posix.close(fd));
  };
  const serve = async () => {
    for (let fd = await returnOf(posix.accept(listener)); fd >= 0; ) {
      void echo(fd);
      fd = await returnOf(posix.accept(listener));
    }
  };
  void serve();
  parentPort?.on('message', (what: string) => {
    if (what === 'close') {
      host.close();
      void host.ended.then(() => parentPort?.postMessage({ usage: host.usage() }));
    } else if (what === 'throw') {
      throw new Error('uncaught on purpose');
    } else if (what === 'exit') {
      process.exit(5);
    } else if (what === 'usage') {
      parentPort?.postMessage({ usage: host.usage(), statistics: host.statistics() });
    }
  });
  parentPort?.unref();
  parentPort?.postMessage('ready');
} catch (error) {
  parentPort?.postMessage({ refused: (error as { code?: string }).code ?? String(error) });
}
