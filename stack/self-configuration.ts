// Links that configure themselves: which of them ask routers (RFC 4862) and which a DHCP server, and the time of the latter.
import { STABLE_SECRET_BYTES } from './autoconf/stable-address.js';
import type { Addressing } from './endpoint/addressing.js';
import { DhcpService, leaseEvent } from './endpoint/dhcp.js';
import type { PacketOutput } from './endpoint/packet-output.js';
import type { NetworkLayer } from './host/network.js';
import type { HostSecrets } from './host/secrets.js';
import { StackError } from './stack-error.js';
import type { AutoconfigureOption, HostOptions } from './stack-options.js';
import type { UdpEndpoint } from './udp/udp-endpoint.js';

export interface SelfConfigurationParts {
  network: NetworkLayer;
  output: PacketOutput;
  udp: UdpEndpoint;
  addressing: Addressing;
  now: () => number;
}

export class SelfConfiguration {
  private readonly parts: SelfConfigurationParts;
  private readonly dhcp: DhcpService[] = [];

  /** Begins what `options.autoconfigure` asks for. @throws StackError STACK_BAD */
  constructor(parts: SelfConfigurationParts, options: HostOptions, secrets: HostSecrets) {
    this.parts = parts;
    for (const option of options.autoconfigure ?? []) this.begin(option, options, secrets);
  }

  /** µs, Infinity: never. */
  nextTimeout(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { client } of this.dhcp) earliest = Math.min(earliest, client.nextTimeout());
    return earliest;
  }

  /** Whether anything was due. */
  onTimer(now: number): boolean {
    let work = false;
    for (const { client } of this.dhcp) {
      if (client.nextTimeout() > now) continue;
      client.onTimer(now);
      work = true;
    }
    return work;
  }

  close(): void {
    for (const each of this.dhcp.splice(0)) each.close();
  }

  private begin(option: AutoconfigureOption, options: HostOptions, secrets: HostSecrets): void {
    const { network, addressing, now } = this.parts;
    const { link = 0, ipv6 = false, dhcp = false } = option;
    if (network.devices[link]?.link?.framing !== 'ethernet')
      throw new StackError('STACK_BAD', `link ${link} is no Ethernet link: it cannot configure itself`);
    const secret = options.stableSecret ?? new Uint8Array(STABLE_SECRET_BYTES);
    if (secret.length < STABLE_SECRET_BYTES) throw new StackError('STACK_BAD', 'stableSecret has 16 bytes');
    if (options.stableSecret === undefined) secrets.fill(secret);
    if (ipv6) addressing.autoconfigure(now(), link, secret);
    if (dhcp) this.startDhcp(link, options, secrets);
  }

  private startDhcp(link: number, options: HostOptions, secrets: HostSecrets): void {
    const { now, ...parts } = this.parts;
    const service = new DhcpService(link, {
      ...parts,
      secretRandom32: secrets.secretRandom32,
      now,
      onLease: (lease) => options.onLease?.(leaseEvent(link, lease)),
    });
    if (!service.start(now())) throw new StackError('STACK_BAD', 'the port of DHCP clients (68) is taken');
    this.dhcp.push(service);
    parts.addressing.onConflict = (at, address) => {
      for (const each of this.dhcp) each.conflict(at, address);
    };
  }
}
