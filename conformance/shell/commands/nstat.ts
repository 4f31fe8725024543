// `nstat`: counters that changed since the last time it was asked in this script.

import { type BuiltIn, badArguments } from '../command.js';

/** Where the values of the last time are kept, as nstat keeps a history file. */
const HISTORY = '/tmp/.nstat.u0';

/** `-n` only remembers, `-a` shows absolute values, `-z` zeros too, `-s` does not remember, `-r` forgets. */
export const nstat: BuiltIn = (context) => {
  let letters = '';
  const patterns: RegExp[] = [];
  for (const arg of context.args) {
    if (arg.startsWith('-')) {
      if (!/^-[nazsrq]+$/.test(arg)) throw badArguments(context, `option '${arg}' is not supported`);
      letters += arg.slice(1);
    } else {
      const source = arg
        .replace(/[.+^${}()|[\]\\]/g, '\\$&')
        .replace(/\*+/g, '.*')
        .replace(/\?/g, '.');
      patterns.push(new RegExp(`^${source}$`));
    }
  }
  const has = (letter: string) => letters.includes(letter);
  const before: Record<string, number> =
    has('r') || has('a') ? {} : JSON.parse(context.files.readText(HISTORY) ?? '{}');
  const now = context.host.counters();
  if (!has('n')) {
    context.out('#kernel\n');
    for (const [name, value] of Object.entries(now)) {
      const shown = value - (before[name] ?? 0);
      if (shown === 0 && !has('z')) continue;
      if (patterns.length > 0 && !patterns.some((pattern) => pattern.test(name))) continue;
      context.out(`${name.padEnd(31)} ${String(shown).padEnd(18)} 0.0\n`);
    }
  }
  if (!has('s')) context.files.writeText(HISTORY, JSON.stringify(now));
  return 0;
};
