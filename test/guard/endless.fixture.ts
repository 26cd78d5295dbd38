import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { it } from 'vitest';

it('starts what outlives it, as an engine does, and waits', async () => {
  const { pid } = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore', env: {} });
  writeFileSync(process.env['LLMOPS_GUARD_FIXTURE'] ?? '', String(pid));
  await new Promise(() => {});
});
