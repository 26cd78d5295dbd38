import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startHub, type FakeHubOptions } from '../sources/fake-hub.ts';
import { weightsNamed } from '../sources/setup.ts';
import { newStage, records, schemaErrors, type Ended, type Stage } from './stage.ts';

const COMMIT = 'c'.repeat(40);
const WEIGHTS = weightsNamed('desk');

interface Kitchen extends Stage {
  /** As `run`, with the Hub to be found. */
  readonly hub: (...argv: string[]) => Promise<Ended>;
  /** Folder of the store. */
  readonly store: string;
}

/** A stage whose model comes from a Hub, and is pinned. */
async function kitchen(options: Partial<FakeHubOptions> = {}, lock = true): Promise<Kitchen> {
  const stage = await newStage();
  const repo = { commits: { [COMMIT]: { 'desk-Q4_K_M.gguf': WEIGHTS } }, refs: { main: COMMIT } };
  const hub = await startHub({ repos: { 'kitchen/desk': repo }, ...options });
  const run = async (...argv: string[]): Promise<Ended> => {
    const world = stage.command({ env: { HF_ENDPOINT: hub.origin } });
    const code = await world.llmops(...argv);
    return { code, stdout: world.stdout.text, stderr: world.stderr.text };
  };
  stage.declare({ chat: 'source: hf:kitchen/desk, context: 512' });
  if (lock) expect(await run('lock')).toMatchObject({ code: 0 });
  return { ...stage, hub: run, store: join(dirname(stage.dir), 'cache', 'llmops', 'weights') };
}

describe('Weights from a repository', () => {
  it('are not planned as long as nothing pins them, and the plan says what to type', async () => {
    const told = await (await kitchen({}, false)).hub('plan');
    expect(told.code).toBe(1);
    expect(told.stdout).toContain('[not-locked]');
    expect(told.stdout).toContain('llmops lock');
  });

  it('are priced by the plan, which asks no network', async () => {
    const stage = await kitchen();
    const { stdout, code } = await stage.run('plan');
    expect(code).toBe(0);
    expect(stdout).toMatch(/download +\d+ B to fetch first/);
    expect(stdout).toContain('Order     fetch chat ▸ start ▸ probe');
    expect(existsSync(stage.store)).toBe(false);
  });

  it('are fetched before the model starts, which opens them in the store; after that there is nothing to do', async () => {
    const stage = await kitchen();
    expect((await stage.hub('apply', '-y')).code).toBe(0);
    expect(stage.running()).toHaveLength(1);
    const sets = join(stage.store, 'sets');
    const [digest] = readdirSync(sets);
    expect(readFileSync(join(sets, digest as string, 'desk-Q4_K_M.gguf'))).toEqual(WEIGHTS);
    expect((await stage.run('plan')).stdout).toContain('No changes. Your models match llmops.yaml.');
  });

  it('are told as bytes of a file in the stream of records, which its schema describes', async () => {
    const stage = await kitchen();
    const { stdout } = await stage.hub('apply', '-y', '--json');
    const moved = records(stdout).filter(({ type }) => type === 'step.transfer');
    expect(moved.at(-1)).toMatchObject({ step: 'chat.fetch', file: 'desk-Q4_K_M.gguf', done: WEIGHTS.length, total: WEIGHTS.length });
    expect(records(stdout).flatMap((record) => schemaErrors('event', record))).toEqual([]);
  });

  it('can be fetched ahead: nothing starts, no generation counts as applied, and the plan says that they are ready', async () => {
    const stage = await kitchen();
    const ahead = await stage.hub('apply', '--prefetch-only', '-y');
    expect(ahead).toMatchObject({ code: 0 });
    expect(ahead.stdout).toContain('weights of 1 model fetched, nothing that runs was changed');
    expect(stage.running()).toEqual([]);
    const { stdout } = await stage.run('plan');
    expect(stdout).toMatch(/weights +prefetched, ready in about/);
    expect(stdout).toContain('Baseline  none');
    expect((await stage.run('apply', '-y')).code).toBe(0);
    expect((await stage.run('apply', '--prefetch-only', '-y')).stdout).toContain('There is nothing to fetch ahead.');
  });

  it('that cannot be fetched leave what serves as it is, and the next apply goes on', async () => {
    let gone = false;
    const meanwhile: FakeHubOptions['meanwhile'] = (_, response) => gone && Boolean(response.writeHead(404).end());
    const stage = await kitchen({ meanwhile });
    const pinned = stage.read('llmops.lock');
    stage.declare({ chat: 'context: 512' });
    await stage.run('apply', '-y');
    const before = stage.running();
    stage.declare({ chat: 'source: hf:kitchen/desk, context: 512' });
    stage.write('llmops.lock', pinned);
    gone = true;
    const failed = await stage.hub('apply', '-y');
    expect(failed.code).toBe(1);
    expect(failed.stdout).toMatch(/✗ chat +fetch: /);
    expect(stage.running()).toEqual(before);
    gone = false;
    expect((await stage.hub('apply', '-y')).code).toBe(0);
    expect(stage.running()).not.toEqual(before);
  });

  it('that the disk has no room for are told by the plan, and refused by the apply before anything is asked for', async () => {
    let asked = 0;
    const stage = await kitchen({ meanwhile: ({ url = '' }) => url.includes('/resolve/') && (asked += 1) < 0 });
    stage.write('llmops.lock', stage.read('llmops.lock').replace(`bytes: ${WEIGHTS.length}`, `bytes: ${2 ** 52}`));
    const before = asked;
    const plan = await stage.run('plan');
    expect(plan.code).toBe(0);
    expect(plan.stdout.replace(/\s+/g, ' ')).toMatch(
      /Warning: The weights of chat need 4194304\.0 GiB more and a reserve of 512 MiB, and the disk of \S+weights has \S+ [MG]iB free: they will not be fetched\. \[disk-full\]/,
    );
    const apply = await stage.hub('apply', '-y');
    expect(apply.code).toBe(1);
    expect(apply.stdout).toContain('[disk-full]');
    expect([stage.running(), asked]).toEqual([[], before]);
  });

  it('that nobody touched since are not fetched again when another model wants them too', async () => {
    const stage = await kitchen();
    await stage.hub('apply', '-y');
    stage.declare({ chat: 'source: hf:kitchen/desk, context: 512', talk: 'source: hf:kitchen/desk, context: 1024' });
    expect((await stage.hub('lock')).code).toBe(0);
    expect((await stage.run('plan')).stdout).toContain('nothing to fetch');
    expect((await stage.run('apply', '-y')).code).toBe(0);
    expect(stage.running()).toHaveLength(2);
  });
});

