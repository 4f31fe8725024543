// What suites have a small Python helper for: set kernel files given as PATH=VALUE, and leave behind a shell
// script that sets them back. The shell runs no Python, so a Python helper is taken for this one, and only when
// every argument has that form; anything else is refused.

import { type BuiltIn, badArguments } from '../command.js';
import { ShellError } from '../errors.js';

const FILE = /^\/(?:proc\/sys|sys\/module)\/[^=]+$/;

/** The script that restores: its name carries the id of the process that runs the script, as `$PPID` says it. */
export function restoreScriptPath(processId: string): string {
  return `/tmp/sysctl_restore_${processId}.sh`;
}

export const setSysctlsHelper: BuiltIn = (context) => {
  const settings = context.args.map((arg) => {
    const equals = arg.indexOf('=');
    const path = equals < 0 ? arg : arg.slice(0, equals);
    if (equals < 0 || !FILE.test(path)) {
      throw new ShellError(
        'UNKNOWN_COMMAND',
        `'${context.name}': a Python helper can only be run to set kernel files, and '${arg}' is no /proc/sys/NAME=VALUE`,
        context.place,
        context.name,
      );
    }
    return { path, value: arg.slice(equals + 1) };
  });
  if (settings.length === 0) throw badArguments(context, 'a /proc/sys/NAME=VALUE is needed');
  const lines = ['#!/bin/bash'];
  let status = 0;
  for (const { path, value } of settings) {
    const old = context.readFile(path);
    if (old === null) {
      context.err(`cat: ${path}: No such file or directory\n`);
      return 1;
    }
    lines.push(`echo "${old.trim()}" > ${path}`);
    // The helper sets with echo and does not look whether it worked; the target's answer is kept all the same.
    if (!context.writeFile(path, `${value}\n`, false)) status = 1;
  }
  context.files.writeText(restoreScriptPath(context.variable('PPID')), `${lines.join('\n')}\n`);
  return status;
};
