// The sysctls under which a batch of programs is played: the kernel's defaults, but for a few by chance.

import * as fc from 'fast-check';

export type Sysctls = Readonly<Record<string, string>>;

/** Nothing of one connection is to be remembered for the next; and the buffers' sizes, which Linux takes from the machine's memory. */
export const SYSCTLS: Sysctls = {
  'net.ipv4.tcp_no_metrics_save': '1',
  'net.ipv4.tcp_rmem': '4096 131072 6291456',
  'net.ipv4.tcp_wmem': '4096 16384 4194304',
};

/** Name under net.ipv4, default, what else it may be. */
const CHOICES: readonly (readonly [name: string, usual: string, ...others: string[]])[] = [
  ['tcp_rmem', '4096 131072 6291456', '4096 20000 60000', '4096 4000 1000000'],
  ['tcp_wmem', '4096 16384 4194304', '4096 4096 50000', '4096 200000 400000'],
  ['tcp_abort_on_overflow', '0', '1'],
  ['tcp_autocorking', '1', '0'],
  ['tcp_comp_sack_nr', '44', '0', '2'],
  ['tcp_dsack', '1', '0'],
  ['tcp_early_retrans', '3', '0'],
  ['tcp_ecn', '2', '0', '1'],
  ['tcp_fin_timeout', '60', '1'],
  ['tcp_frto', '2', '0'],
  ['tcp_invalid_ratelimit', '500', '0', '10'],
  ['tcp_limit_output_bytes', '4194304', '4096'],
  ['tcp_min_tso_segs', '2', '1', '8'],
  ['tcp_moderate_rcvbuf', '1', '0'],
  ['tcp_mtu_probing', '0', '1', '2'],
  ['tcp_notsent_lowat', '4294967295', '4000'],
  ['tcp_orphan_retries', '0', '1'],
  ['tcp_recovery', '1', '0', '3', '5'],
  ['tcp_reordering', '3', '1', '10'],
  ['tcp_retrans_collapse', '1', '0'],
  ['tcp_retries2', '15', '3'],
  ['tcp_rfc1337', '0', '1'],
  ['tcp_rto_min_us', '200000', '20000'],
  ['tcp_sack', '1', '0'],
  ['tcp_shrink_window', '0', '1'],
  ['tcp_slow_start_after_idle', '1', '0'],
  ['tcp_stdurg', '0', '1'],
  ['tcp_syncookies', '1', '0', '2'],
  ['tcp_syn_retries', '6', '1'],
  ['tcp_synack_retries', '5', '1'],
  ['tcp_thin_linear_timeouts', '0', '1'],
  ['tcp_timestamps', '1', '0', '2'],
  ['tcp_tso_win_divisor', '3', '0', '1'],
  ['tcp_window_scaling', '1', '0'],
  ['tcp_workaround_signed_windows', '0', '1'],
];

/** Every one of them as it is by default: what a batch before this one changed goes back. */
export const USUAL: Sysctls = Object.fromEntries(CHOICES.map(([name, usual]) => [`net.ipv4.${name}`, usual]));

/** Up to three that are not as usual; one batch in three has none. */
export const surroundings: fc.Arbitrary<Sysctls> = fc
  .oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.subarray([...CHOICES], { minLength: 1, maxLength: 3 }) },
  )
  .chain((picked) =>
    fc.tuple(...picked.map(([name, , ...others]) => fc.tuple(fc.constant(name), fc.constantFrom(...others)))),
  )
  .map((pairs) => ({
    ...SYSCTLS,
    ...Object.fromEntries(pairs.map(([name, value]) => [`net.ipv4.${name}`, value])),
  }));
