// Whether a long run keeps its memory: samples of the thread's heap behind a full collection, of the process's resident set
// and of what the stack holds, and a judgement over them. Knows no case.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { InlineStack } from '../stack/stack.js';

export interface MemorySample {
  /** Resident set of the process and live objects of the thread's heap, bytes. */
  readonly rss: number;
  readonly heap: number;
  /** Typed arrays' memory of the thread, bytes; the stack's arena is shared and not in it. */
  readonly arrays: number;
  /** Packet buffers and payload pages that the stack holds. */
  readonly buffers: number;
  readonly pages: number;
}

/**
 * Growth from the most of a run's second quarter to the median of its last, beyond which something is kept. The first quarter is
 * compilation and pools filling up. A leak shows two and a half times as large over the whole run: in 10 GiB two
 * bytes kept for each of 1.2 million jumbo segments are found in the heap. Of free pages of payload
 * the stack keeps what its deepest queue has needed, 16 MiB at most. The resident set also has the allocator's moods.
 */
export const GROWTH_LIMIT = { heap: 1 << 20, arrays: 16 << 20, rss: 16 << 20 } as const;

/** 32-bit words of a page. */
const PAGE_WORDS = 1024;

/** ms between two samples: a full collection of a small heap costs some, and 50,000 connections are over in seven seconds. */
const INTERVAL = 500;

export class MemoryWatch {
  readonly samples: MemorySample[] = [];
  private readonly collect: () => void;
  private readonly timer: NodeJS.Timeout;
  private readonly stack: InlineStack;

  constructor(stack: InlineStack, interval = INTERVAL) {
    this.stack = stack;
    // The arena is reserved memory whose pages the system commits when they are first used, packet buffer by packet
    // buffer. All of them now: what the resident set grows by afterwards is growth.
    const { words } = stack.arena;
    for (let at = 0; at < words.length; at += PAGE_WORDS) Atomics.add(words, at, 0);
    setFlagsFromString('--expose-gc');
    this.collect = runInNewContext('gc') as () => void;
    this.timer = setInterval(() => this.sample(), interval);
  }

  sample(): void {
    this.collect();
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    const { buffers, payloadPages } = this.stack.usage();
    this.samples.push({ rss, heap: heapUsed, arrays: arrayBuffers, buffers, pages: payloadPages });
  }

  stop(): void {
    clearInterval(this.timer);
  }
}

export interface MemoryVerdict {
  /** What grew beyond its limit; empty: nothing. */
  readonly grown: readonly (keyof typeof GROWTH_LIMIT)[];
  /** One line for a report. */
  readonly text: string;
}

/** Judges samples in the order they were taken. Fewer than eight say nothing. */
export function judgeMemory(samples: readonly MemorySample[]): MemoryVerdict {
  if (samples.length < 8) return { grown: [], text: `memory: ${samples.length} samples, too few to judge` };
  const quarter = Math.floor(samples.length / 4);
  const late = (key: keyof MemorySample): number =>
    samples
      .slice(-quarter)
      .map((sample) => sample[key])
      .sort((a, b) => a - b)[quarter >> 1];
  const keys = Object.keys(GROWTH_LIMIT) as (keyof typeof GROWTH_LIMIT)[];
  const early = (key: keyof MemorySample): number =>
    Math.max(...samples.slice(quarter, 2 * quarter).map((sample) => sample[key]));
  const most = (key: keyof MemorySample): number => Math.max(...samples.map((sample) => sample[key]));
  const mib = (bytes: number): string => (bytes / (1 << 20)).toFixed(2);
  const parts = keys.map((key) => `${key} ${mib(early(key))} → ${mib(late(key))} (most ${mib(most(key))})`);
  return {
    grown: keys.filter((key) => late(key) - early(key) > GROWTH_LIMIT[key]),
    text: `memory in MiB, most of the second quarter and median of the last of ${samples.length} samples: ${parts.join(', ')}; at most ${most('buffers')} packet buffers, ${most('pages')} payload pages`,
  };
}
