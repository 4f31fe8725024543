// The `network` target's world: a server in the middle, a client behind each link, flows between them played by small
// programs that read and write without blocking, and one virtual clock for all.

import { fixedSecrets } from '../../conformance/targets/stack/secrets.js';
import { ImpairedLink } from '../../stack/link/impaired.js';
import { memoryPair } from '../../stack/link/memory.js';
import { emptyAddress, socketAddress } from '../../stack/socket/address.js';
import * as c from '../../stack/socket/constants.js';
import * as o from '../../stack/socket/options.js';
import { createStack, type InlineStack } from '../../stack/stack.js';
import { invariant, type Place, placed, Violation, type Witness } from '../target.js';
import type { Happening, LinkFaults, NetworkInput } from './network-commands.js';
import { HOUR, timeLimit } from './network-limit.js';
import { FaultyLink } from './network-link.js';
import { End, type Side } from './network-program.js';
import { NetworkTelling, SCRIPT_SOCKET } from './network-telling.js';
import { Inside } from './tcp-inside.js';

const PORT = 7000;
const SERVER = 'server';
/** Of the server and the clients behind it, in this order. */
const hostName = (i: number): string => (i === 0 ? SERVER : clientName(i - 1));
const clientName = (branch: number): string => `client ${branch}`;
/** Of the first flow's client: its port says which flow it is. */
const FIRST_PORT = 20_000;
const MTU = 1500;

interface Branch {
  readonly faults: LinkFaults;
  readonly server: FaultyLink;
  readonly client: FaultyLink;
  stack: InlineStack;
  /** A connection may break or be late: it was restarted, or packets were changed. */
  excused: boolean;
}

export class NetworkWorld {
  private readonly input: NetworkInput;
  private readonly telling: NetworkTelling;
  private readonly server: InlineStack;
  private readonly branches: Branch[] = [];
  private readonly ends: End[] = [];
  private readonly pending: Happening[];
  private readonly heals: { at: number; link: FaultyLink; up: boolean }[] = [];
  private readonly listener: number;
  private readonly inside = new Inside();
  private running = SERVER;
  private now = 0;

  constructor(input: NetworkInput, witness?: Witness) {
    this.input = input;
    const { ethernet, links, flows } = input;
    this.telling = new NetworkTelling(ethernet, witness, () => this.now);
    witness?.network?.({ v6: input.v6, mtu: MTU });
    const sides = links.map((faults, i) => {
      const [near, far] = memoryPair({
        delay: faults.delay,
        common: { framing: ethernet ? 'ethernet' : 'ip', mtu: MTU, gsoMaxSize: input.gso ? 65_535 : 0 },
        a: { hardwareAddress: Uint8Array.of(2, 0, 0, 0, 1, i), name: `near${i}` },
        b: { hardwareAddress: Uint8Array.of(2, 0, 0, 0, 2, i), name: `far${i}` },
      });
      const { loss, duplicate, corrupt, reorder, jitter, rate, queue } = faults;
      const both = { loss, duplicate, corrupt, reorder, reorderDelay: 5000, jitter, rate, queue };
      const bad = new ImpairedLink(near, { both, seed: i + 1, offloads: false });
      return { faults, server: new FaultyLink(bad), client: new FaultyLink(far) };
    });
    this.server = this.stackOf(
      99,
      sides.map(({ server }) => server),
      sides.map((_, i) => ({ i, last: 1 })),
    );
    for (const [i, side] of sides.entries()) {
      this.branches.push({
        ...side,
        stack: this.stackOf(i, [side.client], [{ i, last: 2 }]),
        excused: false,
      });
    }
    for (const flow of flows) this.ends.push(new End(flow, flow.client % this.branches.length));
    this.tellSettings();
    this.listener = this.listen();
    this.pending = [...input.happenings].sort((a, b) => a.at - b.at);
  }

