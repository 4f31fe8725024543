// `netchannel bench`: the project's parts beside their peers, one row a case. The benches are bench/; they are loaded only
// here, because their peers are development dependencies.

import { Command } from 'commander';
import { EXIT_OK, EXIT_USAGE } from './exit.js';
import { integer } from './numbers.js';

export function benchCommand(): Command {
  return new Command('bench')
    .description('Measure side by side with peers')
    .argument('[names...]', 'benches (default: all; --list names them)')
    .option(
      '--runs <n>',
      'alternating runs of each pair (default 9, the least for figures that are quoted)',
      integer('--runs'),
    )
    .option('--flows <n>', "flows of the table's main rows (default 1,000,000)", integer('--flows'))
    .option('--scale <share>', 'share of the usual work of the cases of ring and tcp', Number)
    .option('--rigtorp <folder>', 'folder with rigtorp/SPSCQueue.h for the C++ ceiling')
    .option('--list', 'name the benches and end')
    .option('--json', 'one object a line: bench, case, value, unit, peer, peerValue, ratio, runs, min, max')
    .exitOverride()
    .action(async (names: string[], given: Record<string, unknown>) => {
      process.exitCode = await bench(names, given);
    });
}

async function bench(names: string[], given: Record<string, unknown>): Promise<number> {
  const { BENCHES, runBench } = await import('../bench/index.js');
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (given.list) {
    for (const name of BENCHES) print(name);
    return EXIT_OK;
  }
  const { scale } = given;
  if (scale !== undefined && !((scale as number) > 0)) {
    process.stderr.write('netchannel bench: --scale needs a number above 0\n');
    return EXIT_USAGE;
  }
  const chosen = ['runs', 'flows', 'scale', 'rigtorp'].filter((name) => given[name] !== undefined);
  try {
    await runBench({
      ...(names.length > 0 ? { names } : {}),
      ...Object.fromEntries(chosen.map((name) => [name, given[name]])),
      json: given.json === true,
      print,
    });
    return EXIT_OK;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'BENCH_OPTION') throw error;
    process.stderr.write(`netchannel bench: ${(error as Error).message}\n`);
    return EXIT_USAGE;
  }
}
