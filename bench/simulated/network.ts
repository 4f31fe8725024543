// Stacks joined by links in memory, in virtual time: one client and one server host, the connections between them, and
// the loop that moves time to the next event. Nothing here reads a clock; every seed is given.

import {
  createStack,
  ImpairedLink,
  type InlineStack,
  memoryPair,
  type StackOptions,
} from '../../stack/index.js';
import type { ImpairedOptions } from '../../stack/link/impaired.js';
import { socketAddress } from '../../stack/socket/address.js';
import * as c from '../../stack/socket/constants.js';

/** A network that cannot be made or does not get on. */
export class SimulationError extends Error {
  readonly code = 'ERR_SIMULATION';
  constructor(message: string) {
    super(`simulation: ${message}`);
    this.name = 'SimulationError';
  }
}

export interface SimulatedNetworkOptions {
  /** µs, one way. */
  delay: number;
  seed: number;
  /** What the network does on top of the delay: `tx` is from client to server. */
  impair: Omit<ImpairedOptions, 'seed'>;
  /** For both hosts. */
  stack?: Omit<StackOptions, 'links' | 'addresses'>;
  port?: number;
  /** Called for every listener before it listens, for every client before it connects. */
  prepare?: (stack: InlineStack, descriptor: number) => void;
}

/** Descriptors of one connection; `server` is -1 until it was accepted. */
export interface SimulatedFlow {
  client: number;
  server: number;
}

const PORT = 8080;

/** Reproducible "secrets": nothing here is secret. */
function secretsFrom(seed: number): (bytes: Uint8Array) => void {
  let state = (seed * 2_654_435_761) | 0;
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      bytes[i] = state >>> 24;
    }
  };
}

export class SimulatedNetwork {
  readonly client: InlineStack;
  readonly server: InlineStack;
  readonly link: ImpairedLink;
  /** Virtual time, µs. */
  now = 0;
  readonly #options: SimulatedNetworkOptions;
  readonly #listener: number;

  constructor(options: SimulatedNetworkOptions) {
    this.#options = options;
    const [left, right] = memoryPair({ delay: options.delay, common: { framing: 'ip' } });
    this.link = new ImpairedLink(left, { ...options.impair, seed: options.seed });
    const make = (link: typeof left | ImpairedLink, last: number) =>
      createStack({
        ...options.stack,
        links: [link],
        addresses: [{ address: `10.0.0.${last}`, prefix: 24 }],
        seed: options.seed * 2 + last,
        secrets: secretsFrom(options.seed * 2 + last),
      });
    this.client = make(this.link, 1);
    this.server = make(right, 2);
    const { posix } = this.server;
    this.#listener = posix.socket(c.AF_INET, c.SOCK_STREAM, 0);
    posix.bind(this.#listener, socketAddress('0.0.0.0', options.port ?? PORT));
    options.prepare?.(this.server, this.#listener);
    posix.listen(this.#listener, 128);
    posix.fcntl(this.#listener, c.F_SETFL, c.O_NONBLOCK);
  }

  /** Starts a connection; `server` is filled in once it was accepted. Both ends are non-blocking. */
  connect(): SimulatedFlow {
    const { posix } = this.client;
    const flow = { client: posix.socket(c.AF_INET, c.SOCK_STREAM, 0), server: -1 };
    posix.fcntl(flow.client, c.F_SETFL, c.O_NONBLOCK);
    this.#options.prepare?.(this.client, flow.client);
    posix.connect(flow.client, socketAddress('10.0.0.2', this.#options.port ?? PORT));
    return flow;
  }

  /** A connection that the listener has ready, or a negative number. */
  accept(): number {
    const { posix } = this.server;
    const descriptor = posix.accept(this.#listener).result ?? -1;
    if (descriptor >= 0) posix.fcntl(descriptor, c.F_SETFL, c.O_NONBLOCK);
    return descriptor;
  }

  /** Lets both hosts do what is due now. */
  run(): void {
    this.client.run(this.now);
    this.server.run(this.now);
  }

  /** Moves time to the next event, at most to `end`. Throws SimulationError when nothing will ever happen again. */
  next(end: number): void {
    const at = Math.min(this.client.nextTimeout(), this.server.nextTimeout());
    if (at === Number.POSITIVE_INFINITY && end === at) throw new SimulationError('nothing is left to happen');
    this.now = Math.min(Math.max(this.now, at), end);
  }

  close(): void {
    this.client.close();
    this.server.close();
  }
}
