// What commands and redirections read and write by path: virtual files, sysctls, module parameters, /proc.

import { HostRefusal } from './errors.js';
import type { ShellHost } from './host.js';
import { sysctlNameOfPath } from './sysctl-names.js';
import type { VirtualFiles } from './virtual-files.js';

/** What a path says, or null when there is nothing that a script may read. */
export function readPath(host: ShellHost, files: VirtualFiles, path: string): string | null {
  if (path === '/dev/null') return '';
  if (files.owns(path)) return files.readText(path) ?? null;
  const sysctl = sysctlNameOfPath(path);
  try {
    if (sysctl !== null) return `${host.getSysctl(sysctl)}\n`;
    const parameter = moduleParameterOfPath(path);
    if (parameter !== null) return `${host.getModuleParameter(parameter)}\n`;
  } catch (error) {
    if (error instanceof HostRefusal) return null;
    throw error;
  }
  return path.startsWith('/proc/') ? host.readProcFile(path) : null;
}

/**
 * Writes to a path; false when a script may not write there.
 * @throws HostRefusal when the target says no, VirtualFileError when a script writes too much
 */
export function writePath(
  host: ShellHost,
  files: VirtualFiles,
  path: string,
  text: string,
  append: boolean,
): boolean {
  if (path === '/dev/null') return true;
  const sysctl = sysctlNameOfPath(path);
  const parameter = moduleParameterOfPath(path);
  if (sysctl !== null) host.setSysctl(sysctl, text.trim());
  else if (parameter !== null) host.setModuleParameter(parameter, text.trim());
  else if (!files.owns(path)) return false;
  else if (append) files.append(path, text);
  else files.writeText(path, text);
  return true;
}

/** `tcp_cubic.hystart_detect` for `/sys/module/tcp_cubic/parameters/hystart_detect`; null for other paths. */
function moduleParameterOfPath(path: string): string | null {
  const found = /^\/sys\/module\/([A-Za-z0-9_]+)\/parameters\/([A-Za-z0-9_]+)$/.exec(path);
  return found === null ? null : `${found[1]}.${found[2]}`;
}
