// Differences from the running kernel that stay, each with its reason: the one table, read by people and by the campaign.
// A row is narrow: what it does not describe is told.

import type { Divergence } from './compare.js';

export interface Justified {
  readonly what: string;
  readonly reason: string;
  matches(found: Divergence): boolean;
}

const wscale = (text: string): string | undefined => /wscale (\d+)/.exec(text)?.[1];
const without = (text: string, part: RegExp): string =>
  text
    .replace(/^\+\d+ms /, '')
    .replace(/TS val \d+/, 'TS val')
    .replace(part, '');

export const JUSTIFIED: readonly Justified[] = [
  {
    what: 'the SYN-ACK of a simultaneous open offers window scaling to a peer that did not',
    reason:
      'RFC 7323, section 2.2: both sides must send the option, or neither scales. Linux 6.18 keeps its own scale there, so that ' +
      'such a peer sees windows 2^scale times too small.',
    matches: ({ kind, linux, stack }) =>
      kind === 'packet S. options' && wscale(stack) === '0' && wscale(linux) !== undefined,
  },
  {
    what: 'the timestamp of a segment whose ACK is too old is remembered',
    reason:
      'RFC 7323, section 4.3, takes timestamps of acceptable segments only; Linux stores it on its fast path before the ACK is judged.',
    matches: ({ kind, linux, stack }) =>
      /options$/.test(kind) && without(linux, /ecr \d+/) === without(stack, /ecr \d+/),
  },
  {
    what: 'a repetition that begins where a block ends is swallowed by that block and not reported',
    reason:
      'RFC 2883, section 4: a duplicate is to be reported. Which of two overlapping blocks Linux meets first depends on the shape of its tree.',
    matches: ({ kind, linux, stack }) =>
      kind === 'packet . sack options' &&
      without(linux, /sack .*$/) === without(stack, /sack .*$/) &&
      stack.length > linux.length,
  },
  {
    what: 'a TIME-WAIT record announces its window modulo 65,536',
    reason:
      'Linux puts a window of more than 65,535 bytes of a connection without scaling into 16 bits as it is (tcp_v4_timewait_ack), ' +
      'and so shrinks it; RFC 9293, section 3.8.6.2.1, discourages that.',
    matches: ({ kind, linux, stack }) =>
      kind === 'packet . win' &&
      / win 65535\b/.test(stack) &&
      without(linux, / win \d+/) === without(stack, / win \d+/),
  },
  {
    what: 'SIOCOUTQ of a socket whose attempt to connect was given up',
    reason:
      'Linux moves the next number ahead by two for a later connection (tcp_disconnect) and counts these as unacknowledged bytes; ' +
      'tcp(7): SIOCOUTQ is the amount of unsent data, and there is none.',
    matches: ({ kind, linux, stack }) =>
      kind === 'return N [N] / N [N]' && linux === '0 [3]' && stack === '0 [0]',
  },
];

/** The row that a divergence falls under. */
export function justification(found: Divergence): Justified | undefined {
  return JUSTIFIED.find((row) => row.matches(found));
}
