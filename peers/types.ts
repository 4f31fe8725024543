// What a peer case is, what it gets to work with, and what comes out. No behaviour.
import type { Impairment } from '../stack/link/impairment.js';
import type { InlineStack } from '../stack/stack.js';
import type { StackOptions } from '../stack/stack-options.js';
import type { Applications } from './applications.js';
import type { Programs } from './programs.js';

export type Family = 4 | 6;

/** What is between the stack and the kernel. */
export type Condition = keyof typeof IMPAIRMENTS;

/** Chances per frame and delays in µs, each way; null: nothing is in between, and the device has its offloads. */
export const IMPAIRMENTS = {
  clean: null,
  impaired: { loss: 0.01, duplicate: 0.01, reorder: 0.02, reorderDelay: 3000, delay: 500 },
  /** Loss alone, for the long runs: delays would only make them longer. */
  lossy: { loss: 0.01 },
} as const satisfies Record<string, Impairment | null>;

/** What is between the two: a TAP or TUN device, or a veth pair with a packet socket on the stack's end. */
export const DEVICE_KINDS = ['tap', 'tun', 'packet'] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

/** How much of everything: CI's share, an ordinary run, a run of hours. */
export type Scale = 'short' | 'full' | 'soak';

/** What a case works with: one stack, one device, the kernel on the other side, all in the thread's own namespace. */
export interface PeerContext {
  readonly family: Family;
  readonly condition: Condition;
  readonly scale: Scale;
  readonly stack: InlineStack;
  /** Addresses of the stack and of the kernel, of the family. */
  readonly ours: string;
  readonly theirs: string;
  /** The kernel's name of the device. */
  readonly device: string;
  /** The stack's own, where the device has such. */
  readonly hardwareAddress: Uint8Array;
  readonly programs: Programs;
  readonly apps: Applications;
  /** What was measured or negotiated: becomes part of the report. */
  note(text: string): void;
  /** Writes a sysctl of the namespace: 'net.ipv4.tcp_ecn'. */
  sysctl(name: string, value: string): void;
  sleep(milliseconds: number): Promise<void>;
}

export interface PeerCase {
  readonly name: string;
  readonly about: string;
  /** Default all; those with hardware addresses for what is about them. */
  readonly devices?: readonly DeviceKind[];
  /** Super-packets and partial checksums on the device; default true when clean. Never when impaired. */
  readonly offload?: boolean;
  readonly mtu?: number;
  /** Default both. */
  readonly families?: readonly Family[];
  /** Default 'clean' and 'impaired'. */
  readonly conditions?: readonly Condition[];
  /** Conditions of its long form; a case without has none. */
  readonly soak?: readonly Condition[];
  /** Programs that must be there, else the case is skipped. */
  readonly needs?: readonly string[];
  /** Seconds; default DEFAULT_LIMIT. For what hangs, not for what is slow. */
  readonly limit?: number;
  /** Leave the kernel's duplicate address detection on. */
  readonly kernelDad?: boolean;
  readonly stack?: StackOptions;
  run(context: PeerContext): Promise<void>;
}

export interface CaseId {
  readonly name: string;
  readonly family: Family;
  readonly condition: Condition;
  readonly device: DeviceKind;
}

export interface CaseResult extends CaseId {
  readonly status: 'passed' | 'failed' | 'skipped';
  /** Why it failed or was skipped. */
  readonly reason?: string;
  readonly notes: readonly string[];
  readonly seconds: number;
}

/** What is between the main thread and the thread of one case. */
export interface CaseOrder extends CaseId {
  readonly scale: Scale;
  readonly pcap?: string;
}

export const DEFAULT_LIMIT = 120;

/** How many times a case's limit its long form may take. */
export const SOAK_LIMIT = 60;

/** A case found what should not be. */
export class PeerFailure extends Error {
  override readonly name = 'PeerFailure';
}

export function check(condition: boolean, text: string): asserts condition {
  if (!condition) throw new PeerFailure(text);
}
