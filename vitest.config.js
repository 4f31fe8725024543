// Tests run compiled code from dist/, so that workers and child processes load the very same files and
// coverage has one set of lines (see CONTRIBUTING.md, "Tests and coverage").
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['dist/**/*.test.js'],
    pool: 'forks',
    setupFiles: ['./test/setup.js'],
    server: { deps: { external: [/\/dist\//] } },
    // For what hangs, never for what is slow: a busy machine runs everything ten times slower.
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
