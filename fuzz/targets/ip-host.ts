// The stack of the `ip` target behind one link, with a UDP socket of each family, in virtual time: frames go in, what comes
// out is judged and kept, and what the sockets receive is kept. Knows no commands.

import { fixedSecrets } from '../../conformance/targets/stack/secrets.js';
import { type MemoryLink, memoryPair } from '../../stack/link/memory.js';
import { emptyAddress, socketAddress } from '../../stack/socket/address.js';
import * as c from '../../stack/socket/constants.js';
import { createStack, type InlineStack } from '../../stack/stack.js';
import { describeFrame, describePacket } from '../../stack/wire/describe.js';
import type { ReadPacket } from '../packets.js';
import { invariant, type Witness } from '../target.js';
import { judgeFrame } from './ip-judge.js';
import { PORT } from './ip-pieces.js';

const MTU = 1500;
const OWN_ADDRESS = { 4: '10.0.0.1', 6: 'fd00::1' };
/** What a script calls its socket. */
const SCRIPT_SOCKET = 3;
export const OWN_HARDWARE = [2, 0, 0, 0, 0, 1];
const PEER_HARDWARE = [2, 0, 0, 0, 0, 2];
/** ipfrag_high_thresh, and what one packet may be above it. */
const FRAGMENT_MEMORY = 4 * 1024 * 1024 + 3 * 65_536;

interface Fragments {
  readonly size: number;
  readonly memory: number;
}

export class IpHost {
  readonly ethernet: boolean;
  readonly stack: InlineStack;
  now = 0;
  /** Since `forget`. */
  sent: ReadPacket[] = [];
  received: Uint8Array[] = [];
  /** Of what the stack's DHCP client said last, -1: nothing yet. */
  transaction = -1;
  /** Told of each packet sent. */
  onSent: (ip: ReadPacket) => void = () => {};
  private readonly witness: Witness | undefined;
  private familyTold = false;
  private readonly peer: MemoryLink;
  private readonly sockets: number[] = [];

  constructor(ethernet: boolean, witness?: Witness) {
    this.ethernet = ethernet;
    this.witness = witness;
    const [device, peer] = memoryPair({ common: { framing: ethernet ? 'ethernet' : 'ip', mtu: MTU } });
    this.peer = peer;
    this.stack = createStack({
      links: [device],
      addresses: [
        { address: OWN_ADDRESS[4], prefix: 24 },
        { address: OWN_ADDRESS[6], prefix: 64, detectDuplicates: false },
      ],
      ...(ethernet ? { autoconfigure: [{ ipv6: true, dhcp: true }] } : {}),
      secrets: fixedSecrets(3),
      seed: 1,
      debugBuffers: true,
      smallBuffers: 256,
      largeBuffers: 8,
      arenaBytes: 4 << 20,
    });
    for (const family of [c.AF_INET, c.AF_INET6]) {
      const fd = this.stack.posix.socket(family, c.SOCK_DGRAM | c.SOCK_NONBLOCK, 0);
      if (family === c.AF_INET6) this.stack.posix.setInt(fd, 41, 26, 1); // IPV6_V6ONLY
      this.stack.posix.bind(fd, socketAddress(family === c.AF_INET ? '0.0.0.0' : '::', PORT));
      this.sockets.push(fd);
    }
    // A script has one of the two.
    witness?.call?.(0, 'socket(..., SOCK_DGRAM|SOCK_NONBLOCK, IPPROTO_UDP)', SCRIPT_SOCKET);
    witness?.call?.(0, `bind(${SCRIPT_SOCKET}, ..., ...)`, 0);
    this.stack.run(0);
  }

  forget(): void {
    this.sent = [];
    this.received = [];
  }

  get fragments(): Fragments {
    return (this.stack as unknown as { fragments: Fragments }).fragments;
  }

  fragmentsBounded(): void {
    const { size, memory } = this.fragments;
    invariant(
      size <= 256 && memory <= FRAGMENT_MEMORY,
      'fragments take too much memory',
      () => `${size} packets, ${memory} bytes`,
    );
    invariant(memory >= 0, 'memory of fragments is below zero', () => String(memory));
  }

