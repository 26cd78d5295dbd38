import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { linuxProcesses, parseRss, parseStat } from './linux-processes.ts';
import { systemProcesses } from './process-table.ts';
import { parsePs, psProcesses } from './ps-processes.ts';

const PS =
  '  501   1   501  20480 Ss   Mon Nov 24 12:00:05 2026     /opt/llama-server --port 4000 HOME=/Users/a b LLMOPS_INSTANCE={"v":1} LANG=C';

describe('The process table', () => {
  it('finds a child with its arguments, group, mark and environment, until it has ended', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', 'a b'], {
      stdio: 'ignore',
      detached: true,
      env: { LLMOPS_INSTANCE: 'mark', OTHER: 'x=y' },
    });
    await once(child, 'spawn');
    const entry = await systemProcesses().get(child.pid as number);
    expect(entry).toMatchObject({ pid: child.pid, group: child.pid, parent: process.pid, marker: 'mark' });
    expect(entry?.args.at(-1)).toContain('b');
    expect(entry?.env()['OTHER']).toBe('x=y');
    expect((await systemProcesses().list()).some(({ pid, started }) => pid === child.pid && started === entry?.started)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await systemProcesses().get(child.pid as number)).toBeNull();
  });

  it('reads the fields behind a name that looks like fields', () => {
    const rest = `S 7 42 ${Array.from({ length: 16 }, (_, index) => index).join(' ')} 99887 0`;
    expect(parseStat(`42 (evil) Z 1 (x) ${rest}`)).toEqual({ state: 'S', parent: 7, group: 42, threads: 14, startTicks: 99887 });
    expect(parseStat('')).toBeNull();
    expect(parseStat('42 (cut off) S 1')).toBeNull();
  });

  it('keeps a dying process until all of its threads let go: first it loses arguments and mark, then it is a zombie', async () => {
    const root = mkdtempSync(join(tmpdir(), 'llmops-proc-'));
    const write = (state: string, threads: number) =>
      writeFileSync(join(root, '42', 'stat'), `42 (x) ${state} 1 42 ${'0 '.repeat(14)}${threads} 0 777 0\n`);
    try {
      mkdirSync(join(root, '42'));
      for (const name of ['environ', 'cmdline']) writeFileSync(join(root, '42', name), '');
      write('R', 3);
      expect(await linuxProcesses(root).get(42)).toMatchObject({ pid: 42, marker: null, args: [], started: 'unknown-boot:777' });
      write('Z', 3);
      expect(await linuxProcesses(root).list()).toHaveLength(1);
      write('Z', 1);
      expect(await linuxProcesses(root).get(42)).toBeNull();
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it('reads resident memory in KiB as bytes', () => {
    expect(parseRss('Name:\tx\nVmRSS:\t    2048 kB\n')).toBe(2 * 2 ** 20);
    expect(parseRss('Name:\tkthreadd\n')).toBeNull();
  });

  it('reads the output of ps, where there is no /proc', () => {
    expect(parsePs(`${PS}\n`)[0]).toMatchObject({
      pid: 501,
      parent: 1,
      group: 501,
      marker: '{"v":1}',
      started: 'Mon Nov 24 12:00:05 2026',
    });
    expect(parsePs(PS)[0]?.args.slice(0, 3)).toEqual(['/opt/llama-server', '--port', '4000']);
    expect(parsePs(PS)[0]?.memoryBytes()).toBe(20480 * 1024);
  });

  it('is never empty: a machine that does not tell is an error', async () => {
    const root = mkdtempSync(join(tmpdir(), 'llmops-proc-'));
    await expect(linuxProcesses(root).list()).rejects.toThrow('lists no process');
    rmSync(root, { recursive: true });
    await expect(linuxProcesses(root).list()).rejects.toThrow('ENOENT');
    vi.stubEnv('PATH', root);
    await expect(psProcesses().list()).rejects.toThrow('ENOENT');
    await expect(psProcesses().get(process.pid)).rejects.toThrow('ENOENT');
    vi.unstubAllEnvs();
  });

  it('leaves zombies and lines of another form out', () => {
    expect(parsePs(PS.replace(' Ss ', ' Z+ '))).toEqual([]);
    expect(parsePs('PID COMMAND\n\n???')).toEqual([]);
  });
});
