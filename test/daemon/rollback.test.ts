import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stackFile } from '../cli/stage.ts';
import { takesMinutes } from '../guard/patience.ts';
import { ENV, folder, gitAt, repositoryAt } from '../source/git/repositories.ts';
import { newHome, until, type Home } from './home.ts';

takesMinutes();

const PROBE = 'daemon: { probe: 1s }\n';
const STEADY = 'rollout: { bake: 0s }';
const declare = (home: Home, context: number) => home.declare({ chat: `context: ${context}, ${STEADY}` }, PROBE);
const runs = async (home: Home) => (await home.events()).filter(({ type, message }) => type === 'run.finished' && message !== undefined);

/** Two releases, one after the other; the second serves. */
async function twoReleases(): Promise<Home> {
  const home = await newHome();
  declare(home, 256);
  await home.up();
  await home.settles('chat 256 serving');
  declare(home, 512);
  await home.settles('chat 512 serving');
  return home;
}

describe('llmops rollback with a daemon', () => {
  it('goes back, is not undone, and ends with `resume`', async () => {
    const home = await twoReleases();
    const back = await home.llmops('rollback', '-y', '--reason', 'answers in French.');
    expect([back.code, back.stderr]).toEqual([0, '']);
    expect(back.stdout).toMatch(/Going back to generation 1, by \S+: answers in French\.\n/);
    expect(home.copies()).toEqual(['chat 256 serving']);
    expect((await home.llmops('history')).stdout.replace(/\s+/g, ' ')).toMatch(
      /└ rolled back to 1 by \S+ \(answers in French\): \S*chat: context 512 → 256/,
    );
    const { generations } = JSON.parse((await home.llmops('history', '--json')).stdout) as { generations: readonly object[] };
    expect(generations[0]).toMatchObject({ trigger: 'rollback', wayBack: { to: 1, why: 'answers in French.' } });
    const count = (await runs(home)).length;
    for (let times = 0; times < 3; times += 1) await home.llmops('reconcile');
    await until('rest', async () => (await home.picture())?.phase === 'idle');
    expect(await runs(home)).toHaveLength(count);
    expect((await home.llmops('status')).stdout.replace(/\s+/g, ' ')).toMatch(/rolled back by .*answers in French.*held at generation 1/);

    const resumed = await home.llmops('resume');
    expect(resumed.stdout).toMatch(
      /^Lifted: the way back to generation 1, the quarantine of release [0-9a-f]{12}\. The daemon works towards release [0-9a-f]{12}\.\n$/,
    );
    await home.settles('chat 512 serving');
  });

  it('is ended by the next release that is another, and not by the same one once more', async () => {
    const home = await twoReleases();
    expect((await home.llmops('rollback', '1', '-y')).code).toBe(0);
    declare(home, 512);
    await home.llmops('reconcile');
    await home.serves('chat 256 serving');
    home.write('llmops.yaml', `# the same, with a remark\n${home.read('llmops.yaml')}`);
    await home.llmops('reconcile');
    await until('rest', async () => (await home.picture())?.phase === 'idle');
    await home.serves('chat 256 serving');
    declare(home, 1024);
    await home.settles('chat 1024 serving');
  });

  it('is kept by a daemon that comes later', async () => {
    const home = await newHome();
    declare(home, 256);
    expect((await home.llmops('apply', '-y')).code).toBe(0);
    declare(home, 512);
    expect((await home.llmops('apply', '-y')).code).toBe(0);
    const back = await home.llmops('rollback', '-y');
    expect([back.code, back.stderr.includes('■ ended')]).toEqual([0, true]);
    expect(home.copies()).toEqual(['chat 256 serving']);
    await home.up();
    await until('rest', async () => (await home.picture())?.phase === 'idle');
    expect(await runs(home)).toEqual([]);
    expect((await home.events()).filter(({ type }) => type === 'rollback.started')).toEqual([]); // it is there already
    expect(home.copies()).toEqual(['chat 256 serving']);
    declare(home, 1024);
    await home.settles('chat 1024 serving');
  });

  it('is done by the command itself while the stack is suspended', async () => {
    const home = await twoReleases();
    await home.llmops('suspend');
    const back = await home.llmops('rollback', '-y');
    expect([back.code, back.stderr]).toEqual([0, expect.stringContaining('this command goes back by itself')]);
    expect(home.copies()).toEqual(['chat 256 serving']);
    expect((await home.llmops('show')).stdout.replace(/\s+/g, ' ')).toMatch(
      /llmops rollback 1: rolled back to 1 by .* because generation 1 was gone back to/,
    );
  });

  it('says what there is where it has nothing to go back to', async () => {
    const home = await newHome();
    declare(home, 256);
    await home.up();
    await home.settles('chat 256 serving');
    const [none, wrong] = [await home.llmops('rollback', '-y'), await home.llmops('rollback', '41', '-y')];
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('There is no earlier generation that declares anything else.')]);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('There is no generation 41. Kept: 1 to 1.')]);
  });

  it('needs no git: the remote is away from before it to after it', async () => {
    const home = await newHome();
    const here = repositoryAt(home.dir);
    const git = 'daemon: { probe: 1s, git: { poll: 1s } }\n';
    const push = (context: number): string => {
      const commit = here.commit({ '.gitignore': '*.gguf\n', 'llmops.yaml': stackFile({ chat: `context: ${context}, ${STEADY}` }, git) });
      here.git('push', '-q', 'origin', 'main');
      return commit;
    };
    const bare = join(folder(), 'bare.git');
    gitAt(home.dir, ENV)('init', '-q', '--bare', '-b', 'main', bare);
    here.git('init', '-q', '-b', 'main');
    here.git('remote', 'add', 'origin', bare);
    push(256);
    await home.up();
    await home.settles('chat 256 serving');
    const bad = push(512);
    await home.settles('chat 512 serving');
    renameSync(bare, `${bare}.away`);
    expect((await home.llmops('rollback', '-y')).code).toBe(0);
    expect(home.copies()).toEqual(['chat 256 serving']);
    renameSync(`${bare}.away`, bare);
    await until('the source', async () => (await home.picture())?.stalled.length === 0);
    expect(home.copies()).toEqual(['chat 256 serving']);
    expect((await home.picture())?.newest?.commit).toBe(bad);
    push(1024);
    await home.settles('chat 1024 serving');
  });
});

