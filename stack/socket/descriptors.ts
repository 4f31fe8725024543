// The descriptor table: small integers to open files, the lowest free one first, as POSIX has it. 0 to 2 are taken by
// convention (a program's standard streams), so that the first socket is 3 as in every script and manual.
import { FD_CLOEXEC } from './constants.js';
import { EBADF, EMFILE } from './errno.js';
import type { OpenFile } from './file.js';

export class DescriptorTable {
  private readonly files: (OpenFile | null)[] = [];
  private readonly descriptorFlags: number[] = [];
  private readonly first: number;
  private readonly max: number;
  private lowestFree: number;
  private count = 0;

  constructor(max: number, first = 3) {
    this.first = first;
    this.max = max;
    this.lowestFree = first;
  }

  get size(): number {
    return this.count;
  }

  /** Descriptors in use, ascending. */
  list(): number[] {
    const list: number[] = [];
    for (let fd = this.first; fd < this.files.length; fd++) if (this.files[fd]) list.push(fd);
    return list;
  }

  get(fd: number): OpenFile | null {
    return this.files[fd] ?? null;
  }

  /** Installs at the lowest free number that is at least `from`; -EMFILE. */
  install(file: OpenFile, closeOnExec: boolean, from = 0): number {
    let fd = Math.max(from, this.lowestFree);
    while (this.files[fd]) fd++;
    if (fd >= this.max) return -EMFILE;
    while (this.files.length <= fd) this.files.push(null);
    this.files[fd] = file;
    this.descriptorFlags[fd] = closeOnExec ? FD_CLOEXEC : 0;
    if (fd === this.lowestFree) this.lowestFree = fd + 1;
    file.references++;
    this.count++;
    return fd;
  }

  /** Takes the descriptor out of the table: the file (whose reference the caller now owns), or null. */
  remove(fd: number): OpenFile | null {
    const file = this.files[fd] ?? null;
    if (file === null) return null;
    this.files[fd] = null;
    this.count--;
    if (fd < this.lowestFree) this.lowestFree = fd;
    return file;
  }

  getFlags(fd: number): number {
    return this.files[fd] ? this.descriptorFlags[fd] : -EBADF;
  }

  setFlags(fd: number, flags: number): number {
    if (!this.files[fd]) return -EBADF;
    this.descriptorFlags[fd] = flags & FD_CLOEXEC;
    return 0;
  }
}
