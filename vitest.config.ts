import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts', 'test/conformance/**/*.test.ts'],
    // Two cores: more workers only contend.
    maxWorkers: 2,
    // Modules are loaded once in each worker, which saves a third of the time: no test may leave anything in one.
    isolate: false,
    testTimeout: 60_000,
  },
});