describe('A way back and forth', () => {
  it('ends where the generation that is gone to is the one that is declared', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256, rollout: { bake: 0s }' }, PROBE);
    await home.up();
    await home.settles('chat 256 serving');
    home.declare({ chat: 'context: 512, rollout: { bake: 0s }' }, PROBE);
    await home.settles('chat 512 serving');
    expect((await home.llmops('rollback', '-y')).code).toBe(0);
    expect(home.copies()).toEqual(['chat 256 serving']);
    const forth = await home.llmops('rollback', '2', '-y');
    expect(forth.code, forth.stderr).toBe(0);
    expect(home.copies()).toEqual(['chat 512 serving']);
  });
});

describe('A release that does not hold', () => {
  it('is taken back once, is not tried again, and the next different one is', async () => {
    const home = await newHome();
    home.declare({ chat: 'context: 256, rollout: { bake: 1h }' }, PROBE);
    await home.up();
    await home.settles('chat 256 serving');
    home.declare({ chat: 'context: 512, rollout: { bake: 1h }' }, PROBE);
    await home.settles('chat 512 serving');
    for (const one of home.engines.realm('one').instances.values()) one.phase = 'failed';
    const { message } = await home.told('revision.quarantined');
    const crash = await home.told('model.crashed');
    expect([crash['inMs'], crash.message]).toEqual([null, expect.stringMatching(/The release that it came with is taken back\.$/)]);
    expect(message).toMatch(/^Release [0-9a-f]{12} is not applied again by itself\. The next different one is; or: llmops resume$/);
    await home.serves('chat 256 serving');
    await home.llmops('reconcile');
    for (const one of home.engines.realm('one').instances.values()) one.phase = 'failed';
    await home.serves('chat 256 serving');
    expect((await home.events()).filter(({ type }) => type === 'revision.quarantined')).toHaveLength(1);
    expect((await home.events()).filter(({ type }) => type === 'rollback.started')).toHaveLength(1);
    expect((await home.llmops('history')).stdout.replace(/\s+/g, ' ')).toMatch(
      /└ rolled back to 1 by llmops up \(chat did not hold for 60 min after its change/,
    );
    home.declare({ chat: 'context: 1024' }, PROBE);
    await home.settles('chat 1024 serving');
  });
});
