import { existsSync, lstatSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askStatus } from '../../src/control/client.ts';
import { controlPath } from '../../src/control/path.ts';
import { takesMinutes } from '../guard/patience.ts';
import { newHome, until } from './home.ts';

takesMinutes();

describe('llmops up and the places that it needs', () => {
  it('says which state folder cannot be used', async () => {
    const home = await newHome();
    home.declare({ chat: '' });
    home.write('plain', '');
    for (const dir of ['plain', '/proc/llmops-cannot-be-here']) {
      const { code, stderr } = await home.start('up', '--state-dir', dir).ended;
      expect([code, stderr]).toEqual([1, expect.stringContaining('[state-not-writable]')]);
    }
    expect(home.copies()).toEqual([]);
  });

  it('has its socket elsewhere where the path of the state folder is too long for one', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' });
    const deep = join(home.dir, ...Array.from({ length: 20 }, () => 'deep-down'));
    const daemon = home.start('up', '--state-dir', deep);
    await until('an answer', async () => (await askStatus(deep))?.pid === daemon.pid);
    await home.serves('chat 256 serving');
    const socket = controlPath(deep);
    onTestFinished(() => rmSync(socket, { force: true }));
    expect(socket.startsWith(deep)).toBe(false);
    expect([statSync(dirname(socket)).mode & 0o777, lstatSync(socket).mode & 0o777]).toEqual([0o700, 0o600]);
    daemon.kill('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    expect(existsSync(socket)).toBe(false);
  });

  it('is found by every spelling of that folder: also by a long one, where it began with a short link to it, and the other way round', async () => {
    for (const names of [1, 20]) {
      const home = await newHome();
      home.declare({ chat: 'context: 256' });
      const real = join(home.dir, ...Array.from({ length: names }, () => 'deep-down'));
      const link = join(home.dir, 'l');
      mkdirSync(real, { recursive: true });
      symlinkSync(real, link);
      onTestFinished(() => rmSync(controlPath(real), { force: true }));
      for (const [begun, asked] of [[link, real] as const, [real, link] as const]) {
        const daemon = home.start('up', '--state-dir', begun);
        await until('an answer', async () => (await askStatus(begun))?.pid === daemon.pid);
        expect((await askStatus(asked))?.pid, asked).toBe(daemon.pid);
        expect((await home.llmops('reconcile', '--state-dir', asked)).stdout).toContain('Looking.');
        daemon.kill('SIGTERM');
        await daemon.ended;
      }
    }
  });

  it('takes the place of a dead one, with its socket still there', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' });
    const first = await home.up();
    await home.settles('chat 256 serving');
    first.kill('SIGKILL');
    await first.ended;
    expect(existsSync(controlPath(home.stateDir))).toBe(true);
    expect(await home.picture()).toBeNull();
    await home.up();
    await home.settles('chat 256 serving');
  });

  it('names what lies where its socket is to be, if that is no socket of its own', async () => {
    const home = await newHome();
    home.declare({ chat: '' });
    mkdirSync(controlPath(home.stateDir), { recursive: true });
    const { code, stderr } = await home.start('up').ended;
    expect([code, stderr]).toEqual([1, expect.stringContaining('is a folder, and the control socket is to be there. [control-folder]')]);
    expect(home.copies()).toEqual([]);
  });

  it('goes on though its log cannot be written: a full disk, a folder in its place', async () => {
    for (const [what, block] of [
      ['a full disk', (path: string) => symlinkSync('/dev/full', path)],
      ['a folder', (path: string) => mkdirSync(path)],
    ] as const) {
      const home = await newHome();
      mkdirSync(home.stateDir, { recursive: true });
      block(join(home.stateDir, 'events.ndjson'));
      home.declare({ chat: 'context: 256' });
      const daemon = await home.up();
      await home.settles('chat 256 serving');
      home.declare({ chat: 'context: 512' });
      await home.settles('chat 512 serving');
      expect((await home.llmops('events')).code, what).toBe(0);
      daemon.kill('SIGTERM');
      expect((await daemon.ended).code, what).toBe(0);
    }
  });

  it('closes a line that a crash cut off in its log', async () => {
    const home = await newHome();
    mkdirSync(home.stateDir, { recursive: true });
    writeFileSync(join(home.stateDir, 'events.ndjson'), '{"type":"daemon.started","mess');
    home.declare({ chat: 'context: 256' });
    await home.up();
    await home.settles('chat 256 serving');
    expect((await home.events()).filter(({ type }) => type === 'daemon.started')).toHaveLength(1);
  });
});
