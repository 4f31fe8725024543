// The DHCP client (RFC 2131 section 4.4), one address on one link. Sans-IO: time, chance and messages come in; what is to be
// sent and what became of the lease goes out through `DhcpIo` during a call.
import { equalAddress } from '../wire/address.js';
import {
  type ClientMessage,
  DHCP_ACK,
  DHCP_DECLINE,
  DHCP_DISCOVER,
  DHCP_NAK,
  DHCP_OFFER,
  DHCP_REQUEST,
  isHostAddress,
  readDhcp,
  type ServerMessage,
} from './message.js';

/** What a server gave. Addresses are mapped; times are stack time, µs. */
export interface DhcpLease {
  readonly address: Uint8Array;
  readonly prefix: number;
  readonly server: Uint8Array;
  readonly routers: readonly Uint8Array[];
  readonly dnsServers: readonly Uint8Array[];
  readonly domain: string;
  /** 0: not said. */
  readonly mtu: number;
  renewAt: number;
  rebindAt: number;
  expiresAt: number;
}

export type DhcpState =
  | 'INIT'
  | 'SELECTING'
  | 'REQUESTING'
  | 'PROBING'
  | 'BOUND'
  | 'RENEWING'
  | 'REBINDING'
  | 'STOPPED';

export interface DhcpIo {
  /** Send to `to` from the leased address; null: by broadcast, from no address. */
  send(now: number, message: ClientMessage, to: Uint8Array | null): void;
  /** Ask the link whether somebody has the address: `probed` follows. */
  probe(now: number, lease: DhcpLease): void;
  /** The lease holds: the address is to be used. */
  bound(now: number, lease: DhcpLease): void;
  /** The address must not be used any more. */
  lost(now: number, lease: DhcpLease, why: 'expired' | 'refused' | 'conflict'): void;
}

const S = 1e6;
/** Section 4.1: 4 s, doubled up to 64 s, each with a second of chance either way. */
const FIRST_RETRY = 4 * S;
const MAX_RETRY = 64 * S;
/** Section 3.1 (5): requests without an answer, 60 s in all, before it starts again. */
const MAX_REQUESTS = 4;
/** Section 3.1 (5): after a DECLINE; and after a NAK, which a rogue server could send for ever. */
const PAUSE = 10 * S;
/** Section 4.4.5: between attempts to extend. */
const MIN_EXTEND = 60 * S;
/** Shorter leases would be nothing but renewals. Seconds. */
const MIN_LEASE = 30;

const NEVER = Number.POSITIVE_INFINITY;

export class DhcpClient {
  readonly #io: DhcpIo;
  readonly #hardware: Uint8Array;
  readonly #random32: () => number;
  #state: DhcpState = 'STOPPED';
  #due = NEVER;
  #xid = 0;
  #began = 0;
  #tries = 0;
  #retry = FIRST_RETRY;
  #offer: ServerMessage | null = null;
  #lease: DhcpLease | null = null;
  /** When the message that an ACK may answer was sent: leases count from there. */
  #asked = 0;

  /** `random32`: secret, for transaction identifiers and chance. */
  constructor(io: DhcpIo, hardware: Uint8Array, random32: () => number) {
    this.#io = io;
    this.#hardware = hardware;
    this.#random32 = random32;
  }

  get state(): DhcpState {
    return this.#state;
  }

  get lease(): DhcpLease | null {
    return this.#lease;
  }

  /** Begins. The random delay of section 4.4.1 (1 to 10 s) is left out, as in Linux's own client (ipconfig.c). */
  start(now: number): void {
    this.#init(now, now);
  }

  /** Ends; nothing is sent, the lease is not given back. */
  stop(): void {
    this.#state = 'STOPPED';
    this.#due = NEVER;
    this.#lease = null;
  }

