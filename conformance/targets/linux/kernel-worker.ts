// Thread A of the linux target: owns a network namespace with one TUN device, waits in real time, and passes system calls
// on to thread B. Everything in the namespace ends with the thread.
import { parentPort, workerData } from 'node:worker_threads';
import { unshareNetwork } from '../../../stack/link/linux/namespace.js';
import { NativeMemory } from '../../../stack/link/linux/native-memory.js';
import { EventFd, POLLIN, PollSet } from '../../../stack/link/linux/poll.js';
import { posix } from '../../../stack/link/linux/posix.js';
import { becomeRealTime } from '../../../stack/link/linux/scheduling.js';
import { errnoName } from '../../language/symbols.js';
import { helperFileReader, Shell } from '../../shell/index.js';
import type { CallReply } from './caller.js';
import { CallerLink } from './caller-link.js';
import { ScriptDevice } from './device.js';
import { type KernelSetup, PRIORITY, type Reply, type Request, type WirePacket } from './messages.js';
import { LinuxShellHost } from './shell-host.js';
import { decodeMemInfo, decodeTcpInfo } from './tcp-info.js';

const SOL_SOCKET = 1;
const SO_MEMINFO = 55;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const TCP_CONGESTION = 13;
const SOCK_STREAM = 1;
const SOCK_TYPE_MASK = 0xf;
/** Below this many µs a wait spins: poll(2) rounds to milliseconds. */
const SPIN = 1500;
/** Longest stay in poll, ms: a thread inside a system call cannot be ended, so it comes out now and then. */
const SLICE = 100;

class Kernel {
  private readonly setup: KernelSetup;
  private readonly device: ScriptDevice;
  private readonly bell = new EventFd();
  private readonly caller: CallerLink;
  private readonly poll: PollSet;
  private readonly memory = new NativeMemory(1 << 16);
  private readonly host: LinuxShellHost;
  private readonly shell: Shell;
  private packets: WirePacket[] = [];
  private returned: CallReply | null = null;
  private notes: string[] = [];

  constructor(setup: KernelSetup) {
    this.setup = setup;
    unshareNetwork();
    this.device = new ScriptDevice(setup.addresses);
    this.caller = new CallerLink(this.bell);
    if (becomeRealTime(PRIORITY.kernel) === null)
      this.notes.push('no real-time priority (CAP_SYS_NICE): times depend on how busy the machine is');
    this.poll = new PollSet([
      { fd: this.device.fd, events: POLLIN },
      { fd: this.bell.fd, events: POLLIN },
    ]);
    this.host = new LinuxShellHost(setup.congestionControl, helperFileReader(setup.file));
    this.shell = new Shell(this.host);
  }

  /** Target time, µs. */
  private readonly now = (): number => Number(process.hrtime.bigint()) / 1e3 - this.setup.origin;

  async handle(request: Request): Promise<Partial<Reply>> {
    switch (request.op) {
      case 'call':
        this.call(request.name, request.args);
        return {};
      case 'advance':
        this.advance(request.until);
        return {};
      case 'inject':
        this.device.write(request.packet, request.segmentSize);
        return {};
      case 'info':
        return { info: this.info(request.fd) };
      case 'command':
        this.shell.runOrFail(request.text, { file: request.file, line: request.line });
        return {};
      case 'close':
        await this.caller.stop();
        this.device.close();
        this.bell.close();
        this.memory.free();
        return {};
    }
  }

  /** What has happened since the last reply. */
  takeNews(): Pick<Reply, 'packets' | 'returned' | 'notes'> {
    this.drain();
    const news = { packets: this.packets, returned: this.returned, notes: this.notes };
    this.packets = [];
    this.returned = null;
    this.notes = [];
    return news;
  }

  private call(name: string, args: readonly unknown[]): void {
    this.returned = this.caller.start({ name, args: name === 'open' ? this.opening(args) : args });
    const fd = this.returned?.result?.value ?? -1;
    if (name === 'socket' && fd >= 0 && ((args[1] as number) & SOCK_TYPE_MASK) === SOCK_STREAM) {
      this.setCongestionControl(fd);
    }
  }

  /** A file that the script's commands made is no file of the host's: its bytes go along. */
  private opening([path, flags]: readonly unknown[]): readonly unknown[] {
    const { files } = this.shell;
    const bytes = files.owns(path as string) ? files.read(path as string) : undefined;
    return bytes === undefined ? [path, flags] : [path, flags, bytes];
  }

  private setCongestionControl(fd: number): void {
    const name = this.host.congestionControl;
    this.memory.reset();
    const at = this.memory.put(new TextEncoder().encode(name));
    const { errno } = posix(
      'setsockopt',
      fd,
      IPPROTO_TCP,
      TCP_CONGESTION,
      this.memory.pointer(at),
      name.length,
    );
    this.notes.push(
      errno === undefined
        ? `socket ${fd}: congestion control ${name}`
        : `socket ${fd}: no congestion control ${name}: ${errnoName(errno)}`,
    );
  }

  /** Waits until target time `until`, a packet, or the return of a call. */
  private advance(until: number): void {
    for (;;) {
      this.drain();
      if (this.packets.length > 0 || this.returned !== null) return;
      const left = until - this.now();
      if (left <= 0) return;
      this.poll.wait(left > SPIN ? Math.min(SLICE, Math.floor((left - SPIN / 2) / 1e3)) : 0);
    }
  }

  private drain(): void {
    for (let packet = this.device.read(this.now); packet !== null; packet = this.device.read(this.now)) {
      this.packets.push(packet);
    }
    this.bell.clear();
    this.returned ??= this.caller.poll();
  }

  private info(fd: number): Record<string, number> {
    const tcp = this.option(fd, IPPROTO_TCP, TCP_INFO, 512);
    const memory = this.option(fd, SOL_SOCKET, SO_MEMINFO, 64);
    return { ...(tcp && decodeTcpInfo(tcp)), ...(memory && decodeMemInfo(memory)) };
  }

  private option(fd: number, level: number, name: number, room: number): Uint8Array | null {
    this.memory.reset();
    const at = this.memory.alloc(room);
    const length = this.memory.alloc(4);
    this.memory.view.setInt32(length, room, true);
    const result = posix('getsockopt', fd, level, name, this.memory.pointer(at), this.memory.pointer(length));
    return result.value < 0
      ? null
      : this.memory.bytes.slice(at, at + this.memory.view.getInt32(length, true));
  }
}

let kernel: Kernel | null = null;
parentPort!.on('message', async ({ id, request }: { id: number; request: Request }) => {
  let reply: Partial<Reply> = {};
  try {
    kernel ??= new Kernel(workerData as KernelSetup);
    reply = await kernel.handle(request);
  } catch (error) {
    reply = { error: { message: (error as Error).message, code: (error as { code?: string }).code } };
  }
  const closing = request.op === 'close';
  const news = closing || kernel === null ? { packets: [], returned: null, notes: [] } : kernel.takeNews();
  parentPort!.postMessage({ id, ...news, ...reply });
  if (closing) parentPort!.close();
});