  /** Plays until every flow has ended, or the time is up that its links excuse. */
  run(): void {
    for (const end of this.ends) this.connect(end);
    const limit = timeLimit(this.input);
    for (let steps = 0; ; steps++) {
      invariant(steps < 3_000_000, 'three million steps and no end');
      this.happen();
      const moved = this.play();
      if (this.ends.every((end) => end.done)) return;
      if (moved) continue;
      const next = this.nextTime();
      if (next > limit) break;
      this.now = Math.max(this.now, next);
    }
    for (const end of this.ends) {
      const branch = this.branches[end.branch];
      // A handshake that the server gives up as unreachable leaves a client that knows of nothing and waits.
      const excused = branch.excused || (end.alone && this.mayBeUnreachable(branch));
      if (end.done || excused) continue;
      const state = `${end.state()} after ${this.now / 1e6} s`;
      throw placed(new Violation('a transfer does not end', state), this.placeOf(end, end.stuck));
    }
  }

  /** Everything is closed and must come to an end. */
  finish(): void {
    const stacks = [this.server, ...this.branches.map(({ stack }) => stack)];
    for (const [i, { posix }] of stacks.entries()) {
      for (const fd of [...posix.descriptors]) this.telling.closed(hostName(i), fd, posix.close(fd).result);
    }
    const end = this.now + HOUR;
    for (let steps = 0; ; steps++) {
      invariant(steps < 500_000, 'timers of closed sockets go on and on');
      for (const [i, stack] of stacks.entries()) this.turn(stack, hostName(i));
      const next = Math.min(...stacks.map((stack) => stack.nextTimeout()));
      if (next > end) break;
      this.now = Math.max(this.now, next);
    }
    for (const [i, stack] of stacks.entries()) {
      this.running = hostName(i);
      const { connections, requests, timeWaits, buffers } = stack.usage();
      for (const [name, count] of Object.entries({ connections, requests, timeWaits })) {
        invariant(count === 0, 'a closed socket does not end', () => `${name} ${count}`);
      }
      invariant(buffers === 0, 'packet buffers are lost', () => String(buffers));
      stack.close();
      for (const [name, count] of Object.entries(stack.usage())) {
        invariant(count === 0, 'something is left behind by close', () => `${name} ${count}`);
      }
    }
  }

  private stackOf(id: number, links: FaultyLink[], places: { i: number; last: number }[]): InlineStack {
    const { gso } = this.input;
    return createStack({
      links,
      addresses: places.flatMap(({ i, last }, link) => [
        { address: `10.0.${i}.${last}`, prefix: 24, link },
        { address: `fd00:0:0:${i}::${last}`, prefix: 64, link, detectDuplicates: false },
      ]),
      secrets: fixedSecrets(id + 1 + this.now),
      seed: id + 1,
      debugBuffers: true,
      smallBuffers: 1024,
      largeBuffers: 8,
      arenaBytes: 8 << 20,
      gso,
      sysctls: this.sysctls(),
    });
  }

  private sysctls(): Record<string, string> {
    const { control, sack, timestamps, ecn } = this.input;
    return {
      'net.ipv4.tcp_congestion_control': control,
      'net.ipv4.tcp_sack': sack ? '1' : '0',
      'net.ipv4.tcp_timestamps': timestamps ? '1' : '0',
      'net.ipv4.tcp_ecn': ecn ? '1' : '0',
      // Patient, so that a partition is survived and an end is an end.
      'net.ipv4.tcp_retries2': '30',
      'net.ipv4.tcp_syn_retries': '20',
      'net.ipv4.tcp_synack_retries': '20',
      'net.ipv4.tcp_fin_timeout': '600',
    };
  }

  private listen(): number {
    const { posix } = this.server;
    const family = this.input.v6 ? c.AF_INET6 : c.AF_INET;
    const fd = posix.socket(family, c.SOCK_STREAM | c.SOCK_NONBLOCK, 0);
    const told = (text: string, result: number): void => {
      for (const end of this.ends) this.telling.call(this.placeOf(end, 'server'), text, result);
    };
    told('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP)', SCRIPT_SOCKET);
    told(
      `bind(${SCRIPT_SOCKET}, ..., ...)`,
      posix.bind(fd, socketAddress(this.input.v6 ? '::' : '0.0.0.0', PORT)),
    );
    told(`listen(${SCRIPT_SOCKET}, 64)`, posix.listen(fd, 64));
    return fd;
  }

