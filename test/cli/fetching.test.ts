import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FakeHubOptions } from '../sources/fake-hub.ts';
import { kitchen, WEIGHTS } from './kitchen.ts';
import { records, schemaErrors } from './stage.ts';

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