describe('llmops cache', () => {
  it('lists what was fetched and whether a stack uses it, and prunes only what none does', async () => {
    const stage = await kitchen();
    expect((await stage.run('cache', 'ls')).stdout).toBe('Nothing was fetched to this machine yet.\n');
    await stage.hub('apply', '--prefetch-only', '-y'); // for a stack that will want it
    expect((await stage.run('cache', 'ls')).stdout).toMatch(/in use +desk-Q4_K_M\.gguf/);
    expect((await stage.run('cache', 'prune', '-y')).stdout).toBe('There is nothing to remove. 1 file in use stays.\n');
    rmSync(stage.stateDir, { recursive: true });
    expect((await stage.run('cache', 'ls')).stdout).toMatch(/in use +desk-Q4_K_M\.gguf/); // the lock here pins it
    rmSync(join(stage.dir, 'llmops.lock'));
    expect((await stage.run('cache', 'ls')).stdout).toMatch(/unused +desk-Q4_K_M\.gguf[\s\S]*llmops cache prune/);
    const { stdout } = await stage.run('cache', 'prune', '-y');
    expect(stdout).toContain(`Freed ${WEIGHTS.length} B.`);
    expect(readdirSync(join(stage.store, 'blobs'))).toEqual([]);
  });

  it('asks before it removes anything, and refuses where nobody can be asked', async () => {
    const stage = await kitchen();
    await stage.hub('apply', '--prefetch-only', '-y');
    const told = await stage.run('cache', 'prune', '--all');
    expect(told.code).toBe(1);
    expect(told.stderr).toContain('[not-approved]');
    expect(readdirSync(join(stage.store, 'blobs'))).toHaveLength(1);
  });

  it('verify sets a file that was damaged aside, and the next apply fetches it anew', async () => {
    const stage = await kitchen();
    await stage.hub('apply', '--prefetch-only', '-y');
    expect(await stage.run('cache', 'verify')).toMatchObject({ code: 0, stdout: expect.stringContaining('All 1 file are what they were') });
    const [blob] = readdirSync(join(stage.store, 'blobs'));
    const path = join(stage.store, 'blobs', blob as string);
    chmodSync(path, 0o600);
    writeFileSync(path, Buffer.alloc(WEIGHTS.length, 7));
    const told = await stage.run('cache', 'verify');
    expect(told.code).toBe(1);
    expect(told.stdout).toContain('1 of 1 file are damaged');
    expect((await stage.run('plan')).stdout).toContain('to fetch first');
    expect((await stage.hub('apply', '-y')).code).toBe(0);
  });
});
