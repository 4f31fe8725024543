// What a stack is made from. Everything has a default; everything that is not deterministic can be injected.
import type { StackConfig } from './config/config.js';
import type { Link } from './link/link.js';

export interface AddressOption {
  /** '192.168.0.1', 'fd3d::1', or 16 bytes (IPv4 mapped). */
  address: string | Uint8Array;
  /** Prefix length in the address's own family: 24, 64. */
  prefix: number;
  /** Index into `links`, default 0. */
  link?: number;
  /**
   * Ask the link whether somebody has the address before it is used (Ethernet only): duplicate address detection (RFC 4862)
   * or ARP probes (RFC 5227). Default: for IPv6 as net.ipv6.conf.all.accept_dad says, which is yes; for IPv4 no, as in Linux.
   * Until then (1 to 2 s for IPv6, 5 to 7 s for IPv4) the address is tentative: nothing is sent from or taken for it.
   */
  detectDuplicates?: boolean;
}

/** What became of an address of the stack. */
export interface AddressEvent {
  /**
   * assigned: it may be used; duplicate: another host has it, it is not used; conflict: another host uses an address in use
   * here; deprecated, preferred: its preferred lifetime is over, or not any more; removed: its valid lifetime is over.
   */
  type: 'assigned' | 'duplicate' | 'conflict' | 'deprecated' | 'preferred' | 'removed';
  address: string;
  link: number;
  /** The other host's, for duplicate and conflict, when it is known. */
  hardwareAddress: string | null;
}

/** An address as `ip address` shows it. */
export interface AddressStatus {
  address: string;
  prefix: number;
  link: number;
  state: 'tentative' | 'preferred' | 'deprecated' | 'duplicate';
  /** Stack time, µs; Infinity: for ever. */
  preferredUntil: number;
  validUntil: number;
}

/** What a link's addresses are made from, beside those that the owner gives. */
export interface AutoconfigureOption {
  /** Index into `links`, default 0. Ethernet links only. */
  link?: number;
  /** A link-local address, router solicitations, and addresses and routes from router advertisements (RFC 4861, RFC 4862). */
  ipv6?: boolean;
  /** An address and default route by DHCP (RFC 2131). */
  dhcp?: boolean;
}

/** What a DHCP server gave, as the owner sees it. Times are stack time, µs. */
export interface LeaseEvent {
  link: number;
  /** Null: the lease is lost. */
  lease: {
    address: string;
    prefix: number;
    server: string;
    routers: string[];
    dnsServers: string[];
    domain: string;
    /** 0: not said. Not applied by the stack. */
    mtu: number;
    renewAt: number;
    expiresAt: number;
  } | null;
}

export interface RouteOption {
  /** 'a.b.c.d/n', 'x::/n', 'default' (IPv4) or 'default6'. */
  destination: string;
  /** Next hop; none: on the link itself. */
  gateway?: string | Uint8Array;
  link?: number;
  mtu?: number;
  mtuLocked?: boolean;
  advmss?: number;
  initcwnd?: number;
  initrwnd?: number;
  /** µs */
  rtoMin?: number;
}

/** Reading of files for `open` and `sendfile`: never the host's files unless the owner of the stack says so. */
export interface FileAccess {
  /** Bytes of the file, or null when there is none. */
  read(path: string): Uint8Array | null;
}

/** Of one host, wherever its driver runs. */
export interface HostOptions {
  addresses?: readonly AddressOption[];
  routes?: readonly RouteOption[];
  /** Links that configure themselves. Default: none, router advertisements are ignored. */
  autoconfigure?: readonly AutoconfigureOption[];
  /** Secret behind the identifiers of autoconfigured IPv6 addresses (RFC 7217), 16 bytes: the same one gives the same
   * addresses again. Default: from `secrets`, new for each stack. */
  stableSecret?: Uint8Array;
  /** Told what became of addresses; called while the stack runs. */
  onAddress?: (event: AddressEvent) => void;
  /** Told of each lease that is bound or extended, and of its loss. */
  onLease?: (event: LeaseEvent) => void;
  /** Fields of StackConfig that differ from Linux's defaults. */
  config?: Partial<StackConfig>;
  /** Sysctls by Linux's names, set after `config`: { 'net.ipv4.tcp_timestamps': '0' }. */
  sysctls?: Readonly<Record<string, string>>;
  /** Time in µs. Default: the time given to the last `run`, from 0: virtual. */
  clock?: () => number;
  /** Seed of the stack's ordinary randomness (jitter). Default 1: two runs are the same. */
  seed?: number;
  /**
   * Secrets for ISN, ports, timestamp offsets, hashes and cookies: fills the array. Default: node:crypto. Give a
   * deterministic one for reproducible runs.
   */
  secrets?: (bytes: Uint8Array) => void;
  /** For tests of the sequence space's wrap only: every connection's ISN, in place of RFC 6528's. */
  fixedInitialSequence?: number;
  /** Value of the millisecond timestamp clock (RFC 7323) at time 0, before the per-flow offset. Default 1: 0 means "none" in TCP's marks. */
  timestampEpoch?: number;
  /** Wall-clock time in µs at stack time 0, for SO_TIMESTAMP and error-queue stamps. Default 0. */
  wallEpoch?: number;
  files?: FileAccess;
  /** Uid-like permission checks (ports < 1024, SO_MARK, SO_*BUFFORCE): default true, all is allowed. */
  privileged?: boolean;
  /** Device features of every link: super-packets on sending. Default: on when the link takes them. */
  gso?: boolean;
  /**
   * Generic receive offload on every link: segments of a connection that arrive in one batch and continue each other are
   * one segment for TCP, with one ACK. Linux has it on for network cards; default false, as for packets that come singly.
   */
  gro?: boolean;
  /**
   * Packets wait until the stack is next run or flushed, so that all that a turn sends crosses the system in one go, and
   * small writes of a turn join into full segments (tcp_autocorking), as they do on Linux while a device is busy.
   * Local drops are then losses. Default false: a packet leaves within the call that made it.
   */
  batchTransmit?: boolean;
  /** Most descriptors: default 1,048,576. */
  maxDescriptors?: number;
}

/** Of the shared memory between driver and hosts. */
export interface MemoryOptions {
  /** Shared memory to reserve, bytes. Default 128 MiB of address space. */
  arenaBytes?: number;
  /** Packet buffers. Defaults 4096 small, 256 large in all. */
  smallBuffers?: number;
  largeBuffers?: number;
  /** Poison released buffers and check every access (slow; tests). */
  debugBuffers?: boolean;
}

export interface StackOptions extends HostOptions, MemoryOptions {
  /** Frames come from and go to these; none: the stack has loopback only. */
  links?: readonly Link[];
}
