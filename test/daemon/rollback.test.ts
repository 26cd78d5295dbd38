import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tinyGguf } from '../catalog/tiny.ts';
import { stackFile } from '../cli/stage.ts';
import { readHolds } from '../../src/state/index.ts';
import { takesMinutes } from '../guard/patience.ts';
import { ENV, folder, gitAt, repositoryAt } from '../source/git/repositories.ts';
import { newHome, until, type Home } from './home.ts';

takesMinutes();

const PROBE = 'daemon: { probe: 1s }\n';
const STEADY = 'rollout: { bake: 0s }';
const STEADY_EMBED = `context: 128, ${STEADY}`;
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
    expect((await readHolds(home.stateDir)).holds.quarantined).toMatchObject([{ generation: 2, why: 'answers in French.' }]);
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

  it('leaves what is declared and was cut off, where no daemon runs: the next one does not apply it', async () => {
    const home = await newHome();
    declare(home, 256);
    const daemon = await home.up();
    await home.settles('chat 256 serving');
    let struck = false;
    home.engines.fault({ kind: 'hang', method: 'POST', path: /probe/, struck: () => (struck = true) });
    declare(home, 512);
    await until('a probe that hangs', () => struck);
    daemon.kill('SIGKILL');
    await daemon.ended;
    home.engines.clearFaults();
    const back = await home.llmops('rollback', '-y');
    expect(back.code, back.stderr).toBe(0);
    const { holds } = await readHolds(home.stateDir);
    expect(holds).toMatchObject({ pin: { generation: 1 }, quarantined: [{ generation: 2 }] });
    await home.up();
    await until('rest', async () => (await home.picture())?.phase === 'idle');
    expect(home.copies()).toEqual(['chat 256 serving']);
  });

  it('leaves also what was never applied, where no daemon runs, and each release once', async () => {
    const home = await newHome();
    for (const context of [256, 512]) {
      declare(home, context);
      expect((await home.llmops('apply', '-y')).code).toBe(0);
    }
    declare(home, 1024);
    const back = await home.llmops('rollback', '-y');
    expect(back.code, back.stderr).toBe(0);
    const { holds } = await readHolds(home.stateDir);
    expect(holds.quarantined.map(({ generation }) => generation)).toEqual([2, null]);
    await home.up();
    await until('rest', async () => (await home.picture())?.phase === 'idle');
    expect(home.copies()).toEqual(['chat 256 serving']);
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

  it('is shown before it is refused where nobody can be asked, and tells which generation is meant', async () => {
    const home = await twoReleases();
    const back = await home.llmops('rollback');
    expect([back.code, back.stderr]).toEqual([1, expect.stringContaining('This needs a yes')]);
    expect(back.stdout).toMatch(/^Back to generation 1 \(\d+ s ago, by \S+\)\n[^]*chat/);
    expect(back.stderr).not.toContain('plan --out');
    expect((await readHolds(home.stateDir)).holds.pin).toBeNull();
    await home.llmops('suspend');
    const byItself = await home.llmops('rollback');
    expect([byItself.code, byItself.stdout]).toEqual([1, expect.stringMatching(/^Back to generation 1 [^]*chat/)]);
    expect((await readHolds(home.stateDir)).holds.pin).toBeNull();
  });

  it.each([true, false])('is refused before anything is held where its weights are gone; a daemon runs: %s', async (isKept) => {
    const home = await newHome();
    home.write('w2.gguf', tinyGguf({ tensors: { 'output.weight': 8, 'token_embd.weight': 32 } }));
    const weights = (name: string) => home.declare({ chat: `source: "file:${name}", context: 256, ${STEADY}`, embed: STEADY_EMBED }, PROBE);
    weights('w2.gguf');
    expect((await home.llmops('apply', '-y')).code).toBe(0);
    weights('w.gguf');
    expect((await home.llmops('apply', '-y')).code).toBe(0);
    if (isKept) await home.up();
    expect((await home.llmops('history')).stdout).toContain('Way back  1 needs no network');
    rmSync(join(home.dir, 'w2.gguf'));
    expect((await home.llmops('history')).stdout).not.toContain('Way back');
    const back = await home.llmops('rollback', '-y');
    expect([back.code, back.stderr]).toEqual([
      1,
      expect.stringMatching(
        /There is no way back to generation 1 now: Model chat: The weights .*w2\.gguf do not exist.* Nothing was changed, and nothing is held\./,
      ),
    ]);
    expect((await readHolds(home.stateDir)).holds).toMatchObject({ pin: null, quarantined: [] });
  });

  it('passes by what is blocked there as here', async () => {
    const home = await newHome();
    home.write('w2.gguf', tinyGguf({ tensors: { 'output.weight': 8, 'token_embd.weight': 32 } }));
    const context = (size: number) =>
      home.declare({ chat: `context: ${size}, ${STEADY}`, embed: `source: "file:w2.gguf", ${STEADY_EMBED}` }, PROBE);
    for (const size of [256, 512]) {
      context(size);
      expect((await home.llmops('apply', '-y')).code).toBe(0);
    }
    rmSync(join(home.dir, 'w2.gguf'));
    await home.llmops('rollback', '-y');
    expect((await readHolds(home.stateDir)).holds).toMatchObject({ pin: { generation: 1 } });
    expect(home.copies()).toContain('chat 256 serving');
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
