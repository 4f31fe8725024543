// A ShellHost for tests: remembers what it was asked to do.

import { HostRefusal } from './errors.js';
import type { ShellHost } from './host.js';

export interface FakeHost extends ShellHost {
  readonly sysctls: Map<string, string>;
  /** Everything but sysctls, in order: `[method, argument...]`. */
  readonly log: unknown[][];
  readonly helpers: Map<string, string>;
  counterValues: Record<string, number>;
}

export function fakeHost(sysctls: Readonly<Record<string, string>> = {}): FakeHost {
  const log: unknown[][] = [];
  const values = new Map(Object.entries(sysctls));
  const helpers = new Map<string, string>();
  return {
    sysctls: values,
    log,
    helpers,
    counterValues: {},
    getSysctl(name) {
      const value = values.get(name);
      if (value === undefined) throw new HostRefusal('ENOENT', 'No such file or directory');
      return value;
    },
    setSysctl(name, value) {
      if (!values.has(name)) throw new HostRefusal('ENOENT', 'No such file or directory');
      if (value === 'invalid') throw new HostRefusal('EINVAL', 'Invalid argument');
      if (value === 'impossible') throw new Error('the stack cannot do this');
      values.set(name, value);
    },
    getModuleParameter: (name) => values.get(name) ?? '0',
    setModuleParameter: (name, value) => void log.push(['module', name, value]),
    readProcFile: (path) => (path === '/proc/net/tcp' ? ' 0: 0100007F:1F90 00000000:0000 0A\n' : null),
    changeRoute: (operation) => void log.push(['route', operation]),
    changeLink: (operation) => void log.push(['link', operation]),
    changeAddress: (operation) => void log.push(['address', operation]),
    flushTcpMetrics: (address) => void log.push(['flush', address]),
    changeQdisc(operation) {
      if (operation.kind === 'no_such') throw new HostRefusal('ENOENT', 'Specified qdisc kind is unknown.');
      log.push(['qdisc', operation]);
    },
    setDeviceFeature: (...all) => void log.push(['feature', ...all]),
    counters() {
      return this.counterValues;
    },
    sleep: (microseconds) => void log.push(['sleep', microseconds]),
    readHelperFile: (path) => helpers.get(path) ?? null,
  };
}
