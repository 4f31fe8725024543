// SO_REUSEPORT: sockets that hold one address and port share what comes for it, by flow, as Linux's reuseport groups do
// without a program of their own. Knows bindings, no sockets.
import type { FlowAddress } from '../tcp/flow-ends.js';
import { equalAddress } from '../wire/address.js';
import type { FlowSecrets } from './flow-secrets.js';
import type { Binding } from './ports.js';

/** Whether two bindings on one port are one group: both asked for it, for the same address and families. */
export function shares(a: Binding, b: Binding): boolean {
  if (!a.reusePort || !b.reusePort) return false;
  return a.inet6 === b.inet6 && a.v6only === b.v6only && equalAddress(a.address, 0, b.address, 0);
}

/** The one of `group` (not empty) to which the flow belongs: the same while the group stays, and not to be foretold. */
export function shareOf<T>(group: readonly T[], secrets: FlowSecrets, flow: FlowAddress): T {
  return group[Math.floor((secrets.share(flow) / 2 ** 32) * group.length)];
}
