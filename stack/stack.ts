// One stack, inline: driver and endpoint in the caller's thread, any clock. The same host with its driver in a thread of its
// own is in threaded/.
import type { Arena } from './channel/arena.js';
import { Control } from './driver/control.js';
import { Driver } from './driver/driver.js';
import { EndpointPort } from './driver/port.js';
import { ChannelReaders } from './endpoint/channel-readers.js';
import { LocalChannels } from './endpoint/local-channels.js';
import type { Ground } from './ground.js';
import { type HostSecrets, hostSecrets } from './host/secrets.js';
import { HostStack } from './host-stack.js';
import type { Link } from './link/link.js';
import type { StackOptions } from './stack-options.js';
import type { StackStatistics } from './stack-types.js';

export { StackError } from './stack-error.js';

export const SMALL_BUFFERS = 4096;
export const LARGE_BUFFERS = 256;

/** Makes a stack; see StackOptions. Throws what its parts throw for options that make no sense. */
export function createStack(options: StackOptions = {}): InlineStack {
  return new InlineStack(options);
}

export class InlineStack extends HostStack {
  readonly driver: Driver;
  /** The memory that holds its rings, table and packet buffers. */
  readonly arena: Arena;

  constructor(options: StackOptions) {
    const secrets = hostSecrets(options.secrets);
    const ground = new InlineGround(options, secrets);
    super(options, secrets, ground);
    this.driver = ground.driver;
    this.arena = ground.arena;
  }
}

/** Driver and control in the host's own thread: a packet that is sent has left, or waits in its queue, at once. */
class InlineGround implements Ground {
  readonly port: EndpointPort;
  readonly links: readonly Link[];
  readonly driver: Driver;
  readonly channels: LocalChannels;
  readonly readers = new ChannelReaders();
  readonly arena: Arena;
  private readonly control: Control;

  constructor(options: StackOptions, secrets: HostSecrets) {
    this.links = options.links ?? [];
    const small = options.smallBuffers ?? SMALL_BUFFERS;
    const large = options.largeBuffers ?? LARGE_BUFFERS;
    const control = new Control({
      secret: secrets.secretRandom32,
      smallBuffers: small,
      largeBuffers: large,
      debugBuffers: options.debugBuffers ?? false,
      ...(options.arenaBytes === undefined ? {} : { arenaBytes: options.arenaBytes }),
    });
    this.control = control;
    this.arena = control.arena;
    const half = { small: small >> 1, large: large >> 1 };
    this.driver = new Driver({
      arena: control.arena,
      address: control.address,
      pool: control.pool,
      party: control.pool.addParty(half),
      reader: control.table.addReader(),
      links: this.links,
    });
    const { endpoint, party } = control.addEndpoint(half);
    this.port = new EndpointPort(control.arena, control.address, control.pool, endpoint);
    this.port.inline = this.driver;
    this.driver.onPublish = this.readers.mark;
    this.channels = new LocalChannels(control, this.port, endpoint, party);
  }

  get flows(): number {
    return this.control.table.size;
  }

  receive(now: number): number {
    return this.driver.receive(now);
  }

  nextTimeout(now: number): number {
    return this.driver.nextTimeout(now);
  }

  /** Inline there is one reader of the table, which is offline between batches. */
  reclaim(): void {
    for (let i = 0; i < 16 && this.control.tick(); i++);
  }

  settled(): void {}

  statistics(): StackStatistics {
    return { ...this.control.statistics(), driver: { ...this.driver.counters } };
  }

  close(): void {
    this.driver.close();
  }
}