  /** What strangers announced takes no more than its bounds (stack/autoconf). */
  configurationBounded(): void {
    const addresses = this.stack.addresses().length;
    const routes = this.stack.network.routes.all.length;
    // Given ones, autoconfigured ones, a lease, and those that were duplicates.
    invariant(addresses <= 2 + 16 + 1 + 64, 'too many addresses', () => String(addresses));
    invariant(routes <= 2 + 32 + 2 + 2, 'too many routes', () => String(routes));
  }

  /** A datagram of the application. */
  send(v6: boolean, to: string, size: number): void {
    this.witness?.untold?.('datagrams go to whoever is named, and a script has one peer');
    const fd = this.sockets[v6 ? 1 : 0];
    this.stack.posix.sendto(fd, new Uint8Array(size), c.MSG_DONTWAIT, socketAddress(to, PORT));
    this.settle();
  }

  /** A packet of the peer, framed as the link wants it. */
  inject(packet: Uint8Array): void {
    if (!this.ethernet) this.deliver(packet);
    else {
      const type = packet[0] >>> 4 === 6 ? [0x86, 0xdd] : [8, 0];
      this.deliver(Uint8Array.from([...OWN_HARDWARE, ...PEER_HARDWARE, ...type, ...packet]));
    }
  }

  deliver(frame: Uint8Array): void {
    this.tellFamily(frame);
    this.show('<', frame);
    this.witness?.packet({ time: this.now, direction: 'in', bytes: frame, ethernet: this.ethernet });
    this.peer.sendFrame(this.now, frame);
    this.settle();
  }

  /** A script that is told up to here waits this long for what the stack sends. */
  tellEnd(): void {
    this.witness?.call?.(this.now, `close(${SCRIPT_SOCKET})`, 0);
  }

  /** A script has one family: that of the first packet, which may be followed by others. */
  private tellFamily(frame: Uint8Array): void {
    if (this.familyTold) return;
    this.familyTold = true;
    const version = frame[this.ethernet ? 14 : 0] >>> 4 === 6 ? 6 : 4;
    this.witness?.network?.({
      v6: version === 6,
      mtu: MTU,
      own: { address: OWN_ADDRESS[version], port: PORT },
    });
  }

  pass(us: number): void {
    const end = this.now + us;
    for (let steps = 0; ; steps++) {
      const next = this.stack.nextTimeout();
      if (next > end) break;
      invariant(steps < 50_000, 'time stands still', () => `at ${next}`);
      this.now = Math.max(this.now, next);
      this.settle();
    }
    this.now = end;
    this.settle();
  }

  private settle(): void {
    this.stack.run(this.now);
    for (let frame = this.peer.takeFrame(this.now); frame !== null; frame = this.peer.takeFrame(this.now)) {
      const { bytes } = frame;
      this.show('>', bytes);
      this.witness?.packet({ time: this.now, direction: 'out', bytes, ethernet: this.ethernet });
      const ip = judgeFrame(bytes, this.ethernet, MTU);
      if (ip === undefined) continue;
      if (ip.protocol === 17 && ip.payload[1] === 68 && ip.payload[3] === 67)
        this.transaction = Buffer.from(ip.payload).readUInt32BE(12);
      this.sent.push(ip);
      this.onSent(ip);
    }
    for (const fd of this.sockets) this.read(fd);
  }

  private read(fd: number): void {
    const room = new Uint8Array(66_000);
    for (;;) {
      const n = this.stack.posix.recvfrom(fd, room, c.MSG_DONTWAIT, emptyAddress()).result;
      if (n === null || n < 0) return;
      this.received.push(room.slice(0, n));
    }
  }

  private show(sign: string, frame: Uint8Array): void {
    if (this.witness === undefined) return;
    const text = this.ethernet
      ? describeFrame(frame, 0, frame.length)
      : describePacket(frame, 0, frame.length);
    this.witness.step(`  ${sign} ${text}`);
  }
}
