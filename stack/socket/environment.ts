// What sockets need of the stack they live in: time, configuration, the endpoint. One object per stack.
import type { StackConfig } from '../config/config.js';
import type { TcpEndpoint } from '../endpoint/tcp-endpoint.js';
import type { NetworkLayer } from '../host/network.js';
import type { FileAccess } from '../stack-options.js';
import type { UdpEndpoint } from '../udp/udp-endpoint.js';
import type { CallHost } from './pending.js';

export interface SocketEnvironment extends CallHost {
  readonly config: StackConfig;
  readonly tcp: TcpEndpoint;
  readonly udp: UdpEndpoint;
  readonly network: NetworkLayer;
  readonly privileged: boolean;
  readonly files: FileAccess | undefined;
  nextCookie(): number;
  /** Between steps: deadlines, completions and events of what just happened. */
  settle(): void;
  /** Wall-clock µs of stack time `at`. */
  wallTime(at: number): number;
}
