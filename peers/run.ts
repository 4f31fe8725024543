// Runs peer cases one after another, each in a thread and a namespace of its own, and bounds each. Knows no case.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { libc } from '../stack/link/linux/libc.js';
import { ringAtExit } from '../stack/run-loop.js';
import { CASES } from './cases/index.js';
import { lackOfDevices } from './lack.js';
import { findProgram } from './programs.js';
import {
  type CaseId,
  type CaseOrder,
  type CaseResult,
  type Condition,
  DEFAULT_LIMIT,
  DEVICE_KINDS,
  type DeviceKind,
  type Family,
  type PeerCase,
  type Scale,
  SOAK_LIMIT,
} from './types.js';

export interface PeerRunOptions {
  /** Names, or beginnings of them up to a slash; all when empty. */
  readonly cases?: readonly string[];
  readonly families?: readonly Family[];
  readonly conditions?: readonly Condition[];
  readonly devices?: readonly DeviceKind[];
  /** Default 'full'. */
  readonly scale?: Scale;
  /** Folder for a capture of each case, made when missing. */
  readonly pcap?: string;
  readonly onResult?: (result: CaseResult, done: number, total: number) => void;
}

/** A name that no case has. */
export class UnknownCaseError extends Error {
  readonly code = 'PEERS_UNKNOWN_CASE';
}

/** The cells of the matrix that `options` ask for. Throws UnknownCaseError. */
export function selectCases(options: PeerRunOptions): { peerCase: PeerCase; id: CaseId }[] {
  const wanted = options.cases ?? [];
  for (const name of wanted) {
    if (!CASES.some((c) => c.name === name)) {
      throw new UnknownCaseError(
        `there is no case ${name}; there are ${CASES.map((c) => c.name).join(', ')}`,
      );
    }
  }
  const cells: { peerCase: PeerCase; id: CaseId }[] = [];
  for (const peerCase of CASES) {
    if (wanted.length > 0 && !wanted.includes(peerCase.name)) continue;
    for (const device of peerCase.devices ?? DEVICE_KINDS) {
      if (options.devices && !options.devices.includes(device)) continue;
      for (const condition of conditionsOf(peerCase, options.scale)) {
        if (options.conditions && !options.conditions.includes(condition)) continue;
        for (const family of peerCase.families ?? ([4, 6] as const)) {
          if (options.families && !options.families.includes(family)) continue;
          cells.push({ peerCase, id: { name: peerCase.name, family, condition, device } });
        }
      }
    }
  }
  return cells;
}

function conditionsOf(peerCase: PeerCase, scale: Scale = 'full'): readonly Condition[] {
  return scale === 'soak' ? (peerCase.soak ?? []) : (peerCase.conditions ?? ['clean', 'impaired']);
}

export async function runPeers(options: PeerRunOptions = {}): Promise<CaseResult[]> {
  const cells = selectCases(options);
  const { scale = 'full', pcap } = options;
  if (pcap !== undefined) mkdirSync(pcap, { recursive: true });
  const lack = lackOfDevices();
  const results: CaseResult[] = [];
  for (const { peerCase, id } of cells) {
    const needed = [...(peerCase.needs ?? []), ...(id.device === 'packet' ? ['ip'] : [])];
    const missing = needed.filter((name) => findProgram(name) === null);
    const reason = lack ?? (missing.length > 0 ? `not installed: ${missing.join(', ')}` : null);
    const result: CaseResult =
      reason === null
        ? await runOne(
            {
              ...id,
              scale,
              ...(pcap === undefined
                ? {}
                : { pcap: join(pcap, `${id.name}-ipv${id.family}-${id.condition}-${id.device}.pcap`) }),
            },
            peerCase,
          )
        : { ...id, status: 'skipped', reason, notes: [], seconds: 0 };
    results.push(result);
    options.onResult?.(result, results.length, cells.length);
  }
  return results;
}

async function runOne(order: CaseOrder, peerCase: PeerCase): Promise<CaseResult> {
  const started = performance.now();
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: order });
  let result: CaseResult | null = null;
  let forget = (): void => {};
  let crash = 'the thread ended without a report';
  const descriptors: number[] = [];
  worker.on('message', (message: { bell?: number; device?: number; result?: CaseResult }) => {
    const { bell, device } = message;
    if (bell !== undefined && device !== undefined) {
      descriptors.push(bell, device);
      forget = ringAtExit(bell);
    }
    if (message.result !== undefined) {
      result = message.result;
      forget();
    }
  });
  worker.on('error', (error) => {
    crash = String(error.stack ?? error);
  });
  // The case bounds itself; this is for a thread that hangs.
  const limit = ((peerCase.limit ?? DEFAULT_LIMIT) * (order.scale === 'soak' ? SOAK_LIMIT : 1) + 15) * 1e3;
  const timer = setTimeout(() => {
    crash = 'the thread hung and was ended';
    void worker.terminate();
  }, limit);
  // Not events.once, which an 'error' on the way ends: a case that throws while it is set up has failed, and the others go on.
  await new Promise((resolve) => worker.once('exit', resolve));
  clearTimeout(timer);
  forget();
  if (result === null) closeDescriptors(descriptors);
  const { name, family, condition, device } = order;
  const seconds = (performance.now() - started) / 1e3;
  return result ?? { name, family, condition, device, status: 'failed', reason: crash, notes: [], seconds };
}

/**
 * Closes what a thread that died has left open. Descriptors belong to the process, and an open device keeps its network
 * namespace: after the process all of it is gone anyway.
 */
export function closeDescriptors(fds: readonly number[]): void {
  for (const fd of fds) libc().close(fd);
}
