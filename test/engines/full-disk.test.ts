import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TRIAGED, triage } from './real/clients.ts';
import { freePort } from './real/ports.ts';
import { until } from './real/proc.ts';
import { flat, makeRig, type Rig } from './real/rig.ts';

/** Room for the state of one stack: little enough to fill it in a moment. */
const SIZE = '2m';

/** Some containers let nobody mount, root neither; null: here it can be done. */
function whyNoMount(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'llmops-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'pipe' });
    execFileSync('umount', [folder]);
    return null;
  } catch (error) {
    return `nothing can be mounted here: ${String((error as { readonly stderr?: unknown }).stderr ?? error).trim()}`;
  } finally {
    rmdirSync(folder);
  }
}
const skipped = whyNoMount();

let rig: Rig;
let port: number;
beforeAll(async () => {
  if (skipped !== null) return;
  rig = await makeRig({ files: ['F16'] });
  port = await freePort();
  mkdirSync(rig.stateDir, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},mode=700`, 'tmpfs', rig.stateDir]);
});
afterAll(async () => {
  if (skipped !== null) return;
  rmSync(join(rig.stateDir, 'filler'), { force: true });
  await rig.ok('down', '-y');
  execFileSync('umount', [rig.stateDir]);
  await rig.end();
});

/** Takes every byte that is left. */
function fill(): void {
  const file = openSync(join(rig.stateDir, 'filler'), 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  } finally {
    closeSync(file);
  }
}

const declare = (context: number, args = '') =>
  rig.declare({ desk: `source: file:desk-F16.gguf, context: ${context}, options: { port: ${port}${args} }` });

/** Applies while the disk fills up as a step begins; returns all that was said. */
async function applyAndFillAt(op: string): Promise<string> {
  const running = rig.start('apply', '-y');
  await until(() => running.text().includes(`▸ ${op} desk`) || running.isOver());
  fill();
  const { stdout, stderr } = await running.ended;
  return flat(stdout + stderr);
}

describe.skipIf(skipped !== null)(
  `A disk that fills up while a model is swapped${skipped === null ? '' : ` (skipped: ${skipped})`}`,
  () => {
    it.each(['withdraw', 'drain', 'stop', 'start', 'probe', 'publish', 'record'])(
      'as %s begins: clients are served, and down works',
      async (op) => {
        await declare(512);
        await rig.ok('apply', '-y');
        await declare(256);
        const said = await applyAndFillAt(op);
        expect(said).not.toMatch(/internal|this is a bug|Running models were left/);
        expect(await triage(`http://127.0.0.1:${port}`), said).toEqual(TRIAGED);
        expect(rig.endpoint()?.url).toBe(`http://127.0.0.1:${port}`);
        await rig.ok('down', '-y');
        expect(rig.processes()).toEqual([]);
        rmSync(join(rig.stateDir, 'filler'));
      },
    );

    it('what served before is put back if the new copy does not come up', async () => {
      await declare(512);
      await rig.ok('apply', '-y');
      await declare(512, ', args: [--rope-scaling, sideways]');
      expect(await applyAndFillAt('stop')).toContain('put back to what served before');
      expect(await triage(`http://127.0.0.1:${port}`)).toEqual(TRIAGED);
    });
  },
);
