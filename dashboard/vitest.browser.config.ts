import { defineConfig } from 'vitest/config'

// One real server and one browser for all: the tests stand in a row.
export default defineConfig({
  test: {
    include: ['e2e/**/*.test.ts'],
    environment: 'node',
    testTimeout: 60_000,
    hookTimeout: 120_000,
    fileParallelism: false,
  },
})
