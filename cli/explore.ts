// `netchannel explore`: interleavings of the shipped lock-free code. The explorer itself is fuzz/explorer; it is loaded
// only here, because it compiles sources and needs the development dependencies.

import { Command, Option } from 'commander';
import type { ExploreOptions } from '../fuzz/explorer/index.js';
import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from './exit.js';
import { integer, seconds } from './numbers.js';

export function exploreCommand(): Command {
  return new Command('explore')
    .description('Explore the interleavings of the shared-memory code')
    .argument('[models...]', 'models (default: all; --list names them)')
    .addOption(new Option('--strategy <name>', 'how schedules are chosen').choices(['random', 'pct', 'dfs']))
    .option('--depth <n>', "PCT's depth, or DFS's bound on preemptions", integer('--depth'))
    .option('--runs <n>', 'schedules per configuration', integer('--runs'))
    .option('--time <seconds>', 'for all configurations together', seconds('--time'))
    .option('--seed <n>', 'of the chooser (default 1)', integer('--seed', 0))
    .option('--schedule <string>', 'replay this one schedule and show its steps')
    .option('--file <folder>', 'file what is found below this folder (fuzz/regressions/explore)')
    .option('--list', 'name the models and end')
    .option('--json', 'one object a line')
    .exitOverride()
    .action(async (models: string[], given: Record<string, unknown>) => {
      process.exitCode = await explore(models, given);
    });
}

async function explore(models: string[], given: Record<string, unknown>): Promise<number> {
  const { modelList, runExplore } = await import('../fuzz/explorer/index.js');
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (given.list) {
    for (const { name, about } of modelList()) print(`${name.padEnd(10)} ${about}`);
    return EXIT_OK;
  }
  const options: ExploreOptions = {
    models,
    json: given.json === true,
    print,
    clock: () => performance.now(),
    ...pick(given, { strategy: 'strategy', depth: 'depth', runs: 'runs', time: 'seconds', seed: 'seed' }),
    ...pick(given, { schedule: 'schedule', file: 'file' }),
  };
  try {
    const summary = await runExplore(options);
    if (given.json) process.stderr.write(`${summary.passed} passed, ${summary.failed} failed, 0 skipped\n`);
    return summary.failed > 0 ? EXIT_FAILED : EXIT_OK;
  } catch (error) {
    // A model, a schedule or an option that makes no sense says so with a code.
    if (!(error instanceof Error) || typeof (error as { code?: unknown }).code !== 'string') throw error;
    process.stderr.write(`netchannel explore: ${error.message}\n`);
    return EXIT_USAGE;
  }
}

/** The members of `given` that are there, under the library's names. */
function pick(
  given: Record<string, unknown>,
  names: Readonly<Record<string, string>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(names)
      .filter(([name]) => given[name] !== undefined)
      .map(([name, as]) => [as, given[name]]),
  );
}
