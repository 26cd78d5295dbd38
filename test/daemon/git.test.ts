import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askRelease } from '../../src/control/client.ts';
import { stackFile } from '../cli/stage.ts';
import { takesMinutes } from '../guard/patience.ts';
import { ENV, folder, gitAt, repositoryAt, type Repository } from '../source/git/repositories.ts';
import { serve } from '../source/git/web-server.ts';
import { newHome, until, type Home } from './home.ts';
import { processesWith } from './left.ts';

takesMinutes();

const stack = (context: number, git: string, extra = ''): string =>
  stackFile({ chat: `context: ${context}, rollout: { bake: 0s }` }, `daemon: { probe: 1s, git: { ${git} } }\n${extra}`);

/** A home that is a repository of its own, with a first commit. */
async function inRepository(git: string): Promise<{ readonly home: Home; readonly here: Repository }> {
  const home = await newHome();
  const here = repositoryAt(home.dir);
  here.git('init', '-q', '-b', 'main');
  writeFileSync(join(home.dir, '.gitignore'), '*.gguf\n');
  here.commit({ 'llmops.yaml': stack(256, git) });
  return { home, here };
}

/** And a bare repository that it is pushed to, as `origin`. */
async function withRemote(more = ''): Promise<{
  readonly home: Home;
  readonly here: Repository;
  readonly bare: string;
  readonly commit: (context: number, ...flags: string[]) => string;
}> {
  const git = `poll: 1s${more}`;
  const { home, here } = await inRepository(git);
  const bare = join(folder(), 'bare.git');
  gitAt(home.dir, ENV)('init', '-q', '--bare', '-b', 'main', bare);
  gitAt(bare, ENV)('config', 'receive.denyDeleteCurrent', 'ignore');
  here.git('remote', 'add', 'origin', bare);
  here.git('push', '-q', 'origin', 'main');
  const commit = (context: number, ...flags: string[]): string => {
    const made = here.commit({ 'llmops.yaml': stack(context, git) }, ...flags);
    here.git('push', '-q', '--force', 'origin', 'main');
    return made;
  };
  return { home, here, bare, commit };
}

