// Coordinates of a diagram: round numbers on both axes, and what lies far outside the data clipped to the edge.

import type { Drawable } from './diagram.js';
import type { Side } from './sides.js';

const LEFT = 64;
const RIGHT = 940;
const TOP = 24;
const BOTTOM = 250;

export class Axes {
  static readonly WIDTH = 960;
  static readonly HEIGHT = 280;
  readonly right = RIGHT;
  private readonly endTime: number;
  private readonly lowest: number;
  private readonly highest: number;

  constructor(side: Side, result: Drawable) {
    const times = [...side.segments, ...side.acks].map((p) => p.time);
    const last = Math.max(...times, 1);
    // What happens long after the last packet is not shown.
    this.endTime = Math.min(Math.max(result.scriptMicroseconds, last), last * 1.05 + 1000);
    const starts = side.segments.map((p) => p.tcp!.sequence);
    const ends = side.segments.map((p) => p.tcp!.sequence + p.tcp!.length);
    this.lowest = Math.min(...starts);
    const span = Math.max(Math.max(...ends) - this.lowest, 10);
    // The window may be far beyond the data: a quarter more shows that there is room.
    this.highest = this.lowest + span * 1.25;
  }

  x(time: number): number {
    return round(LEFT + (Math.min(time, this.endTime) / this.endTime) * (RIGHT - LEFT));
  }

  y(sequence: number): number {
    const clipped = Math.min(Math.max(sequence, this.lowest), this.highest);
    return round(BOTTOM - ((clipped - this.lowest) / (this.highest - this.lowest)) * (BOTTOM - TOP));
  }

  grid(): string {
    const vertical = ticks(0, this.endTime).map((t) => {
      const x = this.x(t);
      return `<line class="axis" x1="${x}" x2="${x}" y1="${TOP}" y2="${BOTTOM}"/><text x="${x}" y="${BOTTOM + 16}" text-anchor="middle">${timeLabel(t)}</text>`;
    });
    const horizontal = ticks(this.lowest, this.highest).map((s) => {
      const y = this.y(s);
      return `<line class="axis" x1="${LEFT}" x2="${RIGHT}" y1="${y}" y2="${y}"/><text x="${LEFT - 6}" y="${y + 4}" text-anchor="end">${s}</text>`;
    });
    return vertical.join('') + horizontal.join('');
  }
}

const round = (v: number): number => Math.round(v * 10) / 10;

/** Four to eight round numbers from `low` to `high`. */
function ticks(low: number, high: number): number[] {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough) ?? rough;
  const list: number[] = [];
  for (let v = Math.ceil(low / step) * step; v <= high; v += step) list.push(Math.round(v));
  return list;
}

function timeLabel(microseconds: number): string {
  if (microseconds >= 1e6 || microseconds === 0) return `${Number((microseconds / 1e6).toFixed(3))} s`;
  return `${Number((microseconds / 1e3).toFixed(3))} ms`;
}
