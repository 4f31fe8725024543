// Tests run compiled code from dist/, so that workers and child processes load the very same files and
// coverage has one set of lines (see CONTRIBUTING.md, "Tests and coverage").
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['dist/**/*.test.js'],
    pool: 'forks',
    setupFiles: ['./test/setup.js'],
    server: { deps: { external: [/\/dist\//] } },
    // A limit for what hangs, on a busy machine as well; no test is decided by how long it takes.
    testTimeout: 120_000,
  },
});
