// Exit statuses of every verb.

/** Nothing failed. */
export const EXIT_OK = 0;
/** Something failed that was there to be tested. */
export const EXIT_FAILED = 1;
/** It was asked wrongly: usage, a file that is missing, a script that cannot be parsed. */
export const EXIT_USAGE = 2;

/** What a user did wrong, said in one line. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
