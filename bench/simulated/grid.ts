// The grid of transfers: its cells, the figures to beat, its table as text and what counts as worse than that table.
// Runs nothing itself.

import { GRID_BUFFERS, GRID_LOSSES } from './goodput.js';

/** Sysctls of a table of its own. */
export interface GridProfile {
  readonly name: string;
  readonly title: string;
  readonly sysctls: Readonly<Record<string, string>>;
  /** Must every cell of it beat the published figure? One profile does. */
  readonly competes: boolean;
}

/**
 * smoltcp's test has neither congestion control nor timestamps, so the profile that is compared has neither: like with like,
 * and one for all cells. A sender that halves its window at every loss stands below sqrt(3/2p) segments whatever its recovery
 * (RFC 5348), and BBR pauses to measure the round trip (PROBE_RTT), up to a percent; both are here to show what they cost.
 */
export const GRID_PROFILES: readonly GridProfile[] = [
  {
    name: 'none',
    title: 'No congestion control, no timestamps',
    sysctls: { 'net.ipv4.tcp_congestion_control': 'none', 'net.ipv4.tcp_timestamps': '0' },
    competes: true,
  },
  {
    name: 'bbr',
    title: 'BBR without timestamps',
    sysctls: { 'net.ipv4.tcp_congestion_control': 'bbr', 'net.ipv4.tcp_timestamps': '0' },
    competes: false,
  },
  { name: 'cubic', title: "Linux's defaults: CUBIC with timestamps", sysctls: {}, competes: false },
];

/** Transfers of a cell: chance has no part without loss; ten where a published figure must be beaten. */
export function seedsOf(profile: GridProfile, buffer: number, loss: number): number {
  if (loss === 0) return 1;
  return competes(profile, buffer, loss) ? 10 : 2;
}

/** Must this cell beat a published figure? */
export function competes(profile: GridProfile, buffer: number, loss: number): boolean {
  return profile.competes && published(buffer, loss) !== null;
}

/** Bytes a second that smoltcp's repository publishes (tests/snapshots, one seed), by buffer; columns: GRID_LOSSES. */
const PUBLISHED: Readonly<Record<number, readonly number[]>> = {
  1024: [10238.5, 10023.19, 8340.9, 7084.25, 4003.34, 1869.94, 290.74, 60.92],
  4096: [35062.41, 33859.8, 26937.41, 21886.99, 14073.67, 7870.66, 1603.6, 401.79],
  16384: [161842.28, 159310.62, 127090.53, 104233.16, 55319.33, 27269.28, 7654.51, 1277.32],
  32768: [322944.88, 314779.73, 219670.76, 166587.86, 76626.48, 37774.62, 6079.34, 1156.4],
};

/** The published figure of a cell, null where there is none. */
export function published(buffer: number, loss: number): number | null {
  return PUBLISHED[buffer]?.[GRID_LOSSES.indexOf(loss)] ?? null;
}

/** What a cell must reach: with loss more than the published figure; without, both stand at the window's limit. */
export function beats(goodput: number, buffer: number, loss: number): boolean {
  const figure = published(buffer, loss);
  if (figure === null) return true;
  return loss === 0 ? goodput >= 0.999 * figure : goodput > figure;
}

export interface Cell {
  profile: string;
  buffer: number;
  loss: number;
  seeds: number;
  /** Mean over seeds 1 … `seeds`, bytes a second. */
  goodput: number;
}

const HEAD = 'profile\tbuffer\tloss\tseeds\tgoodput\tpublished';

export function formatTable(cells: readonly Cell[]): string {
  const rows = cells.map(({ profile, buffer, loss, seeds, goodput }) =>
    [profile, buffer, loss, seeds, goodput.toFixed(2), published(buffer, loss) ?? '-'].join('\t'),
  );
  return `${[HEAD, ...rows].join('\n')}\n`;
}

/** Throws RangeError for text that is no such table. */
export function parseTable(text: string): Cell[] {
  const [head, ...rows] = text.trimEnd().split('\n');
  if (head !== HEAD) throw new RangeError(`a table of goodput begins with ${JSON.stringify(HEAD)}`);
  return rows.map((row) => {
    const [profile, ...numbers] = row.split('\t');
    const [buffer, loss, seeds, goodput] = numbers.map(Number);
    if (numbers.length !== 5 || !(goodput > 0)) throw new RangeError(`no cell: ${row}`);
    return { profile, buffer, loss, seeds, goodput };
  });
}

/**
 * Share of the committed goodput that a cell may fall to before that is a regression. Long backoffs make the mean of few
 * transfers wide where much is lost: there any change of the stack moves it.
 */
