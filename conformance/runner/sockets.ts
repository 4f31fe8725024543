// The descriptors and flows of one run: which script descriptor is which of the target's, and which flow a packet of
// the script belongs to. A plain script has one socket under test, the newest; ports and addresses written before a
// packet pick another.

import type { EndpointPair, PacketBody } from '../language/ast.js';
import { canonicalAddress } from './addresses.js';
import { ACK, type DecodedPacket, SYN } from './decode.js';
import { RunFailure } from './errors.js';
import { Flow, type FlowEnd } from './flow.js';

const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;

interface OpenFd {
  readonly live: number;
  readonly flow: Flow | null;
}

export interface Ends {
  readonly local: FlowEnd;
  readonly remote: FlowEnd;
}

export class Sockets {
  readonly flows: Flow[] = [];
  underTest: Flow | null = null;
  private readonly open = new Map<number, OpenFd>();
  /** Of the target's descriptors, those whose number in the script now means another. */
  private readonly displaced: number[] = [];
  private nextPort: number;
  /** Addresses and ports that a flow has unless the script or a call says otherwise. */
  private readonly defaults: Ends;

  constructor(defaults: Ends, firstRemotePort: number) {
    this.defaults = defaults;
    this.nextPort = firstRemotePort;
  }

  liveFd(script: number): number | undefined {
    return this.open.get(script)?.live;
  }

  scriptFd(live: number): number | undefined {
    for (const [script, fd] of this.open) if (fd.live === live) return script;
    return undefined;
  }

  flowOf(script: number): Flow | null {
    return this.open.get(script)?.flow ?? null;
  }

  /** Open descriptors, newest last. */
  get openDescriptors(): number[] {
    return [...this.displaced, ...[...this.open.values()].map((fd) => fd.live)];
  }

  /** Remembers a descriptor. Both numbers must be new. */
  add(script: number, live: number, flow: Flow | null, call: string): void {
    const before = this.open.get(script);
    if (before) {
      // Only accept() may use a number again, as some scripts do: it then means the newer connection.
      if (!call.startsWith('accept')) {
        throw new RunFailure('call', `${call}(): descriptor ${script} is open already`, null);
      }
      this.displaced.push(before.live);
      this.open.delete(script);
    }
    this.open.set(script, { live, flow });
    if (flow) {
      flow.scriptFd = script;
      flow.liveFd = live;
    }
  }

  forget(script: number): void {
    const fd = this.open.get(script);
    if (fd?.flow) fd.flow.closed = true;
    this.open.delete(script);
  }

  newFlow(protocol: number): Flow {
    const flow = new Flow(this.flows.length, protocol);
    this.flows.push(flow);
    this.underTest = flow;
    return flow;
  }

  /** The connection that accept() returned: one that has a SYN-ACK and no descriptor, the peer's if it can be told. */
  accepted(peer: { address: string; port: number } | null): Flow | null {
    const waiting = this.flows.filter(
      (f) => f.liveFd < 0 && (f.state === 'synack-sent' || f.state === 'synack-acked'),
    );
    const exact = waiting.filter(
      (f) => peer && f.live.remote.address === peer.address && f.live.remote.port === peer.port,
    );
    return exact.at(-1) ?? waiting.at(-1) ?? null;
  }

  /**
   * The flow of a script's packet; a first inbound packet to a listener makes one, and an outbound SYN belongs to the
   * last connect().
   * @throws RunFailure when there is none
   */
  forScriptPacket(packet: PacketBody): Flow {
    const { transport, direction } = packet;
    const ends = transport.kind === 'tcp' || transport.kind === 'udp' ? transport.endpoints : null;
    const found = ends ? this.byEndpoints(ends, direction) : null;
    if (found) return found;
    const current = this.underTest;
    if (transport.kind === 'tcp') {
      const { syn, ack } = transport.flags;
      if (direction === 'in' && this.startsConnection(current, ends, syn && !ack))
        return this.child(ends, transport.sequence.start);
      if (direction === 'out' && syn && !ack && current?.state === 'connecting') {
        current.state = 'syn-sent';
        current.scriptLocalIsn = transport.sequence.start >>> 0;
        return current;
      }
    }
    if (current && this.suits(current, transport.kind)) return current;
    throw new RunFailure('packet', 'no socket of the script can send or receive this packet', packet.span);
  }

