import { lstatSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { controlPath } from '../../src/control/path.ts';
import { schemaErrors } from '../cli/stage.ts';
import { takesMinutes } from '../guard/patience.ts';
import { newHome, until } from './home.ts';

takesMinutes();

const mode = (path: string): number => lstatSync(path).mode & 0o777;

describe('llmops up follows a file', () => {
  it('applies it at its start and with every edit; what is not valid leaves what serves, is told once, and the next good one comes by itself', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' });
    const daemon = await home.up();
    await home.settles('chat 256 serving');
    home.declare({ chat: 'context: 512' });
    await home.settles('chat 512 serving');

    home.declare({ chat: 'context: many' });
    const invalid = await home.told('revision.invalid');
    expect(invalid.message).toMatch(/^The file cannot be applied: .* \(llmops\.yaml:7\)\. What was applied before stays\.$/);
    await until('a reason', async () => (await home.picture())?.stalled.length === 1);
    expect((await home.llmops('reconcile')).stdout).toMatch(/Looking\. .*context/s);
    expect(home.copies()).toEqual(['chat 512 serving']);

    home.declare({ chat: 'context: 1024' });
    await home.settles('chat 1024 serving');
    expect((await home.events()).filter(({ type }) => type === 'revision.invalid')).toHaveLength(1);
    expect((await home.picture())?.stalled).toEqual([]);
    expect(daemon.text()).toContain('The file cannot be applied');
  });

  it('under the name that it began with; a file that has that name again is followed again, though its bytes are no news', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' });
    await home.up();
    await home.settles('chat 256 serving');
    const good = home.read('llmops.yaml');
    home.write('llmops.yaml', good.replace(/^name: .*/m, 'name: other'));
    expect((await home.told('revision.invalid')).message).toContain('names the stack other now');
    home.write('llmops.yaml', good);
    await until('no trouble', async () => (await home.picture())?.stalled.length === 0, home.picture);
  });

  it('starts by what was applied last where the file is broken, and a file that is gone is told and survived', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' });
    expect((await home.llmops('apply', '-y')).code).toBe(0);
    const [before] = home.engines.realm('one').instances.values();
    home.write('llmops.yaml', 'version: 1\nmodels: [');
    const daemon = await home.up('--state-dir', home.stateDir);
    await home.told('revision.invalid');
    expect([...home.engines.realm('one').instances.values()]).toEqual([before]);
    const { rmSync } = await import('node:fs');
    rmSync(`${home.dir}/llmops.yaml`);
    expect((await home.told('source.unavailable')).message).toMatch(/llmops\.yaml.*What runs is kept as it is\.$/);
    home.declare({ chat: 'context: 512' });
    await home.told('source.available');
    await home.settles('chat 512 serving');
    daemon.kill('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
  });

  it('looks as often as the file says now; where it listens it has read at its start, and says so', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' }, 'daemon: { probe: 1h }\n');
    await home.up();
    await home.settles('chat 256 serving');
    home.declare({ chat: 'context: 256' }, 'daemon: { probe: 1s, webhook: { listen: 127.0.0.1:1 } }\n');
    expect((await home.told('daemon.outdated')).message).toBe(
      'daemon.webhook was edited since llmops up began, and counts when it is started anew.',
    );
    expect((await home.llmops('status')).stdout).toContain('daemon.webhook was edited; it counts after a restart of llmops up');
    await until('the round that the file asked for', async () => (await home.picture())?.phase === 'idle');
    for (const one of home.engines.realm('one').instances.values()) one.loaded = { ...one.loaded, context: 999 };
    await home.told('drift.found'); // in its old rhythm it would come in an hour
    await home.settles('chat 256 serving');
    home.declare({ chat: 'context: 256' }, 'daemon: { probe: 1s }\n');
    await until('the same as at its start', async () => (await home.picture())?.outdated.length === 0);
  });

  it('has nothing to do with a stack that is named otherwise now', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' });
    await home.up();
    await home.settles('chat 256 serving');
    home.write('llmops.yaml', home.read('llmops.yaml').replace('name: desk', 'name: other').replace('256', '512'));
    const { message } = await home.told('revision.invalid');
    expect(message).toContain('names the stack other now, and what runs belongs to desk.');
    home.declare({ chat: 'context: 1024' });
    await home.settles('chat 1024 serving');
  });
});

