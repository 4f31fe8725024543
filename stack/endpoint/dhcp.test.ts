// The DHCP client of a stack, seen by a server at the other end of the wire.
import { describe, expect, test } from 'vitest';
import { dhcpReply, type Reply } from '../dhcp/server.test.helper.js';
import { finishTransport, writeIp } from '../ip/output.js';
import { memoryPair } from '../link/memory.js';
import { testSecrets } from '../socket/two-stacks.test.helper.js';
import { createStack, type InlineStack } from '../stack.js';
import type { StackOptions } from '../stack-options.js';
import { formatAddress, parseAddress } from '../wire/address.js';
import * as arp from '../wire/arp.js';
import { ETH_BROADCAST, etherType, writeEthernet } from '../wire/ethernet.js';

const S = 1e6;
const OWN = Uint8Array.of(2, 0, 0, 0, 0, 1);
const SERVER = Uint8Array.of(2, 0, 0, 0, 0, 9);

/** A stack with a DHCP client, and a server that gives 10.0.0.50 with a router to whoever asks. */
class World {
  readonly stack: InlineStack;
  /** Message types heard, and the source and destination they came with. */
  readonly heard: string[] = [];
  readonly leases: (string | null)[] = [];
  now = 0;
  silent = false;
  answerProbes = false;
  extra: Partial<Reply> = {};
  private readonly peer;

  constructor(options: StackOptions = {}) {
    const [device, peer] = memoryPair({ common: { framing: 'ethernet' }, a: { hardwareAddress: OWN } });
    this.peer = peer;
    this.stack = createStack({
      links: [device],
      secrets: testSecrets(1),
      debugBuffers: true,
      autoconfigure: [{ dhcp: true }],
      onLease: ({ lease }) => void this.leases.push(lease?.address ?? null),
      ...options,
    });
  }

  run(seconds: number): void {
    const end = this.now + seconds * S;
    for (;;) {
      this.stack.run(this.now);
      let frames = 0;
      for (let f = this.peer.takeFrame(this.now); f !== null; f = this.peer.takeFrame(this.now), frames++) {
        this.frame(f.bytes);
      }
      if (frames > 0) continue;
      if (this.now >= end) return;
      this.now = Math.max(this.now, Math.min(end, this.stack.nextTimeout()));
    }
  }

  private frame(b: Uint8Array): void {
    if (etherType(b, 0) === 0x0806) this.arp(b);
    else if (etherType(b, 0) === 0x0800 && b[23] === 17) this.udp(b);
  }

  private arp(b: Uint8Array): void {
    const probe = b.subarray(28, 32).every((byte) => byte === 0);
    const target = new Uint8Array(16);
    target.set(parseAddress('0.0.0.0'));
    target.set(b.subarray(38, 42), 12);
    if (probe ? this.answerProbes : formatAddress(target) === '10.0.0.1') this.claim(target);
  }

  /** Says by ARP that the server's hardware has the address. */
  claim(address: Uint8Array): void {
    const reply = new Uint8Array(42);
    writeEthernet(reply, 0, ETH_BROADCAST, 0, SERVER, 0, 0x0806);
    arp.writeArp(reply, 14, arp.ARP_REPLY, SERVER, address, 12, OWN, address, 12);
    this.peer.sendFrame(this.now, reply);
  }

  private udp(b: Uint8Array): void {
    const message = b.subarray(42);
    const type = message[242];
    const quad = (at: number) => b.subarray(at, at + 4).join('.');
    this.heard.push(`${['', 'DISCOVER', '', 'REQUEST', 'DECLINE'][type]} ${quad(26)} > ${quad(30)}`);
    if (this.silent || type === 4) return;
    const xid = new DataView(message.buffer, message.byteOffset).getUint32(4);
    const answer = {
      type: type === 1 ? 2 : 5,
      xid,
      hardware: OWN,
      router: '10.0.0.1',
      lease: 3600,
      ...this.extra,
    };
    this.reply(
      dhcpReply(answer),
      message.subarray(12, 16).some((byte) => byte !== 0),
    );
  }