export function tolerance(loss: number): number {
  if (loss === 0) return 0.99;
  if (loss <= 0.02) return 0.9;
  return loss <= 0.1 ? 0.75 : 0.4;
}

function nameOf({ profile, buffer, loss, goodput }: Cell): string {
  return `${profile}, ${buffer} bytes, ${loss * 100} % loss: ${goodput.toFixed(2)} bytes/s`;
}

/** Complaints about `now`, one a cell: below the published figure (profiles that compete), or well below `before`. */
export function complaints(now: readonly Cell[], before: readonly Cell[]): string[] {
  const found: string[] = [];
  for (const cell of now) {
    const { profile, buffer, loss, goodput } = cell;
    const rules = GRID_PROFILES.find((p) => p.name === profile);
    if (rules !== undefined && competes(rules, buffer, loss) && !beats(goodput, buffer, loss))
      found.push(`${nameOf(cell)}, published ${published(buffer, loss)}`);
  }
  return [...found, ...slower(now, before)];
}

/** Complaints about cells of `now` that are well below `before`, or have no figure there. */
export function slower(now: readonly Cell[], before: readonly Cell[]): string[] {
  const found: string[] = [];
  for (const cell of now) {
    const { profile, buffer, loss, goodput } = cell;
    const old = before.find((b) => b.profile === profile && b.buffer === buffer && b.loss === loss);
    if (old === undefined) found.push(`${nameOf(cell)}, no committed figure`);
    else if (goodput < old.goodput * tolerance(loss))
      found.push(`${nameOf(cell)}, committed ${old.goodput.toFixed(2)}`);
  }
  return found;
}

/** The table for reading. */
export function markdown(cells: readonly Cell[]): string {
  const lines = [
    '# Goodput under loss',
    '',
    'Bytes a second of one transfer of 10 MiB over a simulated network (100 ms round trip, packets lost at random in both',
    'directions, no other limit), in virtual time, from the first SYN to the last byte read. Made by',
    '`node scripts/goodput.mjs --update` with `docs/goodput.tsv`, which names the number of seeds of each mean; nothing in it',
    'depends on the machine.',
    '',
    'The buffer is payload: the sender keeps at most that many unacknowledged bytes in its socket (it asks SIOCOUTQ before',
    'each write), as a socket of smoltcp with buffers of that size does; SO_SNDBUF and SO_RCVBUF count memory, as on Linux,',
    'and are ample. Nagle is off; `tcp_retries2`, `tcp_syn_retries` and `tcp_synack_retries` let retries go on for',
    'ever; `tcp_rto_max_ms` is 60000.',
    'In brackets: the multiple of the figure that smoltcp publishes for its own test of the same shape. CI runs',
    '`node scripts/goodput.mjs --brief`: this table must beat those figures, and one transfer a cell must still agree with it.',
  ];
  const notes: Readonly<Record<string, string>> = {
    none:
      'The figures to beat: the same conditions as the published ones, the same options in every cell. The send buffer and ' +
      'the window are the only limits; losses are repaired as ever.',
    bbr: 'Without loss BBR loses up to a percent to PROBE_RTT.',
    cubic:
      'CUBIC takes every loss for congestion, so its window is bounded by the rate of loss however well losses are repaired; ' +
      "smoltcp's test runs without congestion control. Under 20 % of loss and more, a retransmission timeout doubles up to " +
      'the 60 s, and a duplicate whose ACK was lost is answered with an old timestamp (RFC 7323 section 4.3), which the ' +
      'sender takes for a round trip: timestamps off is the faster setting on such a path.',
  };
  for (const { name, title, sysctls } of GRID_PROFILES) {
    const options = Object.entries(sysctls).map(([key, value]) => `\`${key}=${value}\``);
    lines.push('', `## ${title}`, '', options.length ? `Options: ${options.join(', ')}.` : 'No options.');
    if (notes[name]) lines.push('', notes[name]);
    lines.push('', `| buffer | ${GRID_LOSSES.map((l) => `${+(l * 100).toFixed(1)} %`).join(' | ')} |`);
    lines.push(`|---${'|---:'.repeat(GRID_LOSSES.length)}|`);
    for (const buffer of GRID_BUFFERS) {
      const row = GRID_LOSSES.map((loss) => {
        const cell = cells.find((c) => c.profile === name && c.buffer === buffer && c.loss === loss);
        if (cell === undefined) return '–';
        const figure = published(buffer, loss);
        return `${Math.round(cell.goodput)}${figure === null ? '' : ` (${(cell.goodput / figure).toFixed(2)})`}`;
      });
      lines.push(`| ${buffer} | ${row.join(' | ')} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}
