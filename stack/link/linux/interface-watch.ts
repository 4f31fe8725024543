// What somebody else may do to an interface while a link uses it: another MTU, removal. Looked at once a second, so that no packet
// costs a system call for it.
import { mtuOf } from './interface.js';
import { SystemCallError } from './system-call-error.js';

const INTERVAL = 1e6;

export class InterfaceWatch {
  private readonly name: string;
  private value: number;
  private next = Number.NEGATIVE_INFINITY;

  /** @throws SystemCallError ENODEV: there is no such interface */
  constructor(name: string) {
    this.name = name;
    this.value = mtuOf(name);
  }

  /** As of the last look. */
  get mtu(): number {
    return this.value;
  }

  /** Whoever changes it himself need not wait. */
  set mtu(bytes: number) {
    this.value = bytes;
  }

  /** Looks, if a second has passed since the last time; `now` in µs. @throws SystemCallError ENODEV: it was removed */
  look(now: number): void {
    if (now < this.next) return;
    this.next = now + INTERVAL;
    this.check();
  }

  /** Looks now. @throws as `look` */
  check(): void {
    try {
      this.value = mtuOf(this.name);
    } catch (error) {
      if (!(error instanceof SystemCallError) || error.code !== 'ENODEV') throw error;
      throw interfaceGone(this.name, error.call);
    }
  }
}

/** What a link throws whose interface is not there any more. */
export function interfaceGone(name: string, call: string): SystemCallError {
  const text = `interface ${name} was removed or renamed while a link used it; close the link and open another`;
  return new SystemCallError('ENODEV', call, text);
}
