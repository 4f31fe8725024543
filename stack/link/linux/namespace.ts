// Network namespaces of a thread (network_namespaces(7)). A namespace that only one thread is in ends with the thread,
// so nothing is left behind even after a crash.
import { checked, libc } from './libc.js';

const CLONE_NEWNET = 0x4000_0000;

/** Moves the calling thread, and no other, into a new network namespace. Needs CAP_SYS_ADMIN. */
export function unshareNetwork(): void {
  checked(
    'unshare(CLONE_NEWNET)',
    libc().unshare(CLONE_NEWNET),
    'a network namespace needs root (CAP_SYS_ADMIN)',
  );
}
