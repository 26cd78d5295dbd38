import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Two projects: `unit` needs Node alone, `engines` needs the real programs that `npm run test:engines` installs. */
export default defineConfig({
  test: {
    // Limits are for what hangs: on a machine that is busy with other things everything takes many times as long.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Its default leaves a core to the runner, which needs none: on two cores that is half of the time.
    maxWorkers: availableParallelism(),
    globalSetup: 'test/guard/setup.ts',
    setupFiles: 'test/guard/mark.ts',
    projects: [
      { extends: true, test: { name: 'unit', include: ['src/**/*.test.ts', 'test/**/*.test.ts'], exclude: ['test/engines/**'] } },
      { extends: true, test: { name: 'engines', include: ['test/engines/**/*.test.ts'], fileParallelism: false } },
    ],
  },
});