describe('llmops up follows a branch', () => {
  it('of the repository in which it is: what is committed is applied, and what only lies in the work tree is not', async () => {
    const { home, here } = await inRepository('remote: ., poll: 1h');
    await home.up();
    await home.settles('chat 256 serving');
    home.write('llmops.yaml', stack(999, 'remote: ., poll: 1h'));
    const commit = here.commit({ 'llmops.yaml': stack(512, 'remote: ., poll: 1h') });
    await home.settles('chat 512 serving');
    expect(await home.told('run.finished', (event) => event['commit'] === commit)).toMatchObject({ outcome: 'succeeded' });
    expect((await home.llmops('status')).stdout).toContain(`commit ${commit.slice(0, 7)} "change the stack"`);
    home.write('llmops.yaml', stack(999, 'remote: ., poll: 1h'));
    expect((await home.llmops('status')).stdout, 'what lies in the clone is not what is followed').toMatch(/1 of 1 ready/);
    expect((await home.llmops('plan')).stderr.replace(/\s+/g, ' ')).toMatch(
      new RegExp(`follows .*, now at ${commit.slice(0, 7)}; this plan is about llmops\\.yaml as it lies here\\.`),
    );
    const { generations } = JSON.parse((await home.llmops('history', '--json')).stdout) as { generations: readonly object[] };
    expect(generations[0]).toMatchObject({ command: 'llmops up', trigger: 'release' });
  });

  it('of a remote, by asking it: also one that was rewritten, deleted and made anew', async () => {
    const { home, here, commit } = await withRemote();
    await home.up();
    await home.settles('chat 256 serving');
    const second = commit(512);
    await home.settles('chat 512 serving');

    const third = commit(768, '--amend');
    await home.settles('chat 768 serving');
    const rewritten = await home.told('revision.rewritten');
    expect(rewritten).toMatchObject({ from: second, to: third });
    expect(rewritten.message).toContain(`${third.slice(0, 7)} does not go on from ${second.slice(0, 7)}`);

    here.git('push', '-q', 'origin', ':main');
    const gone = await home.told('source.unavailable');
    expect(gone.message).toMatch(/has no branch main\. Push the branch again.*What runs is kept as it is\.$/);
    expect((await home.picture())?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'False', reason: 'GitBranchGone' }),
    );
    expect((await home.llmops('status')).stdout.replace(/\s+/g, ' ')).toContain('→ Push the branch again');
    for (const one of home.engines.realm('one').instances.values()) one.phase = 'failed';
    await home.serves('chat 768 serving');

    commit(1024);
    await home.told('source.available');
    await home.settles('chat 1024 serving');
  });

  it('of a remote that takes the question and never answers: what crashes is started anew meanwhile', async () => {
    const dir = folder();
    const [ssh, hangs, asked] = ['ssh', 'hangs', 'asked'].map((name) => join(dir, name)) as [string, string, string];
    const script = `#!/bin/sh\nfor last; do :; done\n[ ! -e ${hangs} ] || { echo >> ${asked}; exec sleep 600; }\nexec sh -c "$last"\n`;
    writeFileSync(ssh, script, { mode: 0o755 });
    const home = await newHome({ GIT_SSH_COMMAND: ssh });
    const upstream = repositoryAt(join(dir, 'upstream'));
    mkdirSync(upstream.dir);
    upstream.git('init', '-q', '-b', 'main');
    const text = stack(256, `remote: "ssh://git@models.example${upstream.dir}", poll: 1s`);
    upstream.commit({ 'llmops.yaml': text });
    home.write('llmops.yaml', text);
    await home.up();
    await home.settles('chat 256 serving');
    writeFileSync(hangs, '');
    await until('a question that is not answered', () => existsSync(asked));
    for (const one of home.engines.realm('one').instances.values()) one.phase = 'failed';
    await home.serves('chat 256 serving');
    rmSync(hangs);
    upstream.commit({ 'llmops.yaml': text.replace('256', '512') });
    await home.settles('chat 512 serving');
  });

  it('and is what `status` compares with, also where its newest commit needed no run', async () => {
    const { home, here } = await withRemote();
    await home.up();
    await home.settles('chat 256 serving');
    const calm = here.commit({ 'llmops.yaml': stack(256, 'poll: 1s', 'policy: { approve: destructive }\n') });
    here.git('push', '-q', 'origin', 'main');
    await home.told('revision.found', ({ commit: found }) => found === calm);
    await home.settles('chat 256 serving');
    home.write('llmops.yaml', stack(999, 'poll: 1s'));
    const shown = (await home.llmops('status')).stdout;
    expect(shown).toContain('1 of 1 ready');
    expect(shown).not.toContain('999');
    expect(await askRelease(home.stateDir)).toMatchObject({ commit: calm, text: expect.stringContaining('approve: destructive') });
  });

  it('and of a bad commit tells once, with its place; also after the remote was away the picture says so', async () => {
    const { home, here, bare, commit } = await withRemote();
    await home.up();
    await home.settles('chat 256 serving');
    here.commit({ 'llmops.yaml': 'version: 1\nname: desk\nmodels: { chat: { contxt: 1 } }\n' });
    here.git('push', '-q', 'origin', 'main');
    const { message } = await home.told('revision.invalid');
    expect(message).toMatch(/^Commit [0-9a-f]{7} cannot be applied: .*\(llmops\.yaml:\d+\)\./);
    renameSync(bare, `${bare}.away`);
    await home.told('source.unavailable');
    renameSync(`${bare}.away`, bare);
    await home.told('source.available');
    expect((await home.picture())?.stalled).not.toEqual([]);
    commit(512);
    await home.settles('chat 512 serving');
    expect((await home.events()).filter(({ type }) => type === 'revision.invalid')).toHaveLength(1);
  });

  it('and one that must go forward is refused when it does not, also if that happened while no daemon ran', async () => {
    const { home, commit } = await withRemote(', requireFastForward: true');
    const first = await home.up();
    await home.settles('chat 256 serving');
    first.kill('SIGTERM');
    await first.ended;
    commit(512, '--amend');
    await home.up();
    const { message } = await home.told('revision.refused');
    expect(message).toContain('was rewritten');
    expect(home.copies()).toEqual(['chat 256 serving']);
  });
});

describe.skipIf(spawnSync('ssh-keygen', ['-?']).error !== undefined)('With `verify: ssh`', () => {
  it('a commit that is not signed is refused, and a signed one is applied', async () => {
    const { home, here, commit } = await withRemote(', verify: ssh');
    const keys = join(folder(), 'keys');
    mkdirSync(keys);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(keys, 'alice')]);
    const key = execFileSync('cat', [join(keys, 'alice.pub')], { encoding: 'utf8' });
    writeFileSync(join(keys, 'allowed'), `alice@example.org ${key}`);
    here.git('config', 'gpg.ssh.allowedSignersFile', join(keys, 'allowed'));
    here.git('config', 'gpg.format', 'ssh');
    here.git('config', 'user.signingkey', join(keys, 'alice'));
    await home.up();
    expect((await home.told('revision.refused')).message).toMatch(/signed.*What was applied before stays\.$/);
    expect(home.copies()).toEqual([]);
    commit(512, '-S');
    await home.settles('chat 512 serving');
    const bad = commit(1024);
    await home.told('revision.refused', ({ commit: refused }) => refused === bad);
    await until('a reason', async () => (await home.picture())?.stalled.length === 1);
    expect(home.copies()).toEqual(['chat 512 serving']);
  });
});

it('A daemon that is killed while its remote does not answer leaves no git behind', async () => {
  const address = await serve(folder(), { kind: 'silent' });
  const { home } = await inRepository(`remote: "${address}/models.git", poll: 1s`);
  const left = () => processesWith('XDG_STATE_HOME', home.env['XDG_STATE_HOME'] ?? '');
  const daemon = await home.up();
  await until('a git that waits', () => left().length > 3);
  daemon.kill('SIGKILL');
  await daemon.ended;
  await until('the end of all of them', () => left().length === 0, left);
});
