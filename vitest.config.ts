import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    // The addon and ONNX Runtime are native: each file gets a process of its own.
    pool: 'forks',
    // Most of a run is waiting: for programs that tests start, for threads, for the disk.
    maxWorkers: '100%',
    // Of machines that do other things too.
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});
