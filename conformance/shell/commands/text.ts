// Commands on text and time: grep, sleep.

import { type BuiltIn, badArguments, type CommandContext, timeArgument } from '../command.js';

const MAX_SLEEP = 3600e6;

export const sleep: BuiltIn = (context) => {
  if (context.args.length === 0) throw badArguments(context, 'a time is needed');
  let total = 0;
  for (const arg of context.args) total += timeArgument(context, arg, 1e6, 'sleep');
  if (total > MAX_SLEEP) throw badArguments(context, 'more than an hour');
  context.host.sleep(total);
  return 0;
};

/** `grep [-EFciqvwo] PATTERN [FILE…]`: 0 when a line matched, 1 when none did, 2 when a file is missing. */
export const grep: BuiltIn = (context) => {
  let letters = '';
  let pattern: string | null = null;
  const paths: string[] = [];
  for (const arg of context.args) {
    if (pattern === null && /^-[A-Za-z]+$/.test(arg)) {
      if (!/^-[EFGciqvwohs]+$/.test(arg)) throw badArguments(context, `option '${arg}' is not supported`);
      letters += arg.slice(1);
    } else if (pattern === null) pattern = arg;
    else paths.push(arg);
  }
  if (pattern === null) throw badArguments(context, 'a pattern is needed');
  const matcher = compile(context, pattern, letters);
  const matchAll = new RegExp(matcher.source, `${matcher.flags}g`);
  const has = (letter: string) => letters.includes(letter);
  let missing = false;
  let count = 0;
  for (const path of paths.length === 0 ? [null] : paths) {
    const text = path === null ? context.stdin : context.readFile(path);
    if (text === null) {
      if (!has('s')) context.err(`grep: ${path}: No such file or directory\n`);
      missing = true;
      continue;
    }
    const prefix = paths.length > 1 && !has('h') ? `${path}:` : '';
    const lines = text.replace(/\n$/, '').split('\n');
    let inFile = 0;
    for (const line of text === '' ? [] : lines) {
      const found = matcher.exec(line);
      if ((found !== null) === has('v')) continue;
      inFile++;
      if (has('q') || has('c')) continue;
      // With -o every match has a line of its own; empty ones have none.
      const parts =
        has('o') && found !== null ? (line.match(matchAll) ?? []).filter((part) => part !== '') : [line];
      for (const part of parts) context.out(`${prefix}${part}\n`);
    }
    if (has('c') && !has('q')) context.out(`${prefix}${inFile}\n`);
    count += inFile;
  }
  if (count > 0 && has('q')) return 0;
  return missing ? 2 : count > 0 ? 0 : 1;
};

/**
 * Basic and extended expressions as far as they go without groups and counts: anything more is refused, for a
 * pattern of a stranger must not keep us busy for ever.
 */
function compile(context: CommandContext, pattern: string, letters: string): RegExp {
  const flags = letters.includes('i') ? 'i' : '';
  let source: string;
  if (letters.includes('F')) source = pattern.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  else {
    const extended = letters.includes('E');
    if (pattern.length > 200) throw badArguments(context, 'the pattern is too long');
    const refused = extended ? /[(){}]/ : /\\[({|+?<>1-9]/;
    if (refused.test(pattern))
      throw badArguments(context, `groups and counts are not supported: '${pattern}'`);
    if ((pattern.match(/[*+]/g) ?? []).length > 4) throw badArguments(context, 'too many repetitions');
    // In basic expressions these signs mean themselves.
    source = extended ? pattern : pattern.replace(/[+?(){}|]/g, '\\$&').replace(/^\*/, '\\*');
  }
  try {
    return new RegExp(letters.includes('w') ? `(?<!\\w)(?:${source})(?!\\w)` : source, flags);
  } catch {
    throw badArguments(context, `bad pattern '${pattern}'`);
  }
}
