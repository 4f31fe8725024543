// Which scripts a list of paths means, and which runs they come to: files as they are, folders with every .pkt below.

import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import { type IpVersion, namedVersionInText, versionsFor } from '../runner/presets.js';

export interface ScriptFile {
  /** As it is shown: below the working directory relative to it, else absolute. */
  readonly file: string;
  readonly path: string;
  /** Relative to the folder that was asked for; the name alone when a file was. */
  readonly name: string;
}

export interface PlannedRun extends ScriptFile {
  readonly ipVersion: IpVersion;
}

export interface Discovery {
  readonly scripts: readonly ScriptFile[];
  /** Paths that do not exist or hold no script, with the reason. */
  readonly problems: readonly string[];
}

/** Shown form of a path. */
export function shown(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short.startsWith(`..${sep}`) || short === '..' ? path : short;
}

/** All scripts of `paths`, each once, sorted within a folder. */
export function discover(paths: readonly string[], cwd: string): Discovery {
  const scripts = new Map<string, ScriptFile>();
  const problems: string[] = [];
  const add = (path: string, name: string): void => {
    if (!scripts.has(path)) scripts.set(path, { file: shown(path, cwd), path, name });
  };
  for (const given of paths) {
    const path = resolve(cwd, given);
    const status = statSync(path, { throwIfNoEntry: false });
    if (!status) {
      problems.push(`${given}: no such file or folder`);
    } else if (status.isDirectory()) {
      const found = scriptsBelow(path);
      if (found.length === 0) problems.push(`${given}: no .pkt file in this folder`);
      for (const file of found) add(file, relative(path, file));
    } else {
      add(path, basename(path));
    }
  }
  return { scripts: [...scripts.values()], problems };
}

function scriptsBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.pkt'))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/**
 * The runs of scripts over the versions asked for. A script's name or its own --ip_version line narrows them; a script
 * that names one version is run in that one or not at all.
 */
export function planRuns(scripts: readonly ScriptFile[], versions: readonly IpVersion[]): PlannedRun[] {
  return scripts.flatMap((script) => {
    const named = namedVersionOf(script.path);
    return versionsFor(script.path, versions)
      .filter((v) => named === null || v === named)
      .map((ipVersion) => ({ ...script, ipVersion }));
  });
}

function namedVersionOf(path: string): IpVersion | null {
  try {
    return namedVersionInText(readFileSync(path, 'utf8'));
  } catch {
    // The run itself says what is wrong with the file.
    return null;
  }
}
