// Reads what a script was called with. `--help` prints the comment that the script begins with; what it does not know is
// an error with the comment's lines of usage, exit status 2.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** The comment at the head of the script that runs, without its slashes. */
function headOfScript() {
  const lines = readFileSync(process.argv[1], 'utf8').split('\n');
  if (lines[0].startsWith('#!')) lines.shift();
  return lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith('//')),
  );
}

/** A whole number from `least` on that an option or argument called `name` says; anything else ends the script. */
export function wholeNumber(name, text, least = 1) {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least && text.trim() !== '') return number;
  console.error(`${name}: expected a whole number from ${least} on, not '${text}'`);
  process.exit(2);
}

/** `options` and `allowPositionals` as parseArgs of node:util takes them; returns its values and positionals. */
export function readArguments(options = {}, allowPositionals = false) {
  const head = headOfScript().map((line) => line.replace(/^\/\/ ?/, ''));
  let read;
  try {
    read = parseArgs({
      options: { ...options, help: { type: 'boolean', short: 'h', default: false } },
      allowPositionals,
    });
  } catch (error) {
    // parseArgs says more in the sentences that follow, which is about how to write a file name that looks like an option.
    console.error(
      `${error.message.split('. ')[0]}\n${head.filter((line) => line.startsWith('  ')).join('\n')}`,
    );
    process.exit(2);
  }
  if (read.values.help) {
    console.log(head.join('\n'));
    process.exit(0);
  }
  return read;
}