  reply(payload: Uint8Array, unicast: boolean): void {
    const b = new Uint8Array(42 + payload.length);
    const [source, to] = [parseAddress('10.0.0.1'), parseAddress(unicast ? '10.0.0.50' : '255.255.255.255')];
    writeEthernet(b, 0, unicast ? OWN : ETH_BROADCAST, 0, SERVER, 0, 0x0800);
    writeIp(b, 14, false, source, to, 17, 8 + payload.length, 0, 64, false, 1, 0);
    b.set([0, 67, 0, 68, (8 + payload.length) >> 8, (8 + payload.length) & 255], 34);
    b.set(payload, 42);
    finishTransport(b, 34, 8 + payload.length, 6, source, to, 17);
    this.peer.sendFrame(this.now, b);
  }

  states(): string[] {
    return this.stack.addresses().map(({ address, prefix, state }) => `${address}/${prefix} ${state}`);
  }

  close(): void {
    this.stack.close();
    const { buffers, ports, flows, channels } = this.stack.usage();
    expect({ buffers, ports, flows, channels }).toEqual({ buffers: 0, ports: 0, flows: 0, channels: 0 });
  }
}

describe('an address by DHCP', () => {
  test('is asked for by broadcast from no address, probed, used with its route, renewed by unicast, lost', () => {
    const w = new World();
    w.run(3);
    expect(w.heard).toEqual(
      new Array(1).fill('DISCOVER 0.0.0.0 > 255.255.255.255').concat('REQUEST 0.0.0.0 > 255.255.255.255'),
    );
    expect(w.states()).toEqual(['10.0.0.50/24 tentative']);
    w.run(5);
    expect(w.states()).toEqual(['10.0.0.50/24 preferred']);
    expect(w.leases).toEqual(['10.0.0.50']);
    const far = w.stack.network.path(parseAddress('198.51.100.1'), 0)!;
    expect(formatAddress(far.nextHop)).toBe('10.0.0.1');
    w.heard.length = 0;
    w.run(1800);
    expect(w.heard).toEqual(['REQUEST 10.0.0.50 > 10.0.0.1']);
    expect(w.leases).toEqual(['10.0.0.50', '10.0.0.50']);
    w.silent = true;
    w.run(4000);
    expect(w.states()).toEqual([]);
    expect(w.stack.network.path(parseAddress('198.51.100.1'), 0)).toBe(null);
    expect(w.leases.at(-1)).toBe(null);
    w.close();
  });

  test('that somebody has is declined', () => {
    const w = new World();
    w.answerProbes = true;
    w.run(8);
    expect(w.heard.at(-1)).toBe('DECLINE 0.0.0.0 > 255.255.255.255');
    w.answerProbes = false;
    w.run(20);
    expect(w.leases).toEqual(['10.0.0.50']);
    w.close();
  });

  test('that another host takes later is defended once, then given up', () => {
    const w = new World();
    w.run(10);
    const own = parseAddress('10.0.0.50');
    w.claim(own);
    w.run(1);
    expect(w.leases).toEqual(['10.0.0.50']);
    w.claim(own);
    w.run(1);
    expect(w.leases).toEqual(['10.0.0.50', null]);
    expect(w.heard.at(-1)).toBe('DECLINE 0.0.0.0 > 255.255.255.255');
    w.close();
  });

  test('hostile servers: an address that is ours already, a route to nowhere, words from another port', () => {
    const w = new World({
      addresses: [{ address: '10.0.0.50', prefix: 24 }],
      routes: [{ destination: 'default', gateway: '10.0.0.2' }],
    });
    w.run(3);
    expect(w.heard.at(-1)).toBe('DECLINE 0.0.0.0 > 255.255.255.255');
    expect(w.states()).toEqual(['10.0.0.50/24 preferred']);
    w.extra = { yours: '10.0.0.60', router: '203.0.113.1' };
    w.run(20);
    expect(w.states()).toEqual(['10.0.0.50/24 preferred', '10.0.0.60/24 preferred']);
    // The owner's own default route stays.
    expect(formatAddress(w.stack.network.path(parseAddress('198.51.100.1'), 0)!.nextHop)).toBe('10.0.0.2');
    w.close();
  });
});
