// The files that a script makes: kept in memory, for one script, below /tmp only. No disk is touched.

export class VirtualFileError extends Error {
  override readonly name = 'VirtualFileError';
  readonly code: 'FORBIDDEN' | 'LIMIT';

  constructor(code: 'FORBIDDEN' | 'LIMIT', message: string) {
    super(message);
    this.code = code;
  }
}

const ROOTS = ['/tmp', '/var/tmp', '/dev/shm'];
const MAX_FILES = 256;
const MAX_BYTES = 64 * 1024 * 1024;

/** Resolves `.` and `..` and doubled slashes of an absolute path. */
export function normalizePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

export class VirtualFiles {
  private readonly contents = new Map<string, Uint8Array>();
  private readonly directories = new Set<string>(ROOTS);
  private total = 0;

  /** True when a path, as a script writes it, belongs to this file system. */
  owns(path: string): boolean {
    if (!path.startsWith('/')) return false;
    const whole = normalizePath(path);
    return ROOTS.some((root) => whole === root || whole.startsWith(`${root}/`));
  }

  /** The bytes of a file, undefined when there is none. */
  read(path: string): Uint8Array | undefined {
    return this.contents.get(normalizePath(path));
  }

  readText(path: string): string | undefined {
    const bytes = this.read(path);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1');
  }

  /** @throws VirtualFileError for paths elsewhere and when a script writes too much */
  write(path: string, bytes: Uint8Array): void {
    if (!this.owns(path)) throw new VirtualFileError('FORBIDDEN', `'${path}' is outside ${ROOTS.join(', ')}`);
    const whole = normalizePath(path);
    const old = this.contents.get(whole);
    if (old === undefined && this.contents.size >= MAX_FILES) {
      throw new VirtualFileError('LIMIT', `more than ${MAX_FILES} files`);
    }
    this.total += bytes.length - (old?.length ?? 0);
    if (this.total > MAX_BYTES) throw new VirtualFileError('LIMIT', `more than ${MAX_BYTES} bytes in files`);
    this.contents.set(whole, bytes);
  }

  writeText(path: string, text: string): void {
    this.write(path, Buffer.from(text, 'latin1'));
  }

  append(path: string, text: string): void {
    this.writeText(path, (this.readText(path) ?? '') + text);
  }

  /** False when there was no such file. */
  remove(path: string): boolean {
    const whole = normalizePath(path);
    this.total -= this.contents.get(whole)?.length ?? 0;
    return this.contents.delete(whole);
  }

  /** Removes a directory and all below it. */
  removeTree(path: string): boolean {
    const whole = normalizePath(path);
    let found = this.remove(whole) || this.directories.delete(whole);
    for (const name of [...this.contents.keys(), ...this.directories]) {
      if (!name.startsWith(`${whole}/`)) continue;
      this.remove(name);
      this.directories.delete(name);
      found = true;
    }
    return found;
  }

  makeDirectory(path: string): void {
    if (!this.owns(path)) throw new VirtualFileError('FORBIDDEN', `'${path}' is outside ${ROOTS.join(', ')}`);
    if (this.directories.size >= MAX_FILES)
      throw new VirtualFileError('LIMIT', `more than ${MAX_FILES} directories`);
    this.directories.add(normalizePath(path));
  }

  isDirectory(path: string): boolean {
    return this.directories.has(normalizePath(path));
  }

  names(): string[] {
    return [...this.contents.keys()].sort();
  }
}
