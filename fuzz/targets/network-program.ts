// The two programs of one flow: each writes its bytes, reads the other's, checks them, and ends. Neither blocks; each is
// played when time comes. Knows sockets, no network.

import * as c from '../../stack/socket/constants.js';
import { EAGAIN, errnoName } from '../../stack/socket/errno.js';
import type { Posix } from '../../stack/socket/posix.js';
import { Violation } from '../target.js';
import type { Flow } from './network-commands.js';
import { strangerIn, streamBytes } from './stream-bytes.js';

/** A socket of a flow's program. */
export interface Descriptor {
  readonly fd: number;
  /** What a script of this connection alone calls it. */
  readonly name: number;
  readonly told: Teller;
}

/** Told of each call: its text as a script writes it, and what it returned. */
export type Teller = (text: string, result: number | null) => void;

class Half {
  private readonly posix: Posix;
  private readonly told: Teller;
  /** What scripts call the descriptor. */
  private readonly name: number;
  readonly fd: number;
  private readonly toWrite: number;
  private readonly toRead: number;
  private readonly chunk: number;
  private readonly slow: number;
  private readonly early: boolean;
  private readonly room: Uint8Array;
  private nextRead = 0;
  written = 0;
  got = 0;
  private shut = false;
  ended = false;
  moved = false;
  /**
   * Packets to this side are changed on their way with their checksums made right: what it reads is whatever those say,
   * which no TCP can tell from what was sent. Its first wrong byte ends the connection, as a user's own check would.
   */
  deceived = false;

  constructor(
    posix: Posix,
    { fd, name, told }: Descriptor,
    write: number,
    read: number,
    flow: Flow,
    early: boolean,
  ) {
    this.posix = posix;
    this.fd = fd;
    this.name = name;
    this.told = told;
    this.toWrite = write;
    this.toRead = read;
    this.chunk = flow.chunk;
    this.slow = flow.slow;
    this.early = early;
    this.room = new Uint8Array(flow.chunk);
  }

  /** Does what can be done now; the errno of a connection that broke. */
  play(now: number): string | undefined {
    this.moved = false;
    const connecting = this.posix.tcpInfo(this.fd).tcpi_state === 2;
    if (connecting) return undefined;
    return this.write() ?? this.read(now) ?? this.end();
  }

  private write(): string | undefined {
    while (this.written < this.toWrite) {
      const length = Math.min(this.chunk, this.toWrite - this.written);
      const data = streamBytes(this.written, length);
      const n = this.posix.send(this.fd, data, c.MSG_DONTWAIT | c.MSG_NOSIGNAL).result;
      this.told(`send(${this.name}, ..., ${length}, MSG_DONTWAIT|MSG_NOSIGNAL)`, n);
      if (n === null || n === -EAGAIN) return undefined;
      if (n < 0) return `write: ${errnoName(-n)}`;
      this.written += n;
      this.moved = true;
    }
    return undefined;
  }

  private read(now: number): string | undefined {
    if (this.ended || now < this.nextRead) return undefined;
    const n = this.posix.recv(this.fd, this.room, c.MSG_DONTWAIT).result;
    this.told(`recv(${this.name}, ..., ${this.room.length}, MSG_DONTWAIT)`, n);
    if (n === null || n === -EAGAIN) return undefined;
    if (n < 0) return `read: ${errnoName(-n)}`;
    this.moved = true;
    const wrong = this.wrong(n);
    if (wrong !== undefined) {
      if (this.deceived) return 'read: what was changed on its way';
      throw wrong;
    }
    if (n === 0) {
      this.ended = true;
      return undefined;
    }
    this.got += n;
    this.nextRead = now + this.slow;
    return undefined;
  }

  /** What is wrong with `n` bytes just read, 0: with the end of the stream; undefined: nothing. */
  private wrong(n: number): Violation | undefined {
    if (n === 0 && this.got !== this.toRead)
      return new Violation('a stream ends before its end', `${this.got} of ${this.toRead}`);
    const stranger = strangerIn(this.room.subarray(0, n), this.got);
    if (stranger < 0) return undefined;
    return new Violation('another byte arrives than was sent', `at ${this.got + stranger} of ${this.toRead}`);
  }

  private end(): undefined {
    const may = this.written === this.toWrite && (this.early || this.ended);
    if (!may || this.shut) return undefined;
    this.shut = true;
    this.moved = true;
    this.told(`shutdown(${this.name}, SHUT_WR)`, this.posix.shutdown(this.fd, c.SHUT_WR));
    return undefined;
  }

  get done(): boolean {
    return this.ended && this.shut;
  }

  get hasAll(): boolean {
    return this.got === this.toRead;
  }

  wakes(now: number): number {
    return !this.ended && this.nextRead > now ? this.nextRead : Number.POSITIVE_INFINITY;
  }
}

export type Side = 'client' | 'server';
const SIDES: readonly Side[] = ['client', 'server'];

export class End {
  readonly flow: Flow;
  readonly branch: number;
  private client: Half | undefined;
  private server: Half | undefined;
  private broken = false;
  moved = false;
  /** The side that is at play. */
  side: Side = 'client';

  constructor(flow: Flow, branch: number) {
    this.flow = flow;
    this.branch = branch;
  }

  begin(posix: Posix, descriptor: Descriptor): void {
    const { flow } = this;
    this.client = new Half(posix, descriptor, flow.up, flow.down, flow, flow.early);
  }

  /** The server's side; false when there is one already. */
  accept(posix: Posix, descriptor: Descriptor): boolean {
    if (this.server !== undefined || this.broken) return false;
    // One of the two must end first.
    this.server = new Half(posix, descriptor, this.flow.down, this.flow.up, this.flow, true);
    return true;
  }

  /** Packets to its client are changed from now on; the server's side is still owed every byte. */
  deceive(): void {
    if (this.client !== undefined) this.client.deceived = true;
  }

  /** Its client's machine is gone. */
  abandon(): void {
    this.broken = true;
    this.client = undefined;
  }

  /** What broke, once. */
  play(now: number): string | undefined {
    this.moved = false;
    if (this.broken) return undefined;
    for (const side of SIDES) {
      const half = this[side];
      if (half === undefined || half.done) continue;
      this.side = side;
      const problem = half.play(now);
      if (half.moved) this.moved = true;
      if (problem === undefined) continue;
      this.broken = true;
      return problem;
    }
    return undefined;
  }

  get done(): boolean {
    return this.broken || (this.client?.done === true && this.server?.done === true);
  }

  wakes(now: number): number {
    if (this.broken) return Number.POSITIVE_INFINITY;
    return Math.min(
      this.client?.wakes(now) ?? Number.POSITIVE_INFINITY,
      this.server?.wakes(now) ?? Number.POSITIVE_INFINITY,
    );
  }

  /** The client is there, and the server has never heard of it, as far as its program knows. */
  get alone(): boolean {
    return this.server === undefined;
  }

  /** The side from which a transfer does not come to its end. */
  get stuck(): Side {
    return this.server?.hasAll === true ? 'server' : 'client';
  }

  state(): string {
    const one = (half: Half | undefined): string =>
      half === undefined ? 'nothing' : `${half.written} written, ${half.got} read`;
    return `client ${one(this.client)}; server ${one(this.server)}`;
  }
}
