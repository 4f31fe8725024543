// What backtick commands change, on our stack: sysctls, routes, devices, queue disciplines, counters.

import type { RouteOption, Stack } from '../../../stack/index.js';
import {
  type AddressOperation,
  HostRefusal,
  type LinkOperation,
  type QdiscOperation,
  type RouteOperation,
  type ShellHost,
} from '../../shell/index.js';
import { TargetUnsupported } from '../target.js';
import { getModuleParameter, setModuleParameter } from './module-parameters.js';
import { procNetFile } from './proc-net.js';

const QDISC_KINDS = ['pfifo_fast', 'pfifo', 'bfifo', 'fq', 'noqueue'] as const;

export class StackShellHost implements ShellHost {
  private readonly stack: Stack;
  private readonly pass: (microseconds: number) => void;
  private readonly helper: (path: string) => string | null;
  private readonly qdiscs = new Set<string>();

  /** @param pass lets time pass; @param helper reads a file beside the script */
  constructor(stack: Stack, pass: (microseconds: number) => void, helper: (path: string) => string | null) {
    this.stack = stack;
    this.pass = pass;
    this.helper = helper;
  }

  getSysctl(name: string): string {
    return refusing(() => this.stack.getSysctl(name));
  }

  setSysctl(name: string, value: string): void {
    refusing(() => {
      this.stack.setSysctl(name, value);
    });
  }

  getModuleParameter(name: string): string {
    const value = getModuleParameter(this.stack.config, name);
    if (value === null) throw new TargetUnsupported(`the module parameter ${name}`);
    return value;
  }

  setModuleParameter(name: string, value: string): void {
    if (!setModuleParameter(this.stack.config, name, value)) {
      throw new TargetUnsupported(`the module parameter ${name} with the value ${value.trim()}`);
    }
  }

  readProcFile(path: string): string | null {
    return procNetFile(this.stack.posix, path);
  }

  changeRoute(operation: RouteOperation): void {
    const destination = routeDestination(operation);
    if (operation.operation === 'delete') {
      refusing(() => {
        this.stack.removeRoute(destination);
      });
      return;
    }
    const option: RouteOption = { destination };
    if (operation.mtu) {
      option.mtu = operation.mtu.value;
      option.mtuLocked = operation.mtu.lock;
    }
    if (operation.advmss) option.advmss = operation.advmss.value;
    if (operation.initcwnd !== null) option.initcwnd = operation.initcwnd;
    if (operation.initrwnd !== null) option.initrwnd = operation.initrwnd;
    if (operation.rtoMin !== null) option.rtoMin = operation.rtoMin;
    const unsupported = unsupportedMetric(operation);
    if (unsupported) throw new TargetUnsupported(`the route metric ${unsupported}`);
    refusing(() => {
      this.stack.addRoute(option, operation.operation !== 'add');
    });
  }

  changeLink(operation: LinkOperation): void {
    const device = this.device(operation.device);
    if (operation.gsoMaxSize !== null || operation.gsoMaxSegments !== null) {
      throw new TargetUnsupported('gso_max_size of a device');
    }
    if (operation.queueLength !== null) throw new TargetUnsupported('txqueuelen of a device');
    if (operation.mtu !== null) device.mtu = operation.mtu;
    if (operation.up !== null) device.up = operation.up;
  }

  changeAddress(operation: AddressOperation): void {
    this.device(operation.device);
    const v6 = operation.address.includes(':');
    refusing(() => {
      if (operation.operation === 'delete') this.stack.removeAddress(operation.address);
      else this.stack.addAddress({ address: operation.address, prefix: operation.prefix ?? (v6 ? 128 : 32) });
    });
  }

  flushTcpMetrics(_address: string | null): void {
    this.stack.flushTcpMetrics();
  }

  changeQdisc(operation: QdiscOperation): void {
    const device = this.device(operation.device);
    if (operation.operation === 'delete') {
      if (!this.qdiscs.delete(operation.device))
        throw new HostRefusal('ENOENT', 'Cannot delete qdisc with handle of zero.');
      device.deleteQdisc();
      return;
    }
    const kind = QDISC_KINDS.find((k) => k === operation.kind);
    if (!kind) throw new TargetUnsupported(`the queue discipline ${operation.kind}`);
    if (operation.operation === 'add' && this.qdiscs.has(operation.device)) {
      throw new HostRefusal('EEXIST', 'Exclusivity flag on, cannot modify.');
    }
    device.setQdisc({ kind, ...qdiscParameters(operation) });
    this.qdiscs.add(operation.device);
  }

  setDeviceFeature(name: string, feature: string, on: boolean): void {
    const device = this.device(name);
    switch (feature) {
      case 'gso':
      case 'generic-segmentation-offload':
        device.gso = on;
        return;
      case 'tso':
      case 'tcp-segmentation-offload':
        device.tso = on;
        return;
      case 'gro':
      case 'generic-receive-offload':
        // Nothing is coalesced on receiving: a script's packets arrive as it writes them, with either setting.
        return;
      default:
        throw new TargetUnsupported(`the device feature ${feature}`);
    }
  }

  counters(): Readonly<Record<string, number>> {
    return this.stack.counters.snapshot();
  }

  sleep(microseconds: number): void {
    this.pass(microseconds);
  }

  readHelperFile(path: string): string | null {
    return this.helper(path);
  }

  private device(name: string): NonNullable<ReturnType<Stack['device']>> {
    const device = this.stack.device(name);
    if (!device) throw new HostRefusal('ENODEV', `Cannot find device "${name}"`);
    return device;
  }
}

function routeDestination(operation: RouteOperation): string {
  const { destination, family } = operation;
  if (destination === 'default') return family === 4 ? 'default' : 'default6';
  return destination.includes('/') ? destination : `${destination}/${family === 4 ? 32 : 128}`;
}

function unsupportedMetric(operation: RouteOperation): string | null {
  if (operation.cwnd) return 'cwnd';
  if (operation.ssthresh) return 'ssthresh';
  if (operation.rtt !== null) return 'rtt';
  if (operation.quickack !== null) return 'quickack';
  if (operation.congestionControl !== null) return 'congctl';
  if (operation.features.length > 0) return `features ${operation.features.join(' ')}`;
  if (operation.hopLimit !== null) return 'hoplimit';
  return operation.fastopenNoCookie !== null ? 'fastopen_no_cookie' : null;
}

function qdiscParameters(operation: QdiscOperation): { limit?: number; flowLimit?: number } {
  const found: { limit?: number; flowLimit?: number } = {};
  for (let i = 0; i < operation.parameters.length; i += 2) {
    const [name, value] = [operation.parameters[i]!, Number(operation.parameters[i + 1])];
    if (name === 'limit' && Number.isFinite(value)) found.limit = value;
    else if (name === 'flow_limit' && Number.isFinite(value)) found.flowLimit = value;
    else throw new TargetUnsupported(`the parameter ${name} of ${operation.kind}`);
  }
  return found;
}

/** The stack's typed refusals as the shell knows them. */
function refusing<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    const message = error instanceof Error ? error.message : String(error);
    if (code === 'SYSCTL_UNKNOWN') throw new HostRefusal('ENOENT', message);
    if (code === 'SYSCTL_INVALID') throw new HostRefusal('EINVAL', message);
    if (code === 'SYSCTL_READONLY') throw new HostRefusal('EPERM', message);
    throw error;
  }
}
