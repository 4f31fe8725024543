// `sysctl`: reads and sets kernel parameters, of the target.

import { type BuiltIn, badArguments, type CommandContext } from '../command.js';
import { HostRefusal, ShellError } from '../errors.js';
import { sysctlName, sysctlPath } from '../sysctl-names.js';
import { isFreebsdSysctl } from './freebsd.js';

interface Flags {
  quiet: boolean;
  valuesOnly: boolean;
  namesOnly: boolean;
  ignoreUnknown: boolean;
  write: boolean;
}

/** Options come anywhere; `name=value` sets, a bare name shows. */
export const sysctl: BuiltIn = (context) => {
  const flags: Flags = {
    quiet: false,
    valuesOnly: false,
    namesOnly: false,
    ignoreUnknown: false,
    write: false,
  };
  const names: string[] = [];
  for (const arg of context.args) {
    if (arg.startsWith('-') && arg.length > 1) readFlag(context, flags, arg);
    else names.push(arg);
  }
  if (names.length === 0) throw badArguments(context, 'a name is needed');
  let status = 0;
  for (const name of names) {
    const equals = name.indexOf('=');
    if (flags.write && equals < 0) throw badArguments(context, `'${name}' must be of the form name=value`);
    const ok = equals < 0 ? show(context, flags, name) : assign(context, flags, name, equals);
    if (!ok) status = 255;
  }
  return status;
};

function readFlag(context: CommandContext, flags: Flags, arg: string): void {
  const long: Readonly<Record<string, string>> = {
    '--quiet': 'q',
    '--write': 'w',
    '--values': 'n',
    '--names': 'N',
    '--ignore': 'e',
  };
  for (const letter of arg.startsWith('--') ? (long[arg] ?? '?') : arg.slice(1)) {
    if (letter === 'q') flags.quiet = true;
    else if (letter === 'w') flags.write = true;
    else if (letter === 'n') flags.valuesOnly = true;
    else if (letter === 'N') flags.namesOnly = true;
    else if (letter === 'e') flags.ignoreUnknown = true;
    else throw badArguments(context, `option '${arg}' is not supported`);
  }
}

function show(context: CommandContext, flags: Flags, written: string): boolean {
  const name = sysctlName(written);
  return refusable(context, flags, name, () => {
    const value = context.host.getSysctl(name);
    if (flags.quiet && !flags.valuesOnly) return;
    context.out(flags.valuesOnly ? `${value}\n` : flags.namesOnly ? `${name}\n` : `${name} = ${value}\n`);
  });
}

function assign(context: CommandContext, flags: Flags, text: string, equals: number): boolean {
  const name = sysctlName(text.slice(0, equals).trim());
  const value = text.slice(equals + 1).trim();
  return refusable(context, flags, name, () => {
    context.host.setSysctl(name, value);
    if (!flags.quiet) context.out(flags.valuesOnly ? `${value}\n` : `${name} = ${value}\n`);
  });
}

/** Reports a refusal as sysctl does; an unknown name is no failure with -e. */
function refusable(context: CommandContext, flags: Flags, name: string, action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof HostRefusal)) throw error;
    if (error.errno === 'ENOENT') {
      if (flags.ignoreUnknown) return true;
      if (isFreebsdSysctl(name)) {
        throw new ShellError('LACKING', `FreeBSD's sysctl ${name}`, context.place, context.name);
      }
      context.err(`sysctl: cannot stat ${sysctlPath(name)}: No such file or directory\n`);
    } else context.err(`sysctl: setting key "${name}": ${error.message}\n`);
    return false;
  }
}
