// Which of a call's arguments the kernel fills: they cross a thread boundary as copies, and must come back.
import type { ReceiveMessage } from '../call-forms.js';

export function receiveArrays(name: string, args: readonly unknown[]): (Uint8Array | null)[] {
  switch (name) {
    case 'read':
    case 'recv':
    case 'recvfrom':
      return [args[1] as Uint8Array | null];
    case 'readv':
      return args[1] as (Uint8Array | null)[];
    case 'recvmsg':
      return (args[1] as ReceiveMessage).iov;
    default:
      return [];
  }
}
