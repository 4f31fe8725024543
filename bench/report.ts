// What benches print, and how several runs become one row: medians and ranges, never a single lucky run.

export interface BenchRow {
  bench: string;
  case: string;
  value: number;
  unit: string;
  /** Who stands beside it; absent when nobody does. */
  peer?: string;
  peerValue?: number;
  /** Ours by theirs, more is better: the median of the pairs' ratios. */
  ratio?: number;
  runs: number;
  min: number;
  max: number;
  /** Why a peer is missing, or what the reader should know. */
  note?: string;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function percentile(sorted: ArrayLike<number>, p: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))];
}

const round = (n: number) => Number(n.toPrecision(4));

/** One row from our runs and, pair by pair, a peer's. More is better unless `lessIsBetter`. */
export function row(
  bench: string,
  name: string,
  unit: string,
  ours: readonly number[],
  peer?: { name: string; values: readonly number[] },
  options: { lessIsBetter?: boolean; note?: string } = {},
): BenchRow {
  const result: BenchRow = {
    bench,
    case: name,
    value: round(median(ours)),
    unit,
    runs: ours.length,
    min: round(Math.min(...ours)),
    max: round(Math.max(...ours)),
  };
  if (peer) {
    result.peer = peer.name;
    if (peer.values.length > 0) {
      result.peerValue = round(median(peer.values));
      const pairs = ours.slice(0, peer.values.length);
      const ratios = pairs.map((v, i) => (options.lessIsBetter ? peer.values[i] / v : v / peer.values[i]));
      result.ratio = round(median(ratios));
    }
  }
  if (options.note) result.note = options.note;
  return result;
}

/** A row as a person reads it. */
export function textOf(r: BenchRow): string {
  const head = `${r.bench} ${r.case}`.padEnd(52);
  const value = `${r.value} ${r.unit} [${r.min}–${r.max}], ${r.runs} runs`;
  const peer = r.peer
    ? r.ratio !== undefined
      ? `; ${r.peer} ${r.peerValue}, ratio ${r.ratio}`
      : `; ${r.peer}: none`
    : '';
  return `${head} ${value}${peer}${r.note ? ` (${r.note})` : ''}`;
}
