#!/usr/bin/env node
// The command line: one file a verb. It parses arguments and sets the exit status; everything else is the library's.

import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { benchCommand } from './bench.js';
import { conformCommand } from './conform.js';
import { convertCommand } from './convert.js';
import { EXIT_USAGE, UsageError } from './exit.js';
import { exploreCommand } from './explore.js';
import { fuzzCommand } from './fuzz.js';
import { peersCommand } from './peers.js';
import { replayCommand } from './replay.js';
import { statsCommand } from './stats.js';
import { streamsCommand } from './streams.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const program = new Command('netchannel')
  .description('A user-space TCP/IP stack on network channels: conformance, fuzzing and replay')
  .version(version)
  .showSuggestionAfterError()
  .showHelpAfterError('(run it with --help for what there is)')
  .exitOverride();

program.addCommand(conformCommand());
program.addCommand(replayCommand());
program.addCommand(convertCommand());
program.addCommand(streamsCommand());
program.addCommand(statsCommand());
program.addCommand(exploreCommand());
program.addCommand(peersCommand());
program.addCommand(fuzzCommand());
program.addCommand(benchCommand());

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else if (error instanceof UsageError) {
    process.stderr.write(`netchannel: ${error.message}\n`);
    process.exitCode = EXIT_USAGE;
  } else if ((error as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND') {
    // fuzz, explore and bench stand on development dependencies, which an installed package has not.
    process.stderr.write(
      `netchannel: this verb works in a checkout of the project (npm ci): ${(error as Error).message}\n`,
    );
    process.exitCode = EXIT_USAGE;
  } else {
    process.stderr.write(
      `netchannel: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = EXIT_USAGE;
  }
}
