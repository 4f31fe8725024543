// Control of the flow table from an endpoint in another thread: commands as messages to the control thread, which stays
// the table's one writer. Replies carry a number; an endpoint may open channels for itself only. Not the packet path.
// It must never touch shared memory itself.

import type { MessagePort } from 'node:worker_threads';
import type { ChannelOptions } from '../channel/channel.js';
import { isAddressKey, KEY_WORDS, toAddress, toListener } from '../flows/key.js';
import { NONE } from '../flows/layout.js';
import type { Control } from './control.js';

type ChannelSettings = Pick<ChannelOptions, 'slots' | 'limit' | 'quota'>;

type Command =
  | { do: 'flow'; key: Int32Array; settings: ChannelSettings }
  | { do: 'listener'; keys: Int32Array[]; settings: ChannelSettings }
  | { do: 'add'; channel: number; key: Int32Array }
  | { do: 'remove'; channel: number; key: Int32Array }
  | { do: 'unkey'; channel: number }
  | { do: 'close'; channel: number };

interface Request {
  id: number;
  command: Command;
}

/** `reply`: the command's result. `grace`: a grace period has passed since the command; comes later, after `reply`. */
type Response =
  | { id: number; reply: number }
  | { id: number; error: { code: string; message: string } }
  | { id: number; grace: true }
  | { id: 0; close: true };

export class ControlPortError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'ControlPortError';
    this.code = code;
  }
}

/**
 * Control thread: serves one endpoint's commands until its port closes. `home`: a channel that is the endpoint's from the
 * start, and the only one to which it may add keys: those of addresses.
 */
export function serveControl(
  control: Control,
  port: MessagePort,
  endpoint: number,
  party: number,
  home = NONE,
): void {
  const own = new Set<number>(home === NONE ? [] : [home]);
  const run = (command: Command): number => {
    const settings = { endpoint, party };
    if (command.do === 'flow' || command.do === 'listener') {
      const keys = command.do === 'flow' ? [command.key] : command.keys;
      if (home !== NONE && !keys.every((key) => control.table.get(addressOf(key)) === home)) {
        throw new ControlPortError('NOT_YOURS', "the local address is not this endpoint's");
      }
      const options: ChannelOptions = { ...command.settings, ...settings };
      const channel =
        command.do === 'flow'
          ? control.openFlow(command.key, options)
          : control.openListener(command.keys, options);
      own.add(channel);
      return channel;
    }
    if (!own.has(command.channel)) {
      throw new ControlPortError('NOT_YOURS', `channel ${command.channel} is not this endpoint's`);
    }
    if (command.do === 'remove') return control.removeKey(command.channel, command.key) ? 1 : 0;
    if (command.do === 'add') {
      if (command.channel !== home || !isAddressKey(command.key)) {
        throw new ControlPortError('NOT_YOURS', `channel ${command.channel} takes no such key`);
      }
      control.addKey(home, command.key);
      return 0;
    }
    if (command.do === 'unkey') {
      control.removeKeys(command.channel);
      return 0;
    }
    own.delete(command.channel);
    return 0;
  };
  port.on('message', ({ id, command }: Request) => {
    const send = (response: Response) => port.postMessage(response);
    try {
      const reply = run(command);
      if (command.do === 'close') {
        // The reader has let go before it asked: it reads no more.
        control.closeChannel(command.channel, () => send({ id, grace: true }));
      } else control.table.defer(() => send({ id, grace: true }));
      send({ id, reply });
    } catch (error) {
      const { code = 'ERROR', message } = error as Error & { code?: string };
      send({ id, error: { code, message } });
    }
  });
}

/** The key of a flow's or listener's local address. */
function addressOf(key: Int32Array): Int32Array {
  const address = new Int32Array(KEY_WORDS);
  toListener(key, 0, address);
  toAddress(address);
  return address;
}

/** Control thread: asks the endpoint at the other end to close. */
export function closeControl(port: MessagePort): void {
  port.postMessage({ id: 0, close: true } satisfies Response);
}

interface Waiting {
  resolve: (reply: number) => void;
  reject: (error: Error) => void;
  grace: (() => void) | undefined;
}

/** Endpoint's side. Every call resolves when the control thread has done it. */
export class ControlClient {
  readonly #port: MessagePort;
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;
  /** Called when the control thread asks for the end, or is gone. */
  onClose: (() => void) | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on('message', (response: Response) => this.#take(response));
    port.once('close', () => {
      this.#refuse();
      this.onClose?.();
    });
    port.unref();
  }

  /** Opens a channel for one connection; `grace` is called once nothing of it can come by an older channel any more. */
  openFlow(key: Int32Array, settings: ChannelSettings = {}, grace?: () => void): Promise<number> {
    return this.#ask({ do: 'flow', key, settings }, grace);
  }

  /** Opens a channel for a listener or an unconnected socket. */
  openListener(keys: Int32Array[], settings: ChannelSettings = {}): Promise<number> {
    return this.#ask({ do: 'listener', keys, settings });
  }

  /** Gives the endpoint's home channel one more address (`addressKey`). Rejects with FLOW_EXISTS. */
  async addKey(channel: number, key: Int32Array): Promise<void> {
    await this.#ask({ do: 'add', channel, key });
  }

  /** Takes all keys from a channel; resolves after the grace period, when nothing more can come to it. */
  removeKeys(channel: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#ask({ do: 'unkey', channel }, resolve).catch(reject);
    });
  }

  async removeKey(channel: number, key: Int32Array): Promise<boolean> {
    return (await this.#ask({ do: 'remove', channel, key })) === 1;
  }

  /** Closes a channel; resolves after the grace period, when the caller may (must) have closed its reader. */
  async closeChannel(channel: number, closeReader: () => void): Promise<void> {
    closeReader();
    await new Promise<void>((resolve, reject) => {
      this.#ask({ do: 'close', channel }, resolve).catch(reject);
    });
  }

  close(): void {
    this.#port.close();
    this.#refuse();
  }

  #refuse(): void {
    for (const { reject } of this.#waiting.values()) {
      reject(new ControlPortError('CLOSED', 'the connection to the control thread is closed'));
    }
    this.#waiting.clear();
  }

  #ask(command: Command, grace?: () => void): Promise<number> {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, grace });
      this.#port.ref();
      this.#port.postMessage({ id, command } satisfies Request);
    });
  }

  #take(response: Response): void {
    if ('close' in response) {
      this.onClose?.();
      return;
    }
    const waiting = this.#waiting.get(response.id);
    if (!waiting) return;
    if ('reply' in response) waiting.resolve(response.reply);
    else if ('error' in response) {
      this.#waiting.delete(response.id);
      waiting.reject(new ControlPortError(response.error.code, response.error.message));
    } else {
      this.#waiting.delete(response.id);
      waiting.grace?.();
    }
    if (this.#waiting.size === 0) this.#port.unref();
  }
}
