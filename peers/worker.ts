// The thread of one case: makes its network, runs the case, cleans up, and reports. It never decides what a failure means.
import { parentPort, workerData } from 'node:worker_threads';
import { Applications } from './applications.js';
import { CASES } from './cases/index.js';
import { judgeMemory, MemoryWatch } from './memory.js';
import { KERNEL, OURS, openPeerNetwork, setSysctl } from './network.js';
import { Programs } from './programs.js';
import type { CaseOrder, CaseResult, PeerContext } from './types.js';
import { DEFAULT_LIMIT, PeerFailure, SOAK_LIMIT } from './types.js';

const order = workerData as CaseOrder;
const { name, family, condition, device, scale } = order;
const peerCase = CASES.find((each) => each.name === name);
if (peerCase === undefined) throw new Error(`no case ${name}`);

const notes: string[] = [];
const started = performance.now();
const result = (status: CaseResult['status'], reason?: string): CaseResult => ({
  name,
  family,
  condition,
  device,
  status,
  ...(reason === undefined ? {} : { reason }),
  notes,
  seconds: (performance.now() - started) / 1e3,
});

let broken: (error: unknown) => void = () => {};
const failure = new Promise<never>((_, reject) => {
  broken = reject;
});
failure.catch(() => {});
process.on('unhandledRejection', broken);

const network = openPeerNetwork(peerCase, order, broken, order.pcap);
parentPort!.postMessage({ bell: network.loop.bell.fd, device: network.device.link.fd });
const programs = new Programs(broken);
const context: PeerContext = {
  family,
  condition,
  scale,
  stack: network.stack,
  ours: OURS[family],
  theirs: KERNEL[family],
  device: network.device.name,
  hardwareAddress: network.link.hardwareAddress ?? new Uint8Array(6),
  programs,
  apps: new Applications(network.stack.posix, family),
  note: (text) => void notes.push(text),
  sysctl: setSysctl,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

const memory = scale === 'soak' ? new MemoryWatch(network.stack) : null;
let verdict: CaseResult;
const limit = (peerCase.limit ?? DEFAULT_LIMIT) * (scale === 'soak' ? SOAK_LIMIT : 1);
let timer: NodeJS.Timeout | undefined;
try {
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new PeerFailure(`not done after ${limit} s`)), limit * 1e3);
  });
  await Promise.race([peerCase.run(context), failure, late]);
  verdict = result('passed');
} catch (error) {
  const text = error instanceof PeerFailure ? error.message : String((error as Error)?.stack ?? error);
  verdict = result('failed', text);
}
clearTimeout(timer);
if (memory !== null) {
  memory.stop();
  const { grown, text } = judgeMemory(memory.samples);
  notes.push(text);
  if (grown.length > 0 && verdict.status === 'passed') verdict = result('failed', `${grown.join(', ')} grew`);
}
await programs.close();
const { impaired } = network;
if (impaired !== null) {
  const { lost, duplicated, reordered } = impaired.rx.counters;
  const { tx } = impaired;
  notes.push(
    `frames lost ${tx.counters.lost} out, ${lost} in; ` +
      `duplicated ${tx.counters.duplicated}/${duplicated}; reordered ${tx.counters.reordered}/${reordered}`,
  );
}
try {
  await network.close();
  const { descriptors, connections, timeWaits, flows, buffers, pendingCalls } = network.stack.usage();
  const left = { descriptors, connections, timeWaits, flows, buffers, pendingCalls };
  const what = Object.entries(left).filter(([, count]) => count !== 0);
  if (what.length > 0 && verdict.status === 'passed') {
    verdict = result('failed', `left behind: ${what.map(([key, count]) => `${count} ${key}`).join(', ')}`);
  }
} catch (error) {
  if (verdict.status === 'passed') verdict = result('failed', `closing: ${String(error)}`);
}
parentPort!.postMessage({ result: verdict });
process.exit(0);
