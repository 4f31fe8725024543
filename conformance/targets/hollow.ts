// A target without a stack behind it: calls answer as a socket's would at first sight, time is a number, no packet ever
// leaves by itself. The silent and the echo target are made of it; it proves that scripts can fail.

import {
  type CallResult,
  type CapturedPacket,
  type PendingCall,
  type Target,
  TargetUnsupported,
} from './target.js';

const O_NONBLOCK = 0x800;
const SOCK_NONBLOCK = 0x800;
const F_GETFL = 3;
const F_SETFL = 4;
const MSG_DONTWAIT = 0x40;

interface HollowFd {
  flags: number;
}

export class HollowTarget implements Target {
  readonly name: string = 'hollow';
  readonly virtual: boolean = true;
  readonly wallEpoch = 0;
  protected time = 0;
  protected readonly outgoing: CapturedPacket[] = [];
  private readonly fds = new Map<number, HollowFd>();
  private nextFd = 3;

  now(): number {
    return this.time;
  }

  advance(until: number): number {
    if (this.outgoing.length === 0) this.time = Math.max(this.time, until);
    return this.time;
  }

  call(name: string, args: readonly unknown[]): PendingCall {
    const result = this.answer(name, args);
    return { result, returnedAt: result ? this.time : Number.NaN };
  }

  inject(_packet: Uint8Array): void {}

  take(): CapturedPacket[] {
    return this.outgoing.splice(0);
  }

  info(_fd: number): Record<string, number> {
    return {};
  }

  command(_text: string, _where: { file: string; line: number }): void {}

  close(): void {
    this.fds.clear();
  }

  /** Null: the call never returns. */
  private answer(name: string, args: readonly unknown[]): CallResult | null {
    const fd = this.fds.get(args[0] as number);
    switch (name) {
      case 'socket':
        return this.open((args[1] as number) & SOCK_NONBLOCK ? O_NONBLOCK | 2 : 2);
      case 'epoll_create':
      case 'epoll_create1':
      case 'open':
        return this.open(2);
      case 'pipe':
        return { value: 0, out: [[this.open(0).value, this.open(1).value]] };
      case 'close':
        this.fds.delete(args[0] as number);
        return { value: 0 };
      case 'fcntl':
        if (args[1] === F_GETFL) return { value: fd?.flags ?? 2 };
        if (args[1] === F_SETFL && fd) fd.flags = args[2] as number;
        return { value: 0 };
      case 'connect':
        return fd && fd.flags & O_NONBLOCK ? { value: -1, errno: 'EINPROGRESS' } : null;
      case 'accept':
      case 'accept4':
      case 'read':
      case 'readv':
        return this.wait(fd, 0);
      case 'recv':
      case 'recvfrom':
        return this.wait(fd, args[3] as number);
      case 'recvmsg':
        return this.wait(fd, args[2] as number);
      case 'write':
      case 'send':
      case 'sendto':
        return { value: args[2] as number };
      case 'writev':
      case 'sendmsg': {
        const iov = name === 'writev' ? (args[1] as Uint8Array[]) : (args[1] as { iov: Uint8Array[] }).iov;
        return { value: iov.reduce((sum, b) => sum + (b?.length ?? 0), 0) };
      }
      case 'getsockopt':
        return { value: 0, out: [new Uint8Array(args[3] as number)] };
      case 'ioctl':
        return { value: 0, out: [0] };
      case 'poll':
        return { value: 0, out: [(args[0] as unknown[]).map(() => 0)] };
      case 'epoll_wait':
        return { value: 0, out: [[]] };
      case 'cap_set':
        throw new TargetUnsupported('capabilities');
      default:
        return { value: 0, out: [{ family: 2, address: '0.0.0.0', port: 0 }] };
    }
  }

  private open(flags: number): CallResult {
    const value = this.nextFd++;
    this.fds.set(value, { flags });
    return { value };
  }

  private wait(fd: HollowFd | undefined, flags: number): CallResult | null {
    const nonBlocking = (fd && fd.flags & O_NONBLOCK) || flags & MSG_DONTWAIT;
    return nonBlocking ? { value: -1, errno: 'EAGAIN' } : null;
  }
}
