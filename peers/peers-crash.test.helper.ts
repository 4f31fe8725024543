// Worker of peers.test.ts: opens a peer network, starts a program in it, and dies without cleaning up.
import { readlinkSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { openPeerNetwork } from './network.js';
import { Programs } from './programs.js';

const { how } = workerData as { how: 'throw' | 'terminate' };
const network = openPeerNetwork(
  { name: 'crash', about: '', run: async () => {} },
  { family: 4, condition: 'clean', device: 'tap' },
  () => {},
);
const programs = new Programs(() => {});
const { stdout } = await programs.run('ip', ['-br', 'link', 'show', 'dev', network.device.name]);
parentPort!.postMessage({
  descriptors: [network.device.link.fd, network.loop.bell.fd],
  link: stdout.toString(),
  namespace: readlinkSync('/proc/thread-self/ns/net'),
});
if (how === 'throw') {
  setTimeout(() => {
    throw new Error('crash on purpose');
  }, 20);
}