describe('Who asks a daemon', () => {
  it('gets its events, what comes, and what it is at; nobody else can open its socket', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256' });
    const daemon = await home.up();
    await home.settles('chat 256 serving');
    expect([mode(home.stateDir), mode(controlPath(home.stateDir))]).toEqual([0o700, 0o600]);

    const following = home.start('events', '-f');
    await following.says('is in force');
    home.declare({ chat: 'context: 512' });
    await following.says('Generation 2 is in force');
    await home.settles('chat 512 serving');

    const status = await home.llmops('status');
    expect(status.stdout).toContain(`pid ${daemon.pid}`);
    expect(status.stdout).toContain('1 of 1 ready');
    const document = JSON.parse((await home.llmops('status', '--json')).stdout) as object;
    expect(schemaErrors('status', document)).toEqual([]);
    expect(document).toMatchObject({ daemon: { pid: daemon.pid, phase: 'idle', follows: 'llmops.yaml' } });

    const lines = (await home.llmops('events', '-n', '3')).stdout.trimEnd().split('\n');
    expect([lines.length, lines.at(-1)?.includes('Generation 2 is in force')]).toEqual([3, true]);
    expect((await home.llmops('events', '--json', '-n', '1')).stdout).toMatch(/^\{"type":"version".*\n\{"at".*"run\.finished".*\n$/);

    daemon.kill('SIGTERM');
    expect((await daemon.ended).code).toBe(0);
    const followed = await following.ended;
    expect([followed.code, followed.stderr]).toEqual([0, 'The daemon has ended.\n']);
    expect(followed.stdout).toMatch(/llmops up ends\. The engines go on running\.\n$/);
    expect(home.copies()).toEqual(['chat 512 serving']);
    const nobody = await home.llmops('events', '-f');
    expect([nobody.code, nobody.stderr.includes('No daemon runs for this stack.')]).toEqual([1, true]);
  });

  it('is not left with an error of ours when it is killed', async () => {
    const home = await newHome();
    home.declare({ chat: '' });
    const daemon = await home.up();
    const following = home.start('events', '-f');
    await following.says('is in force');
    daemon.kill('SIGKILL');
    const { code, stderr } = await following.ended;
    expect([code, stderr]).toEqual([0, 'The daemon has ended.\n']);
  });

  it('in vain reads that one runs where none does', async () => {
    const home = await newHome();
    home.declare({ chat: '' });
    for (const verb of [['reconcile'], ['approve']]) {
      const { code, stderr } = await home.llmops(...verb);
      expect([code, stderr]).toEqual([1, expect.stringContaining('No daemon runs for this stack.')]);
    }
    expect((await home.llmops('suspend')).stdout).toContain('the next `llmops up` heeds it');
  });
});

describe('One stack has one keeper', () => {
  it('a second `up`, and `apply --supervise`, are told who that is; and the other way round', async () => {
    const home = await newHome();
    home.declare({ chat: '' });
    const daemon = await home.up();
    await home.settles(...home.copies());
    for (const verb of [['up'], ['apply', '-y', '--supervise']]) {
      const { code, stderr } = await home.llmops(...verb);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`looked after already by pid ${daemon.pid}`)]);
    }
    daemon.kill('SIGINT');
    expect((await daemon.ended).code).toBe(130);
    const supervisor = home.start('apply', '-y', '--supervise');
    await supervisor.says('Supervising');
    expect((await home.llmops('up')).stderr).toContain(`looked after already by pid ${supervisor.pid}`);
    supervisor.kill('SIGKILL');
    await supervisor.ended;
    await home.up();
  });
});
