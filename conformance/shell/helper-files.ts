// Reads the helper files that lie beside a script. The one place of the shell that touches a disk, and it only
// reads: regular files, reached by a relative path, within reach of the script's own directory.

import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { HostRefusal } from './errors.js';

/** A helper lies at most this many directories above the script. */
const MAX_UP = 4;
const MAX_BYTES = 256 * 1024;

/**
 * A reader for `ShellHost.readHelperFile`. Paths are taken relative to the directory of `scriptPath`.
 * It returns null when there is no such file and throws HostRefusal (EACCES) for one that is out of reach:
 * absolute paths, more than four directories up, links that lead out of there, huge or special files, and
 * files that are no scripts, that is, do not begin with `#!`.
 */
export function helperFileReader(scriptPath: string): (path: string) => string | null {
  const directory = dirname(realpathOr(scriptPath));
  let top = directory;
  for (let i = 0; i < MAX_UP; i++) top = dirname(top);
  return (path) => {
    const refuse = (why: string) => new HostRefusal('EACCES', `'${path}' may not be read: ${why}`);
    if (path.startsWith('/')) throw refuse('only files beside the script can be run');
    let real: string;
    try {
      real = realpathSync(join(directory, path));
    } catch {
      return null;
    }
    const inside = relative(top, real);
    if (inside.startsWith(`..${sep}`) || inside === '..') throw refuse('it lies too far from the script');
    const status = statSync(real);
    if (!status.isFile()) throw refuse('it is no file');
    if (status.size > MAX_BYTES) throw refuse(`it has more than ${MAX_BYTES} bytes`);
    const text = readFileSync(real, 'utf8');
    if (!text.startsWith('#!')) throw refuse('it is no script (it does not begin with #!)');
    return text;
  };
}

function realpathOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
