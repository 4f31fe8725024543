// A process that starts a threaded driver asleep in the kernel and then ends in the way it is told.
import { EventFd } from '../link/linux/poll.js';
import { Control } from './control.js';
import { DriverThread } from './driver-thread.js';

const eventfd = new EventFd();
const control = new Control({ secret: () => 5, arenaBytes: 8 << 20, smallBuffers: 1024, largeBuffers: 16 });
const driver = await DriverThread.start(control, {
  module: new URL('./threads-link.test.helper.js', import.meta.url).href,
  options: { packets: 0, flows: 1, batch: 1, eventfd: eventfd.fd, report: new SharedArrayBuffer(32) },
  buffers: { small: 64, large: 2 },
  kick: (fd) => new EventFd(fd).ring(),
});
await new Promise((resolve) => setTimeout(resolve, 100));
console.log('idle');
const how = process.argv[2];
if (how === 'exit') process.exit(3);
if (how === 'throw') throw new Error('uncaught on purpose');
if (how === 'close') {
  driver.hold();
  await driver.close();
}
