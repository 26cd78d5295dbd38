import { copyFileSync, existsSync, lstatSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askStatus } from '../../src/control/client.ts';
import { controlPath } from '../../src/control/path.ts';
import { stackFile } from '../cli/stage.ts';
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

  it('follows a link to the newest release, and is the same stack there for every verb', async () => {
    const home = await newHome();
    const release = (number: number, context: number): void => {
      mkdirSync(join(home.dir, `releases/${number}`), { recursive: true });
      home.write(`releases/${number}/llmops.yaml`, stackFile({ chat: `context: ${context}, rollout: { bake: 0s }` }));
      copyFileSync(join(home.dir, 'w.gguf'), join(home.dir, `releases/${number}/w.gguf`));
      symlinkSync(`releases/${number}`, join(home.dir, 'current.next'));
      renameSync(join(home.dir, 'current.next'), join(home.dir, 'current'));
    };
    release(1, 256);
    await home.up('-f', 'current/llmops.yaml');
    await home.settles('chat 256 serving');
    release(2, 512);
    await home.settles('chat 512 serving');
    for (const copy of home.engines.realm('one').instances.values()) copy.phase = 'failed';
    await home.settles('chat 512 serving');
    const status = await home.llmops('status', '-f', 'current/llmops.yaml');
    expect([status.stderr, status.stdout]).toEqual(['', expect.stringContaining('1 of 1 ready')]);
    expect((await home.events()).filter(({ type }) => type === 'plan.refused')).toEqual([]);
    expect((await home.llmops('status', '-f', 'releases/1/llmops.yaml')).stderr).toContain('[stack-name-taken]');
  });

  it('follows a file that is mounted as Kubernetes mounts them: the folder before is gone', async () => {
    const home = await newHome();
    const mount = (number: number, ...names: readonly string[]): void => {
      mkdirSync(join(home.dir, `..${number}`));
      home.write(
        `..${number}/llmops.yaml`,
        stackFile(Object.fromEntries(names.map((name) => [name, `context: ${number}00, rollout: { bake: 0s }`]))),
      );
      symlinkSync(`..${number}`, join(home.dir, '..next'));
      renameSync(join(home.dir, '..next'), join(home.dir, '..data'));
      rmSync(join(home.dir, `..${number - 1}`), { recursive: true, force: true });
    };
    mount(1, 'chat', 'embed');
    symlinkSync('..data/llmops.yaml', join(home.dir, 'llmops.yaml'));
    const daemon = await home.up();
    await home.settles('chat 100 serving', 'embed 100 serving');
    mount(2, 'chat');
    await home.settles('chat 200 serving');
    daemon.kill('SIGKILL');
    await daemon.ended;
    mount(3, 'chat');
    await home.up();
    await home.settles('chat 300 serving');
    expect((await home.events()).filter(({ type }) => type === 'plan.parked' || type === 'plan.refused')).toEqual([]);
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