  private placeOf(end: End, side: Side): Place {
    const port = FIRST_PORT + this.ends.indexOf(end);
    return { host: side === 'server' ? SERVER : clientName(end.branch), port };
  }

  /** What tells the witness how the hosts are set. */
  private tellSettings(): void {
    const { telling, input } = this;
    for (const [i, { client, server }] of this.branches.entries()) {
      telling.tap(client, clientName(i), true);
      telling.tap(server, SERVER, false);
    }
    for (const end of this.ends) {
      for (const side of ['client', 'server'] as const) {
        const place = this.placeOf(end, side);
        // The server's links are bad ones, which carry no super-packets.
        if (side === 'server' || !input.gso) telling.command(place, 'ethtool -K tun0 tso off gso off');
        for (const [name, value] of Object.entries(this.sysctls()))
          telling.command(place, `sysctl -q ${name}="${value}"`);
      }
    }
  }

  private connect(end: End): void {
    const { posix } = this.branches[end.branch].stack;
    const { v6 } = this.input;
    const fd = posix.socket(v6 ? c.AF_INET6 : c.AF_INET, c.SOCK_STREAM | c.SOCK_NONBLOCK, 0);
    const place = this.placeOf(end, 'client');
    const descriptor = this.telling.descriptor(place, fd, SCRIPT_SOCKET);
    const { told, name } = descriptor;
    told('socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP)', name);
    const buffer = end.flow.receiveBuffer;
    if (buffer > 0)
      told(
        `setsockopt(${name}, SOL_SOCKET, SO_RCVBUF, [${buffer}], 4)`,
        posix.setInt(fd, o.SOL_SOCKET, o.SO_RCVBUF, buffer),
      );
    // The client's port says which flow the server has accepted. A script's connection has the port that scripts have.
    posix.bind(fd, socketAddress(v6 ? '::' : '0.0.0.0', place.port));
    const to = v6 ? `fd00:0:0:${end.branch}::1` : `10.0.${end.branch}.1`;
    told(`connect(${name}, ..., ...)`, posix.connect(fd, socketAddress(to, PORT)).result);
    end.begin(posix, descriptor);
  }

  private accept(): boolean {
    const peer = emptyAddress();
    const fd = this.server.posix.accept4(this.listener, peer, c.SOCK_NONBLOCK).result;
    if (fd === null || fd < 0) return false;
    const { posix } = this.server;
    const end = this.ends[peer.port - FIRST_PORT];
    if (end === undefined) posix.close(fd);
    else {
      const place = this.placeOf(end, 'server');
      const descriptor = this.telling.descriptor(place, fd, SCRIPT_SOCKET + 1);
      if (end.accept(posix, descriptor))
        descriptor.told(`accept4(${SCRIPT_SOCKET}, ..., ..., SOCK_NONBLOCK)`, descriptor.name);
      else {
        this.telling.untold(place, 'a second connection comes from the same port, and a script tells one');
        posix.close(fd);
      }
    }
    return true;
  }

  /** Lets stacks and programs do what they can at this time. */
  private play(): boolean {
    let moved = false;
    this.runStack(this.server, SERVER);
    for (const [i, { stack }] of this.branches.entries()) this.runStack(stack, clientName(i));
    while (this.accept()) moved = true;
    for (const end of this.ends) {
      try {
        this.playEnd(end);
      } catch (error) {
        throw placed(error, this.placeOf(end, end.side));
      }
      if (end.moved) moved = true;
    }
    return moved;
  }

  private playEnd(end: End): void {
    const broken = end.play(this.now);
    if (broken === undefined) return;
    const branch = this.branches[end.branch];
    const lost = broken.endsWith('EHOSTUNREACH') || end.alone;
    const excused = branch.excused || (lost && this.mayBeUnreachable(branch));
    invariant(excused, 'a connection breaks', () => `${broken}: ${end.state()} at ${this.now / 1e6} s`);
  }

