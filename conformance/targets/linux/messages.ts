// What the linux target's main side and its kernel thread say to each other.
import type { TargetAddresses } from '../target.js';
import type { CallReply } from './caller.js';

/**
 * Real-time priorities of the three threads, as the original packetdrill has one: a script's times mean nothing when whoever
 * keeps them waits for a busy machine. The thread that is waited for by a spinning one comes before it.
 */
export const PRIORITY = { runner: 1, kernel: 2, caller: 3 } as const;

export interface KernelSetup {
  readonly addresses: TargetAddresses;
  readonly file: string;
  /** CLOCK_MONOTONIC in µs that is target time 0. */
  readonly origin: number;
  readonly congestionControl: string;
}

export type Request =
  | { readonly op: 'call'; readonly name: string; readonly args: readonly unknown[] }
  | { readonly op: 'advance'; readonly until: number }
  | { readonly op: 'inject'; readonly packet: Uint8Array; readonly segmentSize: number }
  | { readonly op: 'info'; readonly fd: number }
  | { readonly op: 'command'; readonly text: string; readonly file: string; readonly line: number }
  | { readonly op: 'close' };

export interface WirePacket {
  readonly time: number;
  readonly bytes: Uint8Array;
  readonly checksumPartial: boolean;
}

/** Every reply brings what has happened meanwhile. */
export interface Reply {
  readonly id: number;
  readonly error?: { readonly message: string; readonly code: string | undefined };
  readonly packets: readonly WirePacket[];
  /** A call that has returned: the one asked for, or an earlier one that blocked. */
  readonly returned: CallReply | null;
  readonly info?: Record<string, number>;
  readonly notes: readonly string[];
}
