import { vi } from 'vitest';

/** For files in which one test runs dozens of real processes, or checks thousands of documents: a busy machine takes long for it. */
export function takesMinutes(): void {
  vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
}
