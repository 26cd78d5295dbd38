import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** A run of one test that never ends, guarded as the real one is. */
export default defineConfig({
  root: join(import.meta.dirname, '../..'),
  test: {
    include: ['test/guard/endless.fixture.ts'],
    globalSetup: 'test/guard/setup.ts',
    setupFiles: 'test/guard/mark.ts',
    testTimeout: 0,
  },
});