  private startsConnection(current: Flow | null, ends: EndpointPair | null, isSyn: boolean): boolean {
    if (current === null || current.state === 'listening') return true;
    // A further connection to a listener, told apart by its ends.
    return ends !== null && isSyn && this.flows.some((f) => f.state === 'listening' && !f.closed);
  }

  private suits(flow: Flow, kind: PacketBody['transport']['kind']): boolean {
    if (kind === 'tcp') return flow.protocol === IPPROTO_TCP;
    if (kind === 'udp') {
      if (flow.protocol !== IPPROTO_UDP) return false;
      this.fillEnds(flow);
    }
    return true;
  }

  private child(ends: EndpointPair | null, sequence: number): Flow {
    const flow = this.newFlow(IPPROTO_TCP);
    flow.state = 'syn-received';
    const { local, remote } = this.defaults;
    flow.live.local = {
      address: addressOr(ends?.destination.address, local.address),
      port: ends?.destination.port ?? local.port,
    };
    flow.live.remote = {
      address: addressOr(ends?.source.address, remote.address),
      port: ends?.source.port ?? this.nextPort++,
    };
    flow.live.remoteIsn = sequence >>> 0;
    return flow;
  }

  /** A datagram socket that nobody connected talks to the default remote end. */
  private fillEnds(flow: Flow): void {
    const { local, remote } = flow.live;
    if (remote.address === '') remote.address = this.defaults.remote.address;
    if (remote.port === 0) remote.port = this.defaults.remote.port;
    if (flow.state === 'new') {
      if (local.address === '') local.address = this.defaults.local.address;
      if (local.port === 0) local.port = this.defaults.local.port;
    }
  }

  private byEndpoints(ends: EndpointPair, direction: 'in' | 'out'): Flow | null {
    const local = direction === 'in' ? ends.destination : ends.source;
    const remote = direction === 'in' ? ends.source : ends.destination;
    const fits = (want: { address: string | null; port: number | null }, have: FlowEnd): boolean =>
      (want.port === null || want.port === have.port) &&
      (want.address === null || canonicalAddress(want.address) === have.address);
    return (
      this.flows.findLast((f) => f.hasEnds && fits(local, f.live.local) && fits(remote, f.live.remote)) ??
      null
    );
  }

  /** Whether an outbound packet of the target is one of `flow`; learns the local end from the first SYN or datagram. */
  isFrom(flow: Flow, packet: DecodedPacket, wanted: PacketBody['transport']['kind']): boolean {
    const { ip, transport } = packet;
    if (wanted === 'raw') return true;
    if (!ip) return false;
    const { local, remote } = flow.live;
    if (transport.kind === 'icmp') {
      if (wanted !== 'icmp') return false;
      const known = remote.address === '' ? this.defaults.remote.address : remote.address;
      return ip.destination === known;
    }
    if (transport.kind !== 'tcp' && transport.kind !== 'udp') return false;
    const protocol = transport.kind === 'tcp' ? IPPROTO_TCP : IPPROTO_UDP;
    if (flow.protocol !== protocol) return false;
    const toRemote = ip.destination === remote.address && transport.destinationPort === remote.port;
    if (!toRemote) return false;
    const learns =
      transport.kind === 'udp'
        ? flow.state === 'connecting'
        : flow.state === 'syn-sent' && (transport.flags & (SYN | ACK)) === SYN;
    if (!learns) return ip.source === local.address && transport.sourcePort === local.port;
    flow.live.local = { address: ip.source, port: transport.sourcePort };
    if (transport.kind === 'tcp') flow.live.localIsn = transport.sequence;
    return true;
  }
}

function addressOr(text: string | null | undefined, fallback: string): string {
  return text ? (canonicalAddress(text) ?? text) : fallback;
}
