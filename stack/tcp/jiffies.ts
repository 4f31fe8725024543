// Linux counts many of TCP's times in jiffies; this is the arithmetic that keeps our microseconds in step with it.
// Knows only the configured tick, never a clock.
import type { StackConfig } from '../config/config.js';

/** Length of a tick in µs. With `hz` 0 (exact deadlines) algorithms that count ticks count milliseconds. */
export function tickLength(config: StackConfig): number {
  return config.hz === 0 ? 1000 : 1_000_000 / config.hz;
}

/** The tick counter at `now` (µs). */
export function jiffies(config: StackConfig, now: number): number {
  return Math.floor(now / tickLength(config));
}

/** When the tick that is running at `now` began, µs; `now` itself when deadlines are exact. */
export function startOfTick(config: StackConfig, now: number): number {
  return config.hz === 0 ? now : jiffies(config, now) * tickLength(config);
}

/** A span of µs, rounded up to whole ticks; as it is when deadlines are exact. */
export function roundUpToTick(config: StackConfig, span: number): number {
  if (config.hz === 0) return span;
  const tick = tickLength(config);
  return Math.ceil(span / tick) * tick;
}
