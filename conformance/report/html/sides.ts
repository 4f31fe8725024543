// The packets of a run by sender: what one side of one connection sent, and what the other side said about it. Numbers
// are the script's; a window is scaled once both ends have said how.

import type { PacketRecord } from '../../runner/result.js';

export interface Side {
  readonly flow: number;
  readonly direction: 'in' | 'out';
  readonly segments: PacketRecord[];
  readonly acks: { time: number; value: number }[];
  /** Right edge of the window that the other side offers. */
  readonly window: { time: number; value: number }[];
  readonly sacks: { time: number; left: number; right: number }[];
}

const SYN = 2;
const ACK = 16;
const HALF = 0x8000_0000;

/** TCP of a known connection with numbers that make sense on an axis. */
export function isDrawable(p: PacketRecord): boolean {
  return p.tcp !== null && p.flow >= 0 && p.tcp.sequence < HALF;
}

/** Sides that sent data, a SYN, FIN or RST, or something wrong. */
export function sidesOf(packets: readonly PacketRecord[]): Side[] {
  const sides: Side[] = [];
  const flows = [...new Set(packets.map((p) => p.flow))];
  for (const flow of flows) {
    for (const direction of ['out', 'in'] as const) {
      const side = sideOf(packets, flow, direction);
      if (side.segments.some((p) => p.tcp!.length > 0 || p.fate === 'differs')) sides.push(side);
    }
  }
  return sides;
}

function sideOf(packets: readonly PacketRecord[], flow: number, direction: 'in' | 'out'): Side {
  const side: Side = { flow, direction, segments: [], acks: [], window: [], sacks: [] };
  const other = packets.filter((p) => p.flow === flow && p.direction !== direction);
  const scale = scaleOf(other);
  for (const p of packets) {
    if (p.flow === flow && p.direction === direction) side.segments.push(p);
  }
  for (const p of other) {
    const { flags, ack, window, sack } = p.tcp!;
    if (!(flags & ACK) || ack >= HALF) continue;
    side.acks.push({ time: p.time, value: ack });
    const offered = flags & SYN ? window : window * 2 ** scale;
    side.window.push({ time: p.time, value: ack + offered });
    for (const [left, right] of sack) side.sacks.push({ time: p.time, left, right });
  }
  return side;
}

/** Window scale in the SYN of one side; 0 without. */
function scaleOf(packets: readonly PacketRecord[]): number {
  const syn = packets.find((p) => p.tcp!.flags & SYN);
  return Number(/wscale (\d+)/.exec(syn?.text ?? '')?.[1] ?? 0);
}