  /** A datagram from a server's port to the client's: the UDP payload, as it came. False: not for us, or not now. */
  receive(now: number, bytes: Uint8Array): boolean {
    const message = readDhcp(bytes, this.#hardware);
    if (message === null || message.xid !== this.#xid) return false;
    switch (this.#state) {
      case 'SELECTING':
        return message.type === DHCP_OFFER && this.#offered(now, message);
      case 'REQUESTING':
        if (!this.#fromOfferer(message)) return false;
        if (message.type === DHCP_NAK) return this.#refused(now);
        return message.type === DHCP_ACK && this.#acknowledged(now, message);
      case 'RENEWING':
      case 'REBINDING':
        if (message.type === DHCP_NAK) return this.#refused(now);
        return message.type === DHCP_ACK && this.#acknowledged(now, message);
      default:
        return false;
    }
  }

  /** What `probe` found. */
  probed(now: number, free: boolean): void {
    if (this.#state !== 'PROBING' || this.#lease === null) return;
    if (!free) this.#decline(now);
    else this.#bound(now, this.#lease);
  }

  /** Another host uses the address, and defending it did not help (RFC 5227 section 2.4 (b)). */
  conflict(now: number): void {
    const lease = this.#lease;
    if (lease === null || this.#state === 'PROBING' || this.#state === 'STOPPED') return;
    this.#io.lost(now, lease, 'conflict');
    this.#decline(now);
  }

  nextTimeout(): number {
    return this.#due;
  }

  onTimer(now: number): void {
    if (now < this.#due) return;
    switch (this.#state) {
      case 'INIT':
        this.#xid = this.#random32();
        this.#began = now;
        this.#retry = FIRST_RETRY;
        this.#state = 'SELECTING';
        this.#discover(now);
        return;
      case 'SELECTING':
        this.#discover(now);
        return;
      case 'REQUESTING':
        if (this.#tries >= MAX_REQUESTS) this.#init(now, now);
        else this.#request(now);
        return;
      default:
        this.#extend(now);
    }
  }

  #init(_now: number, at: number): void {
    this.#state = 'INIT';
    this.#offer = null;
    this.#lease = null;
    this.#due = at;
  }

  #discover(now: number): void {
    this.#say(now, DHCP_DISCOVER, { client: null, requested: null, server: null }, null);
    this.#backOff(now);
  }

  #offered(now: number, message: ServerMessage): boolean {
    if (message.server === null || !isHostAddress(message.yours)) return false;
    this.#offer = message;
    this.#state = 'REQUESTING';
    this.#tries = 0;
    this.#retry = FIRST_RETRY;
    this.#request(now);
    return true;
  }

  #request(now: number): void {
    const offer = this.#offer as ServerMessage;
    this.#tries++;
    this.#say(now, DHCP_REQUEST, { client: null, requested: offer.yours, server: offer.server }, null);
    this.#backOff(now);
  }

  #fromOfferer(message: ServerMessage): boolean {
    const server = this.#offer?.server;
    return message.server !== null && server != null && equalAddress(message.server, 0, server, 0);
  }

  #acknowledged(now: number, message: ServerMessage): boolean {
    const lease = leaseOf(message, this.#asked, this.#chance());
    if (lease === null) return false;
    const old = this.#state === 'REQUESTING' ? null : this.#lease;
    if (old !== null) {
      // Extended: it is the same address, or the server may not speak of this lease at all.
      if (!equalAddress(old.address, 0, lease.address, 0)) return false;
      this.#bound(now, lease);
      return true;
    }
    if (!equalAddress(lease.address, 0, (this.#offer as ServerMessage).yours, 0)) return false;
    this.#lease = lease;
    this.#state = 'PROBING';
    this.#due = NEVER;
    this.#io.probe(now, lease);
    return true;
  }

  #bound(now: number, lease: DhcpLease): void {
    this.#lease = lease;
    this.#state = 'BOUND';
    this.#due = lease.renewAt;
    this.#io.bound(now, lease);
  }

  // Section 4.4.5: from T1 on the server is asked, from T2 on anyone; half of what is left passes in between.
  #extend(now: number): void {
    const lease = this.#lease as DhcpLease;
    if (now >= lease.expiresAt) {
      this.#io.lost(now, lease, 'expired');
      this.#init(now, now);
      return;
    }
    const rebinding = now >= lease.rebindAt;
    if (this.#state === 'BOUND') {
      this.#xid = this.#random32();
      this.#began = now;
    }
    this.#state = rebinding ? 'REBINDING' : 'RENEWING';
    const end = rebinding ? lease.expiresAt : lease.rebindAt;
    const to = rebinding ? null : lease.server;
    this.#say(now, DHCP_REQUEST, { client: lease.address, requested: null, server: null }, to);
    const wait = Math.max((end - now) / 2, MIN_EXTEND);
    this.#due = Math.min(now + wait, end);
  }

  #refused(now: number): boolean {
    if (this.#lease !== null) this.#io.lost(now, this.#lease, 'refused');
    this.#init(now, now + PAUSE);
    return true;
  }

  #decline(now: number): void {
    const { address, server } = this.#lease as DhcpLease;
    this.#xid = this.#random32();
    this.#say(now, DHCP_DECLINE, { client: null, requested: address, server }, null);
    this.#init(now, now + PAUSE);
  }

  #say(
    now: number,
    type: number,
    what: Pick<ClientMessage, 'client' | 'requested' | 'server'>,
    to: Uint8Array | null,
  ): void {
    this.#asked = now;
    const seconds = Math.floor((now - this.#began) / S);
    this.#io.send(now, { type, xid: this.#xid, seconds, hardware: this.#hardware, ...what }, to);
  }

  #backOff(now: number): void {
    this.#due = now + this.#retry + (2 * this.#chance() - 1) * S;
    this.#retry = Math.min(2 * this.#retry, MAX_RETRY);
  }

  #chance(): number {
    return this.#random32() / 2 ** 32;
  }
}

/** The lease of an ACK that answers what was sent at `asked`; null when it is none. `chance`: 0 … 1, for T1 and T2. */
function leaseOf(message: ServerMessage, asked: number, chance: number): DhcpLease | null {
  const { lease, server, yours } = message;
  if (server === null || !isHostAddress(yours) || lease < MIN_LEASE) return null;
  // Section 4.4.5: T1 and T2 where they make sense, else their defaults, with some chance so that clients do not meet.
  const fuzz = 1 - chance / 100;
  const sensible = message.t1 > 0 && message.t1 < message.t2 && message.t2 < lease;
  const t1 = sensible ? message.t1 : lease * 0.5 * fuzz;
  const t2 = sensible ? message.t2 : lease * 0.875 * fuzz;
  return {
    address: yours,
    prefix: message.prefix,
    server,
    routers: message.routers,
    dnsServers: message.dnsServers,
    domain: message.domain,
    mtu: message.mtu,
    renewAt: asked + t1 * S,
    rebindAt: asked + t2 * S,
    expiresAt: asked + lease * S,
  };
}
