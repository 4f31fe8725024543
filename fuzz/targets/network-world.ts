// The `network` target's world: a server in the middle, a client behind each link, flows between them played by small
// programs that read and write without blocking, and one virtual clock for all.

import { fixedSecrets } from '../../conformance/targets/stack/secrets.js';
import { ImpairedLink } from '../../stack/link/impaired.js';
import { memoryPair } from '../../stack/link/memory.js';
import { emptyAddress, socketAddress } from '../../stack/socket/address.js';
import * as c from '../../stack/socket/constants.js';
import * as o from '../../stack/socket/options.js';
import { createStack, type InlineStack } from '../../stack/stack.js';
import { describeFrame, describePacket } from '../../stack/wire/describe.js';
import { invariant, type Witness } from '../target.js';
import type { Happening, LinkFaults, NetworkInput } from './network-commands.js';
import { FaultyLink } from './network-link.js';
import { End } from './network-program.js';
import { Inside } from './tcp-inside.js';

const PORT = 7000;
const MTU = 1500;
/** µs after which whatever is still open is given up by the harness itself, when faults excuse it. */
const HOUR = 3600e6;
/** µs; TCP_RTO_MAX_SEC of the kernel's default. */
const RTO_MAX = 120e6;

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
  private readonly witness: Witness | undefined;
  private readonly server: InlineStack;
  private readonly branches: Branch[] = [];
  private readonly ends: End[] = [];
  private readonly pending: Happening[];
  private readonly heals: { at: number; link: FaultyLink; up: boolean }[] = [];
  private readonly listener: number;
  private readonly inside = new Inside();
  private now = 0;

  constructor(input: NetworkInput, witness?: Witness) {
    this.input = input;
    this.witness = witness;
    const { ethernet, links, flows } = input;
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
    this.listener = this.listen();
    for (const flow of flows) this.ends.push(new End(flow, flow.client % this.branches.length));
    this.pending = [...input.happenings].sort((a, b) => a.at - b.at);
    if (witness !== undefined) this.tap(sides.map(({ client }) => client));
  }

  /** Plays until every flow has ended, or the time is up that its links excuse. */
  run(): void {
    for (const end of this.ends) this.connect(end);
    const limit = this.limit();
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
      invariant(
        end.done || excused,
        'a transfer does not end',
        () => `${end.state()} after ${this.now / 1e6} s`,
      );
    }
  }

  /** Everything is closed and must come to an end. */
  finish(): void {
    const stacks = [this.server, ...this.branches.map(({ stack }) => stack)];
    for (const stack of stacks) for (const fd of [...stack.posix.descriptors]) stack.posix.close(fd);
    const end = this.now + HOUR;
    for (let steps = 0; ; steps++) {
      invariant(steps < 500_000, 'timers of closed sockets go on and on');
      for (const stack of stacks) stack.run(this.now);
      const next = Math.min(...stacks.map((stack) => stack.nextTimeout()));
      if (next > end) break;
      this.now = Math.max(this.now, next);
    }
    for (const stack of stacks) {
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
    const { control, sack, timestamps, ecn, gso } = this.input;
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
      sysctls: {
        'net.ipv4.tcp_congestion_control': control,
        'net.ipv4.tcp_sack': sack ? '1' : '0',
        'net.ipv4.tcp_timestamps': timestamps ? '1' : '0',
        'net.ipv4.tcp_ecn': ecn ? '1' : '0',
        // Patient, so that a partition is survived and an end is an end.
        'net.ipv4.tcp_retries2': '30',
        'net.ipv4.tcp_syn_retries': '20',
        'net.ipv4.tcp_synack_retries': '20',
        'net.ipv4.tcp_fin_timeout': '600',
      },
    });
  }

  private listen(): number {
    const { posix } = this.server;
    const family = this.input.v6 ? c.AF_INET6 : c.AF_INET;
    const fd = posix.socket(family, c.SOCK_STREAM | c.SOCK_NONBLOCK, 0);
    posix.bind(fd, socketAddress(this.input.v6 ? '::' : '0.0.0.0', PORT));
    posix.listen(fd, 64);
    return fd;
  }

  private connect(end: End): void {
    const { posix } = this.branches[end.branch].stack;
    const { v6 } = this.input;
    const fd = posix.socket(v6 ? c.AF_INET6 : c.AF_INET, c.SOCK_STREAM | c.SOCK_NONBLOCK, 0);
    if (end.flow.receiveBuffer > 0) posix.setInt(fd, o.SOL_SOCKET, o.SO_RCVBUF, end.flow.receiveBuffer);
    // The client's port says which flow the server has accepted.
    const port = 20_000 + this.ends.indexOf(end);
    posix.bind(fd, socketAddress(v6 ? '::' : '0.0.0.0', port));
    const to = v6 ? `fd00:0:0:${end.branch}::1` : `10.0.${end.branch}.1`;
    posix.connect(fd, socketAddress(to, PORT));
    end.begin(posix, fd);
  }

  private accept(): boolean {
    const peer = emptyAddress();
    const fd = this.server.posix.accept4(this.listener, peer, c.SOCK_NONBLOCK).result;
    if (fd === null || fd < 0) return false;
    const end = this.ends[peer.port - 20_000];
    if (end === undefined || !end.accept(this.server.posix, fd)) this.server.posix.close(fd);
    return true;
  }

  /** Lets stacks and programs do what they can at this time. */
  private play(): boolean {
    let moved = false;
    this.runStack(this.server);
    for (const { stack } of this.branches) this.runStack(stack);
    while (this.accept()) moved = true;
    for (const end of this.ends) {
      const broken = end.play(this.now);
      if (broken !== undefined) {
        const branch = this.branches[end.branch];
        const lost = broken.endsWith('EHOSTUNREACH') || end.alone;
        const excused = branch.excused || (lost && this.mayBeUnreachable(branch));
        invariant(excused, 'a connection breaks', () => `${broken}: ${end.state()} at ${this.now / 1e6} s`);
      }
      if (end.moved) moved = true;
    }
    return moved;
  }

  /** Three requests for the neighbour's hardware address can be lost: then it is unreachable (RFC 4861 section 7.2.2). */
  private mayBeUnreachable({ faults }: Branch): boolean {
    const { loss, corrupt, rate } = faults;
    const cut = this.input.happenings.some(({ kind }) => kind === 'partition');
    return this.input.ethernet && (cut || loss + corrupt + rate > 0);
  }

  private runStack(stack: InlineStack): void {
    stack.run(this.now);
    this.inside.check(stack, this.now);
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
    this.witness?.step(`${(this.now / 1e6).toFixed(6)} ${JSON.stringify(event)}`);
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
        this.restart(branch, this.branches.indexOf(branch));
    }
  }

  /** The client's machine loses power and comes back: its connections are gone without a word. */
  private restart(branch: Branch, i: number): void {
    const link = branch.client;
    link.cutUp = true;
    branch.stack = this.stackOf(i, [link], [{ i, last: 2 }]);
    branch.stack.run(this.now);
    link.cutUp = false;
  }

  /** µs until which every transfer must have ended. */
  private limit(): number {
    let cut = 0;
    for (const event of this.input.happenings) if (event.kind === 'partition') cut += event.us;
    let worst = 0;
    for (const [i, { faults }] of this.branches.entries()) {
      let bytes = 0;
      let slow = 0;
      for (const { flow, branch } of this.ends) {
        if (branch !== i) continue;
        bytes += flow.up + flow.down;
        slow += flow.slow * (2 + (flow.up + flow.down) / Math.min(flow.chunk, 500));
      }
      const bad =
        faults.loss + faults.corrupt + faults.reorder + (faults.queue < 50 && faults.rate > 0 ? 0.2 : 0);
      const rate = faults.rate > 0 ? (bytes * 8e6 * 4) / faults.rate : 0;
      const round = 2 * faults.delay + 2 * faults.jitter + 20_000;
      const losses = (bytes / 500 + 20) * bad;
      // Without timestamps a retransmission measures nothing (Karn's rule, RFC 6298 section 3): where one in ten packets is
      // lost, the time-out that has backed off may stay at its most.
      const stall = faults.loss + faults.corrupt > 0.1 && !this.input.timestamps ? RTO_MAX : 2e6;
      worst = Math.max(worst, rate + slow + round * (20 + bytes / 3000) + losses * (round + stall));
    }
    // Backing off, a sender notices the end of a partition at most as late again as it lasted.
    return 60e6 + 4 * worst + 8 * cut + (this.branches.some(({ faults }) => faults.loss > 0.1) ? HOUR : 0);
  }

  private tap(links: FaultyLink[]): void {
    for (const link of links) {
      const receive = link.receive.bind(link);
      link.receive = (now, party, out, max) => {
        const n = receive(now, party, out, max);
        for (let i = 0; i < n; i++)
          this.show(
            now,
            'in',
            party.bytes.slice(party.start(out[i]), party.start(out[i]) + party.length(out[i])),
          );
        return n;
      };
      const transmit = link.transmit.bind(link);
      link.transmit = (now, party, indices, count) => {
        for (let i = 0; i < count; i++) {
          const start = party.start(indices[i]);
          this.show(now, 'out', party.bytes.slice(start, start + party.length(indices[i])));
        }
        return transmit(now, party, indices, count);
      };
    }
  }

  private show(time: number, direction: 'in' | 'out', bytes: Uint8Array): void {
    const { ethernet } = this.input;
    const text = ethernet ? describeFrame(bytes, 0, bytes.length) : describePacket(bytes, 0, bytes.length);
    this.witness?.step(`${(time / 1e6).toFixed(6)} ${direction === 'in' ? '<' : '>'} ${text}`);
    this.witness?.packet({ time, direction, bytes, ethernet });
  }
}