  /** Three requests for the neighbour's hardware address can be lost: then it is unreachable (RFC 4861 section 7.2.2). */
  private mayBeUnreachable({ faults }: Branch): boolean {
    const { loss, corrupt, rate } = faults;
    const cut = this.input.happenings.some(({ kind }) => kind === 'partition');
    return this.input.ethernet && (cut || loss + corrupt + rate > 0);
  }

  private runStack(stack: InlineStack, host: string): void {
    this.turn(stack, host);
    try {
      this.inside.check(stack, this.now);
    } catch (error) {
      throw placed(error, { host, port: this.portLookedAt(host) });
    }
  }

  private turn(stack: InlineStack, host: string): void {
    this.running = host;
    this.telling.packets();
    stack.run(this.now);
    this.telling.packets();
  }

  /** The host that ran last, and the first connection that it has: where a failure showed of which no more is known. */
  get where(): Place {
    const end = this.ends.find(({ branch }) => clientName(branch) === this.running) ?? this.ends[0];
    return this.placeOf(end, this.running === SERVER ? 'server' : 'client');
  }

  /** The client's port of the connection that was looked into last. */
  private portLookedAt(host: string): number {
    const { localPort, remotePort } = this.inside.looked ?? { localPort: 0, remotePort: 0 };
    return host === SERVER ? remotePort : localPort;
  }

  private nextTime(): number {
    let next = this.server.nextTimeout();
    for (const { stack } of this.branches) next = Math.min(next, stack.nextTimeout());
    for (const end of this.ends) next = Math.min(next, end.wakes(this.now));
    for (const { at } of this.heals) next = Math.min(next, at);
    if (this.pending.length > 0) next = Math.min(next, Math.max(this.now, this.pending[0].at));
    return next;
  }

  private happen(): void {
    for (const heal of this.heals.splice(0)) {
      if (heal.at > this.now) this.heals.push(heal);
      else if (heal.up) heal.link.cutUp = false;
      else heal.link.cutDown = false;
    }
    while (this.pending.length > 0 && this.pending[0].at <= this.now)
      this.apply(this.pending.shift() as Happening);
  }

  private apply(event: Happening): void {
    this.telling.step(JSON.stringify(event));
    const branch = this.branches[event.client % this.branches.length];
    const { client } = branch;
    switch (event.kind) {
      case 'partition':
        if (event.way !== 'down') {
          client.cutUp = true;
          this.heals.push({ at: this.now + event.us, link: client, up: true });
        }
        if (event.way !== 'up') {
          client.cutDown = true;
          this.heals.push({ at: this.now + event.us, link: client, up: false });
        }
        break;
      case 'mtu':
        // The whole link changes: both of its ends know.
        client.mtuNow = event.mtu;
        branch.server.mtuNow = event.mtu;
        for (const place of this.placesOn(branch))
          this.telling.command(place, `ip link set dev tun0 mtu ${event.mtu}`);
        break;
      case 'mutate':
        branch.excused = true;
        for (const end of this.ends) if (this.branches[end.branch] === branch) end.deceive();
        client.mutations += event.frames;
        client.offset = event.offset;
        client.value = event.value;
        break;
      case 'restart':
        branch.excused = true;
        for (const end of this.ends) if (this.branches[end.branch] === branch) end.abandon();
        for (const place of this.placesOn(branch))
          if (place.host !== SERVER)
            this.telling.untold(place, 'its host restarts, and a script has one life');
        this.restart(branch, this.branches.indexOf(branch));
    }
  }

  /** Both ends of each connection over a link. */
  private placesOn(branch: Branch): Place[] {
    return this.ends
      .filter((end) => this.branches[end.branch] === branch)
      .flatMap((end) => [this.placeOf(end, 'client'), this.placeOf(end, 'server')]);
  }

  /** The client's machine loses power and comes back: its connections are gone without a word. */
  private restart(branch: Branch, i: number): void {
    const link = branch.client;
    link.cutUp = true;
    branch.stack = this.stackOf(i, [link], [{ i, last: 2 }]);
    branch.stack.run(this.now);
    link.cutUp = false;
  }
}
