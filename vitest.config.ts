import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Two projects: `unit` needs Node alone, `engines` needs the real programs that `npm run test:engines` installs. */
export default defineConfig({
  test: {
    // Its default leaves a core to the runner, which needs none. Most tests wait for processes, so one more than there are cores.
    maxWorkers: availableParallelism() + 1,
    globalSetup: 'test/guard/setup.ts',
    setupFiles: 'test/guard/mark.ts',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: ['test/engines/**'],
          // A limit is for what hangs: far above what the slowest test takes on two cores that are busy with five times as much.
          // Files that need more say so (test/guard/patience.ts).
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'engines',
          include: ['test/engines/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
