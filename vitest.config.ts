import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/unit/**/*.test.ts', 'test/conformance/**/*.test.ts'],
    // Two cores: more workers only contend.
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
