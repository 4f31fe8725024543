// Commands on files: virtual ones below /tmp, and what the target shows below /proc and /sys/module.

import { type BuiltIn, badArguments, type CommandContext, integerArgument } from '../command.js';

const MAX_DD_BYTES = 16 * 1024 * 1024;

export const echo: BuiltIn = (context) => {
  let args = [...context.args];
  let newline = '\n';
  let escapes = false;
  while (args[0] !== undefined && /^-[neE]+$/.test(args[0])) {
    if (args[0].includes('n')) newline = '';
    escapes = args[0].includes('e');
    args = args.slice(1);
  }
  const text = args.join(' ');
  context.out((escapes ? unescapeText(text) : text) + newline);
  return 0;
};

function unescapeText(text: string): string {
  const letters: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', 0: '\0' };
  return text.replace(/\\([ntr\\0])/g, (_whole, letter: string) => letters[letter]!);
}

/** `%s`, `%d` and `%%`, the format used again while arguments are left. */
export const printf: BuiltIn = (context) => {
  const [format, ...args] = context.args;
  if (format === undefined) throw badArguments(context, 'a format is needed');
  let next = 0;
  const once = () =>
    unescapeText(format).replace(/%([sdi%])/g, (_whole, letter: string) => {
      if (letter === '%') return '%';
      const value = args[next++] ?? '';
      return letter === 's' ? value : String(Math.trunc(Number(value || '0')));
    });
  do {
    const before = next;
    context.out(once());
    if (next === before) break;
  } while (next < args.length);
  return 0;
};

export const cat: BuiltIn = (context) => {
  const paths = context.args.filter((arg) => arg !== '-');
  if (paths.length === 0) context.out(context.stdin);
  let status = 0;
  for (const path of paths) {
    const text = context.readFile(path);
    if (text === null) {
      context.err(`cat: ${path}: No such file or directory\n`);
      status = 1;
    } else context.out(text);
  }
  return status;
};

/** Options as letters, the rest as paths that must be virtual. */
function pathsAndLetters(context: CommandContext, allowed: string): { letters: string; paths: string[] } {
  let letters = '';
  const paths: string[] = [];
  for (const arg of context.args) {
    if (arg.startsWith('-') && arg.length > 1 && arg !== '--') {
      for (const letter of arg.slice(1)) {
        if (!allowed.includes(letter)) throw badArguments(context, `option '${arg}' is not supported`);
      }
      letters += arg.slice(1);
    } else if (arg !== '--') {
      if (!context.files.owns(arg)) throw badArguments(context, `'${arg}' is outside /tmp`);
      paths.push(arg);
    }
  }
  if (paths.length === 0) throw badArguments(context, 'a file is needed');
  return { letters, paths };
}

export const rm: BuiltIn = (context) => {
  const { letters, paths } = pathsAndLetters(context, 'frRv');
  let status = 0;
  for (const path of paths) {
    const removed = /[rR]/.test(letters) ? context.files.removeTree(path) : context.files.remove(path);
    if (!removed && !letters.includes('f')) {
      context.err(`rm: cannot remove '${path}': No such file or directory\n`);
      status = 1;
    }
  }
  return status;
};

export const mkdir: BuiltIn = (context) => {
  const { letters, paths } = pathsAndLetters(context, 'p');
  let status = 0;
  for (const path of paths) {
    if (context.files.isDirectory(path) && !letters.includes('p')) {
      context.err(`mkdir: cannot create directory '${path}': File exists\n`);
      status = 1;
    } else context.files.makeDirectory(path);
  }
  return status;
};

export const touch: BuiltIn = (context) => {
  for (const path of pathsAndLetters(context, '').paths) {
    if (context.files.read(path) === undefined) context.files.write(path, new Uint8Array(0));
  }
  return 0;
};

/** Virtual files have no modes: every script below /tmp can be run. The file must exist, though. */
export const chmod: BuiltIn = (context) => {
  const [mode, ...paths] = context.args;
  if (mode === undefined || paths.length === 0) throw badArguments(context, 'a mode and a file are needed');
  for (const path of paths) {
    if (!context.files.owns(path)) throw badArguments(context, `'${path}' is outside /tmp`);
    if (context.files.read(path) === undefined) {
      context.err(`chmod: cannot access '${path}': No such file or directory\n`);
      return 1;
    }
  }
  return 0;
};

/** `dd if=/dev/zero|FILE of=FILE bs=N count=N`; status= and conv= change nothing here. */
export const dd: BuiltIn = (context) => {
  const operands = new Map<string, string>();
  for (const arg of context.args) {
    const equals = arg.indexOf('=');
    const name = arg.slice(0, equals);
    if (equals < 0 || !['if', 'of', 'bs', 'count', 'status', 'conv'].includes(name)) {
      throw badArguments(context, `operand '${arg}' is not supported`);
    }
    operands.set(name, arg.slice(equals + 1));
  }
  const from = operands.get('if');
  const to = operands.get('of');
  if (from === undefined || to === undefined) throw badArguments(context, 'if= and of= are needed');
  const blockSize = sizeOperand(context, operands.get('bs') ?? '512', 'bs');
  const count = operands.has('count') ? integerArgument(context, operands.get('count'), 'count') : null;
  let bytes: Uint8Array;
  if (from === '/dev/zero') {
    if (count === null) throw badArguments(context, 'count= is needed with /dev/zero');
    if (count * blockSize > MAX_DD_BYTES) throw badArguments(context, `more than ${MAX_DD_BYTES} bytes`);
    bytes = new Uint8Array(count * blockSize);
  } else {
    const content = context.files.read(from);
    if (content === undefined)
      throw badArguments(context, `'${from}' is neither /dev/zero nor a file of the script`);
    bytes = count === null ? content : content.slice(0, count * blockSize);
  }
  if (!context.files.owns(to)) throw badArguments(context, `'${to}' is outside /tmp`);
  context.files.write(to, bytes);
  return 0;
};

function sizeOperand(context: CommandContext, text: string, what: string): number {
  const found = /^([0-9]+)([kKMG]?)$/.exec(text);
  if (found === null) throw badArguments(context, `${what} needs a size, not '${text}'`);
  return Number(found[1]) * ({ k: 1024, K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[found[2]!] ?? 1);
}
