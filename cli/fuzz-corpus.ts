// `netchannel fuzz --corpus` and `--distill`: the inputs that runs start from (fuzz/corpus).

import { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from './exit.js';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** Two takers of one thread's coverage take it from each other. */
function watched(): boolean {
  if (!process.env.NODE_V8_COVERAGE) return false;
  process.stderr.write(
    'netchannel fuzz: NODE_V8_COVERAGE is set, and the corpus needs the coverage itself\n',
  );
  return true;
}

/** Every input of the corpus, or of some targets': it passes, and it reaches what it is kept for. */
export async function checkCorpus(names: readonly string[]): Promise<number> {
  const { CORPUS, CoverageProbe, checkEntry, loadTarget, readCorpus, TARGET_NAMES } = await import(
    '../fuzz/index.js'
  );
  if (watched()) return EXIT_USAGE;
  const probe = new CoverageProbe();
  let passed = 0;
  let failed = 0;
  for (const name of names.length > 0 ? names : TARGET_NAMES) {
    await loadTarget(name); // an unknown name is told
    for (const entry of readCorpus(CORPUS, name)) {
      const failure = await checkEntry(entry, probe);
      if (failure === undefined) passed++;
      else failed++;
      print(failure === undefined ? `passed  ${entry.path}` : `failed  ${entry.path}: ${failure}`);
    }
  }
  probe.close();
  print(`${passed} passed, ${failed} failed, 0 skipped`);
  return failed > 0 ? EXIT_FAILED : EXIT_OK;
}

export async function distillCorpus(names: readonly string[], seed: number, time: number): Promise<number> {
  const { CORPUS, distill, TARGET_NAMES } = await import('../fuzz/index.js');
  if (watched()) return EXIT_USAGE;
  print(`seed ${seed}`);
  for (const name of names.length > 0 ? names : TARGET_NAMES) {
    const kept = await distill(name, {
      folder: CORPUS,
      seed,
      time: time * 1000,
      clock: () => performance.now(),
      onKept: (path) => print(`kept    ${path}`),
    });
    print(`${name}: ${kept} more`);
  }
  return EXIT_OK;
}
