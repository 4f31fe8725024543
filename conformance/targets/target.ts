// What a script runs against. A target is a TCP/IP implementation with a POSIX-like call face on one side and
// packets on the other: our stack in virtual time, a Linux kernel in real time, or anybody's own.
// A target knows nothing of scripts, matching or reporting.

import type { Feature } from '../language/features.js';

/** Thrown by `Target.call` and `Target.command` for what the target has no such thing as: the script is then skipped. */
export class TargetUnsupported extends Error {
  override readonly name = 'TargetUnsupported';
  /** What is missing, as it reads in "needs X": `PSP sockets`. */
  readonly feature: string;
  constructor(feature: string) {
    super(`the target does not offer ${feature}`);
    this.feature = feature;
  }
}

/** A finished system call. `errno` is a POSIX name without text, e.g. 'EAGAIN'. */
export interface CallResult {
  /** Return value; -1 with `errno` on failure. */
  value: number;
  errno?: string;
  /** Values written through pointer arguments, in argument order (buffers, lengths, structures). */
  out?: readonly unknown[];
}

/** A call in progress: `result` is there once it has returned. */
export interface PendingCall {
  readonly result: CallResult | null;
  /** Target time of return in µs, once returned. */
  readonly returnedAt: number;
}

/** One packet from the target, network layer first. */
export interface CapturedPacket {
  /** Target time in µs at which it left. */
  readonly time: number;
  readonly bytes: Uint8Array;
  /** True when the device was to fill in the transport checksum, which is then not checked. */
  readonly checksumPartial?: boolean;
}

export interface TargetAddresses {
  /** Network-layer version on the wire. */
  readonly wire: 'ipv4' | 'ipv6';
  /** Family of the sockets: ipv4-mapped-ipv6 uses AF_INET6 sockets over an IPv4 wire. */
  readonly socketFamily: 'AF_INET' | 'AF_INET6';
  readonly local: string;
  readonly remote: string;
  readonly gateway: string;
  /** Prefix length of the local address. */
  readonly prefix: number;
  readonly mtu: number;
}

/** A target instance serves one script run and is then closed. All times are µs. */
export interface Target {
  readonly name: string;
  /** True when `advance` moves a virtual clock; false when time passes by itself. */
  readonly virtual: boolean;

  /** Features (language/features.ts) that no script can have here: one that asks for them is skipped. Default: none. */
  readonly lacks?: readonly Feature[];

  /** Current target time. */
  now(): number;

  /** Wall-clock time in µs at target time 0, on which SCM_TIMESTAMPING values count. */
  readonly wallEpoch: number;

  /**
   * Lets time pass until `until`, or until something that a script may wait for has happened: a packet left or a
   * pending call returned. Returns the time reached. A real-time target sleeps. What is due exactly at `until` has
   * not happened yet when it returns: at one instant the script's event comes first.
   */
  advance(until: number): number | Promise<number>;

  /** Starts a call; arguments and outputs are in the forms that call-forms.ts defines. */
  call(name: string, args: readonly unknown[]): PendingCall | Promise<PendingCall>;

  /** A network-layer packet reaches the target now. `segmentSize`: of a super-packet, payload bytes per segment; 0: none. */
  inject(packet: Uint8Array, segmentSize?: number): void | Promise<void>;

  /** Packets that left since the last call, oldest first. */
  take(): CapturedPacket[];

  /** Values for `%{ }%`: struct tcp_info, cc info, SK_MEMINFO of a socket, read now. */
  info(fd: number): Record<string, number> | Promise<Record<string, number>>;

  /** Runs a backtick command. Throws a typed error when it fails or is not understood. */
  command(text: string, where: { file: string; line: number }): void | Promise<void>;

  /** Ends everything: open connections, devices, threads. Idempotent. */
  close(): void | Promise<void>;
}
