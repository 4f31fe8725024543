// A call that blocks, as a promise: for programs that run beside Node's event loop. Knows nothing of calls beyond their result.
import type { PendingCall } from './types.js';

/** Resolves with what the call returns, ≥ 0 or -errno. Never rejects. */
export function returnOf(call: PendingCall): Promise<number> {
  return new Promise((resolve) => call.onReturn(resolve));
}
