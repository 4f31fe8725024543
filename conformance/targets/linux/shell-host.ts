// What a script's commands do on the linux target: the restricted shell's operations, carried out on the network
// namespace of the calling thread. Programs are started with an argument list, never through a shell.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import {
  type AddressOperation,
  HostRefusal,
  type LinkOperation,
  type QdiscOperation,
  type RouteOperation,
  type ShellHost,
} from '../../shell/index.js';

/** Settings that belong to the whole machine, not to a namespace: never written. */
const NAMESPACED = /^net\.(ipv4|ipv6|core|mptcp)\./;
const CONGESTION_CONTROL = 'net.ipv4.tcp_congestion_control';

export class LinuxShellHost implements ShellHost {
  /**
   * Congestion control for new sockets. A namespace may not choose one that the host does not allow everybody, a
   * privileged socket may: so the sysctl is kept here and set per socket.
   */
  congestionControl: string;
  readonly readHelperFile: (path: string) => string | null;

  constructor(congestionControl: string, readHelperFile: (path: string) => string | null) {
    this.congestionControl = congestionControl;
    this.readHelperFile = readHelperFile;
  }

  getSysctl(name: string): string {
    if (name === CONGESTION_CONTROL) return this.congestionControl;
    return attempt(name, () => readFileSync(sysctlPath(name), 'latin1').trim());
  }

  setSysctl(name: string, value: string): void {
    if (name === CONGESTION_CONTROL) {
      this.congestionControl = value;
      return;
    }
    if (!NAMESPACED.test(name))
      throw new HostRefusal('EPERM', `${name} is not a setting of a network namespace`);
    attempt(name, () => writeFileSync(sysctlPath(name), value));
  }

  getModuleParameter(name: string): string {
    const [module, parameter] = name.split('.');
    return attempt(name, () =>
      readFileSync(`/sys/module/${module}/parameters/${parameter}`, 'latin1').trim(),
    );
  }

  setModuleParameter(name: string, value: string): void {
    if (value.trim() === this.getModuleParameter(name)) return;
    throw new HostRefusal('EPERM', `${name} belongs to the whole machine`);
  }

  readProcFile(path: string): string | null {
    try {
      return readFileSync(path.replace(/^\/proc\/net\//, '/proc/thread-self/net/'), 'latin1');
    } catch {
      return null;
    }
  }

  changeRoute(route: RouteOperation): void {
    const args = [`-${route.family}`, 'route', route.operation, route.destination];
    const add = (name: string, value: string | number | null): void => {
      if (value !== null) args.push(name, String(value));
    };
    const addLocked = (name: string, value: { value: number; lock: boolean } | null): void => {
      if (value !== null) args.push(name, ...(value.lock ? ['lock'] : []), String(value.value));
    };
    add('via', route.via);
    add('dev', route.device);
    add('src', route.source);
    addLocked('advmss', route.advmss);
    addLocked('mtu', route.mtu);
    add('initcwnd', route.initcwnd);
    add('initrwnd', route.initrwnd);
    addLocked('cwnd', route.cwnd);
    addLocked('ssthresh', route.ssthresh);
    add('rto_min', route.rtoMin === null ? null : `${route.rtoMin}us`);
    add('rtt', route.rtt === null ? null : `${route.rtt}us`);
    add('quickack', route.quickack === null ? null : Number(route.quickack));
    add('congctl', route.congestionControl);
    for (const feature of route.features) add('features', feature);
    add('hoplimit', route.hopLimit);
    add('fastopen_no_cookie', route.fastopenNoCookie === null ? null : Number(route.fastopenNoCookie));
    program('ip', args);
  }

  changeLink(link: LinkOperation): void {
    const args = ['link', 'set', 'dev', link.device];
    if (link.up !== null) args.push(link.up ? 'up' : 'down');
    if (link.mtu !== null) args.push('mtu', String(link.mtu));
    if (link.queueLength !== null) args.push('txqueuelen', String(link.queueLength));
    if (link.gsoMaxSize !== null) args.push('gso_max_size', String(link.gsoMaxSize));
    if (link.gsoMaxSegments !== null) args.push('gso_max_segs', String(link.gsoMaxSegments));
    program('ip', args);
  }

  changeAddress(change: AddressOperation): void {
    const address = change.prefix === null ? change.address : `${change.address}/${change.prefix}`;
    program('ip', [
      'address',
      change.operation === 'delete' ? 'del' : change.operation,
      address,
      'dev',
      change.device,
    ]);
  }

  flushTcpMetrics(address: string | null): void {
    program('ip', ['tcp_metrics', 'flush', address ?? 'all']);
  }

  changeQdisc(qdisc: QdiscOperation): void {
    const args = [
      'qdisc',
      qdisc.operation === 'delete' ? 'del' : qdisc.operation,
      'dev',
      qdisc.device,
      'root',
    ];
    if (qdisc.handle !== null) args.push('handle', qdisc.handle);
    if (qdisc.kind !== null) args.push(qdisc.kind, ...qdisc.parameters);
    program('tc', args);
  }

  setDeviceFeature(device: string, feature: string, on: boolean): void {
    program('ethtool', ['-K', device, feature, on ? 'on' : 'off']);
  }

  counters(): Readonly<Record<string, number>> {
    const counters: Record<string, number> = {};
    for (const file of ['snmp', 'netstat']) {
      const rows = readFileSync(`/proc/thread-self/net/${file}`, 'latin1').trim().split('\n');
      for (let i = 0; i + 1 < rows.length; i += 2) {
        const [group, ...names] = rows[i]!.split(/\s+/);
        const values = rows[i + 1]!.split(/\s+/).slice(1);
        for (const [k, name] of names.entries())
          counters[`${group!.slice(0, -1)}${name}`] = Number(values[k]);
      }
    }
    for (const line of readFileSync('/proc/thread-self/net/snmp6', 'latin1').trim().split('\n')) {
      const [name, value] = line.split(/\s+/);
      counters[name] = Number(value);
    }
    return counters;
  }

  sleep(microseconds: number): void {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, microseconds / 1e3);
  }
}

/** `net.ipv4.conf.tun0.x` → its file; a slash inside a name stands for a dot, as sysctl(8) has it. */
const sysctlPath = (name: string): string =>
  `/proc/sys/${name
    .split('.')
    .map((part) => part.replaceAll('/', '.'))
    .join('/')}`;

function attempt<T>(name: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new HostRefusal(
      (error as NodeJS.ErrnoException).code ?? 'EIO',
      `${name}: ${(error as Error).message}`,
    );
  }
}

/** Starts a program of iproute2 or ethtool; its failure is the command's. */
export function program(name: string, args: readonly string[]): void {
  const ran = spawnSync(name, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
  if (ran.error !== undefined) {
    throw new HostRefusal(
      (ran.error as NodeJS.ErrnoException).code ?? 'EIO',
      `cannot start ${name}: is it installed?`,
    );
  }
  if (ran.status !== 0)
    throw new HostRefusal('EINVAL', ran.stderr.trim() || `${name} ended with status ${ran.status}`);
}
