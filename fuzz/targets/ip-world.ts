// The `ip` target's world: one stack and peers made of raw frames that play a list of commands. Answers are well-formed, few,
// and never answer errors; what waits is bounded and given up in time; no buffer is lost. Fragments: ip-fragments.ts.

import { buildIcmp, buildIp, readIp } from '../packets.js';
import { bytesOfHex, invariant, type Witness } from '../target.js';
import { dhcpPacket } from './configuration-arbitrary.js';
import type { Datagram, IpCommand, IpInput } from './ip-commands.js';
import { FragmentCommands } from './ip-fragments.js';
import { IpHost, OWN_HARDWARE } from './ip-host.js';
import { isError } from './ip-judge.js';
import { ownAddress, sourceOf } from './ip-pieces.js';
import { streamBytes } from './stream-bytes.js';

export class IpWorld {
  private readonly input: IpInput;
  private readonly witness: Witness | undefined;
  private readonly host: IpHost;
  private readonly fragments: FragmentCommands;

  constructor(input: IpInput, witness?: Witness) {
    this.input = input;
    this.witness = witness;
    this.host = new IpHost(input.ethernet, witness);
    this.fragments = new FragmentCommands(this.host);
  }

  step(command: IpCommand): void {
    this.witness?.step(`${(this.host.now / 1e6).toFixed(6)} ${JSON.stringify(command)}`);
    this.host.forget();
    this.perform(command);
    this.host.fragmentsBounded();
    this.host.configurationBounded();
  }

  /** Time passes: what waits is given up, and the stack ends with nothing left. */
  finish(): void {
    const { host } = this;
    host.pass(200e6);
    host.tellEnd();
    const { size } = host.fragments;
    invariant(size === 0, 'fragments are kept beyond their time', () => `${size} packets`);
    // A lease may just be renewed by way of a server that does not answer ARP: that is given up after three seconds.
    for (let i = 0; i < 5 && host.stack.usage().buffers > 0; i++) host.pass(1e6);
    const { buffers } = host.stack.usage();
    invariant(buffers === 0, 'packet buffers are lost', () => String(buffers));
    host.stack.close();
    for (const [name, count] of Object.entries(host.stack.usage())) {
      invariant(count === 0, 'something is left behind by close', () => `${name} ${count}`);
    }
  }

  private perform(command: IpCommand): void {
    const { fragments, host } = this;
    switch (command.op) {
      case 'whole':
        fragments.whole(this.datagram(command.datagram), command.order, command.twice);
        return;
      case 'mixed':
        fragments.mixed(this.datagram(command.datagram));
        return;
      case 'overlap':
        fragments.overlap(this.datagram(command.datagram), command.by);
        return;
      case 'piece':
        fragments.piece(this.datagram(command.datagram), command.piece);
        return;
      case 'half':
        fragments.half(command.bytes, command.cut, command.second);
        return;
      case 'echo':
        this.echo(command.v6, command.size, command.group);
        return;
      case 'raw':
        this.raw(bytesOfHex(command.bytes), command.ethernet);
        return;
      case 'arp':
        this.arp(command.operation, command.own, command.hardware);
        return;
      case 'dhcp':
        if (host.transaction >= 0) host.inject(dhcpPacket(command.answer, host.transaction, OWN_HARDWARE));
        return;
      case 'send':
        host.send(command.v6, command.v6 ? `fd00::${command.to}` : `10.0.0.${command.to}`, command.size);
        return;
      case 'time':
        host.pass(command.us);
    }
  }

  private datagram(i: number): Datagram {
    return this.input.datagrams[i % this.input.datagrams.length];
  }

  private echo(v6: boolean, size: number, group: boolean): void {
    const src = sourceOf({ v6, source: 0 });
    const dst = group
      ? v6
        ? Uint8Array.of(0xff, 2, ...new Array<number>(13).fill(0), 1)
        : Uint8Array.of(10, 0, 0, 255)
      : ownAddress(v6);
    const data = streamBytes(0, size);
    const payload = buildIcmp(src, dst, v6 ? 128 : 8, 0, 0x12345678, data);
    this.host.inject(buildIp({ src, dst, protocol: v6 ? 58 : 1, payload }));
    if (this.host.ethernet) return;
    const answers = this.host.sent.filter((ip) => ip.payload[0] === (v6 ? 129 : 0));
    if (group && !v6) {
      invariant(answers.length === 0, 'a broadcast echo request is answered');
      return;
    }
    if (group) return;
    invariant(answers.length === 1, 'an echo request is not answered once', () => String(answers.length));
    const got = answers[0].payload;
    invariant(
      Buffer.compare(got.subarray(4), payload.subarray(4)) === 0,
      'an echo reply carries something else',
    );
  }

  private raw(bytes: Uint8Array, framed: boolean): void {
    for (const d of this.input.datagrams) this.fragments.touch(d);
    const ip = readIp(bytes);
    if (this.host.ethernet && framed) this.host.deliver(bytes);
    else this.host.inject(bytes);
    const errors = this.host.sent.filter(isError);
    // A packet that waits for a neighbour may bring others with it.
    if (!this.host.ethernet)
      invariant(this.host.sent.length <= 2, 'one packet makes many', () => String(this.host.sent.length));
    if (typeof ip === 'string') return;
    invariant(
      errors.length === 0 || !isError(ip),
      'an error is answered with an error',
      () => `type ${ip.payload[0]}`,
    );
    const later = ip.fragment !== undefined && ip.fragment.offset > 0;
    const made = this.host.ethernet ? 0 : errors.length;
    invariant(made === 0 || !later, 'an error answers a later fragment');
  }

  private arp(operation: number, own: boolean, hardware: number): void {
    const sender = [2, 0, 0, 0, 3, hardware];
    const frame = [
      ...(own ? OWN_HARDWARE : [255, 255, 255, 255, 255, 255]),
      ...sender,
      ...[8, 6, 0, 1, 8, 0, 6, 4, 0, operation],
      ...sender,
      ...[10, 0, 0, hardware % 10],
      ...[0, 0, 0, 0, 0, 0],
      ...[10, 0, 0, own ? 1 : 7],
    ];
    if (this.host.ethernet) this.host.deliver(Uint8Array.from(frame));
  }
}
