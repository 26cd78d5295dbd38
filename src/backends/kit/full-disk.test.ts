import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLog } from './logs.ts';
import { openRecords } from './records.ts';

let dir = '';
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'llmops-kit-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Runs a script where no file may hold a byte (a limit of the kernel); resolves to what it printed, as JSON. */
async function withoutRoom(script: string): Promise<unknown> {
  const args = ['-c', 'ulimit -f 0; exec "$0" --input-type=module -e "$1" | cat', process.execPath, script];
  const { stdout } = await promisify(execFile)('sh', args);
  return JSON.parse(stdout) as unknown;
}

const at = (file: string): string => new URL(file, import.meta.url).href;

describe('where the disk takes no more bytes', () => {
  it('a record is kept in memory, as the process is its own', async () => {
    const spec = { id: 'chat-1', stack: 's', backend: 'b', model: 'chat', specHash: '1', fields: {}, weights: {}, options: {} };
    const record = { v: 1, type: 't', spec, process: { pid: 1, started: 'x' }, args: [], port: 1, logFile: '/l', startedAt: null };
    const script = `const { openRecords } = await import('${at('records.ts')}');
      const records = openRecords('${dir}');
      records.put(${JSON.stringify({ ...record, wasReady: false })});
      const kept = [records.get('chat-1')?.spec.id, records.list().length, (await import('node:fs')).readdirSync('${dir}/instances')];
      records.remove('chat-1');
      console.log(JSON.stringify([...kept, records.get('chat-1')]));`;
    expect(await withoutRoom(script)).toEqual(['chat-1', 1, [], null]);
  });

  it('the right to start something is given to whoever asks', async () => {
    const script = `const { tryClaim } = await import('${at('claims.ts')}');
      const { systemProcesses } = await import('${at('process-table.ts')}');
      const release = await tryClaim('${dir}', 'chat-1', systemProcesses());
      release?.();
      console.log(JSON.stringify(typeof release));`;
    expect(await withoutRoom(script)).toBe('function');
  });
});

describe('a folder that cannot be used at all', () => {
  it.each([
    ['records', () => openRecords('/dev/null').put({ spec: { id: 'x' } } as never)],
    ['logs', () => openLog('/dev/null/logs/x.log')],
  ])('is told with its reason, as every problem of state is: %s', (_what, use) => {
    expect(use).toThrow(expect.objectContaining({ problem: expect.objectContaining({ code: 'state-not-writable' }) as unknown }) as Error);
  });
});
