// A process with a threaded stack whose driver sleeps in the kernel, which ends in the way it is told.
import { socketAddress } from '../socket/address.js';
import { AF_INET, SOCK_STREAM } from '../socket/constants.js';
import { openThreadedStack } from './threaded-stack.js';
import { makeWire } from './wire-links.test.helper.js';

const wire = makeWire();
const stack = await openThreadedStack({
  links: { module: new URL('./wire-links.test.helper.js', import.meta.url), options: wire.ends[0] },
  addresses: [{ address: '10.0.0.1', prefix: 24 }],
  arenaBytes: 64 << 20,
  smallBuffers: 4096,
  largeBuffers: 64,
  buffers: { small: 512, large: 8 },
  maxChannels: 64,
});
const worker = stack.spawn(new URL('./echo-host.test.helper.js', import.meta.url), {
  addresses: [{ address: '10.0.0.2', prefix: 24 }],
  buffers: { small: 512, large: 8 },
});
await new Promise((resolve) => worker.once('message', resolve));
process.stdout.write('idle ');
const how = process.argv[2];
// The worker has a socket open, which keeps it, and so this process: not what is asked here.
worker.unref();
if (how === 'exit') process.exit(3);
if (how === 'throw') throw new Error('uncaught on purpose');
if (how === 'serve') {
  const { posix } = stack.host;
  const listener = posix.socket(AF_INET, SOCK_STREAM, 0);
  posix.bind(listener, socketAddress('0.0.0.0', 80));
  posix.listen(listener, 1);
  // A timer that does not hold the process fires only because the open socket does.
  setTimeout(() => {
    process.stdout.write('served');
    posix.close(listener);
  }, 300).unref();
}
