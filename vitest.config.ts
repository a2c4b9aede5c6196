import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts'],
    // The addon and ONNX Runtime are native: each file gets a process of its own.
    pool: 'forks',
    // Of machines that do other things too.
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});
