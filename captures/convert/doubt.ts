// What decides about a host's packets though no capture tells it: named in a script's head, and as the reason where it does not
// pass.

import { carriesData } from '../replay/recording.js';
import type { Situation } from '../replay/situation.js';
import { paces } from './told.js';

/** As often as this data goes the other way than before it where both sides send at once, rather than ask and answer. */
const MANY_TURNS = 20;
/** Segments of a side beyond which it is no dialogue in small pieces. */
const MANY_SEGMENTS = 40;
/** Turns closer than this did not wait for each other. µs */
const AT_ONCE = 1_000;

/** Notes; none: nothing of the kind. */
export function doubtsOf(situation: Situation): string[] {
  const list: string[] = [];
  if (paces(situation))
    list.push(
      'a timer let its packets go: its congestion control is taken to be BBR, whose rates follow microseconds that are not told',
    );
  if (bothAtOnce(situation))
    list.push(
      'data in both directions at once: microseconds that are not told decide which acknowledgments went by themselves',
    );
  return list;
}

function bothAtOnce({ recording }: Situation): boolean {
  const counts: [number, number] = [0, 0];
  let turns = 0;
  let last: { readonly direction: number; readonly time: number } | null = null;
  for (const p of recording.packets) {
    if (p.kind !== 'tcp' || !carriesData(p)) continue;
    counts[p.direction]++;
    if (last !== null && last.direction !== p.direction && p.time - last.time < AT_ONCE) turns++;
    last = p;
  }
  return turns >= MANY_TURNS && Math.min(...counts) >= MANY_SEGMENTS;
}
