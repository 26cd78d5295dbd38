import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Lock } from '../../src/domain/weights.ts';
import { writeLock } from '../../src/lock/index.ts';
import { acquireLease } from '../../src/state/index.ts';
import { tinyGguf } from '../catalog/tiny.ts';
import { newStage, type Stage } from './stage.ts';

const SWAP = 'rollout: { strategy: swap }';

/** `apply --supervise` in the background. */
interface Supervisor {
  /** All that it has said. */
  readonly text: () => string;
  /** Resolves once it stays. */
  readonly stays: Promise<void>;
  readonly until: (text: string) => Promise<void>;
  /** Ends it as Ctrl-C does; resolves to its exit code. */
  readonly end: () => Promise<number>;
}

function supervise(stage: Stage, ...argv: string[]): Supervisor {
  const world = stage.command();
  const ended = world.llmops('apply', '-y', '--supervise', ...argv);
  const end = () => {
    world.interrupt();
    return ended;
  };
  onTestFinished(async () => void (await end()));
  const until = (text: string) => Promise.race([world.stderr.until(text), ended.then(() => undefined)]);
  return { text: () => world.stdout.text + world.stderr.text, stays: until('Supervising'), until, end };
}

/** A stack whose second context never comes up: applied once, put back to the first. */
async function withBadCommit(): Promise<Stage> {
  const stage = await newStage();
  stage.declare({ chat: `context: 256, ${SWAP}`, embed: 'context: 256' });
  expect((await stage.run('apply', '-y')).code).toBe(0);
  stage.declare({ chat: `context: 512, ${SWAP}`, embed: 'context: 256' });
  stage.engines.fault({ kind: 'status', method: 'POST', path: /probe/, at: 1 });
  return stage;
}

const stops = (stage: Stage): readonly string[] => stage.asked().filter((request) => request.startsWith('DELETE'));

/** The copy ends by itself, and leaves a trace of it. */
function crash(stage: Stage, model: string): void {
  for (const one of stage.engines.realm('one').instances.values()) if (one.spec.model === model) one.phase = 'failed';
}

const contexts = (stage: Stage): readonly unknown[] =>
  [...stage.engines.realm('one').instances.values()]
    .map(({ spec, phase }) => `${spec.model} ${String(spec.fields['context'])} ${phase}`)
    .sort();

describe('apply --supervise stays', () => {
  it('though a change failed, and looks after what was put back', async () => {
    const stage = await withBadCommit();
    const supervisor = supervise(stage);
    await supervisor.stays;
    expect(supervisor.text()).toContain('put back to what served before');
    crash(stage, 'chat');
    await supervisor.until('succeeded');
    expect(contexts(stage)).toEqual(['chat 256 serving', 'embed 256 serving']);
    expect(await supervisor.end()).toBe(130);
    const { generations } = JSON.parse((await stage.run('history', '--json')).stdout) as { generations: readonly object[] };
    expect(generations).toMatchObject([
      { command: 'llmops apply --supervise', trigger: 'crash' },
      { command: 'llmops apply --supervise', trigger: 'command' },
      { command: 'llmops apply', trigger: 'command' },
    ]);
  });

  it('and does not try again by itself what failed, however often it is started; a person does', async () => {
    const stage = await withBadCommit();
    const first = supervise(stage);
    await first.stays;
    await first.end();
    expect(stops(stage)).toHaveLength(2);
    for (let start = 0; start < 3; start += 1) {
      const again = supervise(stage);
      await again.stays;
      expect(again.text().replace(/\s+/g, ' ')).toContain(
        'exactly this was tried in generation 2 and failed, and is not tried again by itself',
      );
      await again.end();
    }
    expect(stops(stage)).toEqual([]);
    expect(contexts(stage)).toEqual(['chat 256 serving', 'embed 256 serving']);
    expect((await stage.run('apply', '-y')).code).toBe(0);
    expect(contexts(stage)).toEqual(['chat 512 serving', 'embed 256 serving']);
  });

  it('also after what was put back was restarted for a crash', async () => {
    const stage = await withBadCommit();
    const first = supervise(stage);
    await first.stays;
    crash(stage, 'chat');
    await first.until('succeeded');
    await first.end();
    stage.asked();
    const again = supervise(stage);
    await again.stays;
    expect(stops(stage)).toEqual([]);
    expect(again.text()).toContain('[failed-before]');
  });

  it('though one model is blocked, and looks after the others', async () => {
    const stage = await newStage();
    stage.declare({ chat: '', embed: '' });
    await stage.run('apply', '-y');
    stage.declare({ chat: '', embed: 'source: "file:gone.gguf"' });
    const supervisor = supervise(stage);
    await supervisor.stays;
    expect(supervisor.text()).toContain('Not everything is as declared');
    for (const model of ['chat', 'embed']) {
      crash(stage, model);
      await supervisor.until(`probe ${model},`);
    }
    await supervisor.until('succeeded');
  });

  it('though the file is broken, if something was applied before', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y');
    stage.write('llmops.yaml', 'version: 1\nmodels: [');
    const supervisor = supervise(stage, '--state-dir', stage.stateDir);
    await supervisor.stays;
    expect(supervisor.text()).toContain('by what was last applied: generation 1');
    crash(stage, 'chat');
    await supervisor.until('succeeded');
    expect(contexts(stage)).toEqual([expect.stringMatching(/^chat .* serving$/)]);
  });
});

describe('apply --supervise and fetched weights', () => {
  it('starts anew with the weights that were applied, though llmops.lock is broken since', async () => {
    const stage = await newStage();
    stage.declare({ chat: 'source: "hf:some/desk", context: 256' });
    stage.write('llmops.lock', pinned(stage));
    const applied = await stage.run('apply', '-y');
    expect(applied.code, applied.stdout + applied.stderr).toBe(0);
    stage.write('llmops.lock', 'broken: [');
    const supervisor = supervise(stage);
    await supervisor.stays;
    crash(stage, 'chat');
    await supervisor.until('succeeded');
    expect(contexts(stage)).toEqual(['chat 256 serving']);
  });
});

/** A lock for `chat`, and its weights in the store as if they had been fetched. */
function pinned(stage: Stage): string {
  const bytes = tinyGguf();
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const blobs = join(stage.command().env['XDG_CACHE_HOME'] ?? '', 'llmops/weights/blobs');
  mkdirSync(blobs, { recursive: true });
  writeFileSync(join(blobs, sha256), bytes);
  const file = { path: 'desk.gguf', bytes: bytes.length, sha256 };
  const unknown = { revision: null, quantization: null, manifest: null, chatTemplate: null, tokenizer: null, license: null, facts: null };
  const chat = {
    ...unknown,
    source: 'hf:some/desk',
    origin: { kind: 'hf', repo: 'some/desk', commit: 'c0'.repeat(20) },
    files: [file],
    sha256,
  };
  return writeLock(null, { models: { chat } as Lock['models'], engines: {} });
}

describe('apply --supervise waits for another apply', () => {
  it('says so, and goes on when that has ended', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const lease = await acquireLease(stage.stateDir, { command: 'test', waitMs: 0 });
    const supervisor = supervise(stage);
    await supervisor.until('Waiting for it to end.');
    expect(stage.running()).toEqual([]);
    lease.release();
    await supervisor.stays;
    expect(stage.running()).toHaveLength(1);
    expect(await supervisor.end()).toBe(130);
  });

  it('until it is told to stop', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const lease = await acquireLease(stage.stateDir, { command: 'test', waitMs: 0 });
    onTestFinished(() => lease.release());
    const supervisor = supervise(stage);
    await supervisor.until('Waiting for it to end.');
    expect(await supervisor.end()).toBe(130);
    expect(stage.running()).toEqual([]);
  });
});

describe('apply --supervise ends', () => {
  it('where nothing was ever applied and the file is broken', async () => {
    const stage = await newStage();
    stage.write('llmops.yaml', 'version: 1\nmodels: [');
    const ended = await stage.run('apply', '-y', '--supervise');
    expect(ended.code).toBe(1);
    expect(ended.stderr).not.toContain('Supervising');
  });

  it('where another apply holds the lease for longer than it was to wait', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const lease = await acquireLease(stage.stateDir, { command: 'test', waitMs: 0 });
    onTestFinished(() => lease.release());
    const ended = await stage.run('apply', '-y', '--supervise', '--lock-timeout', '100ms', '--detailed-exitcode');
    expect(ended.code).toBe(5);
    expect(ended.stderr).toContain('lease-held');
  });

  it('where nobody said yes', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const ended = await stage.run('apply', '--supervise');
    expect([ended.code, ended.stderr.includes('not-approved')]).toEqual([1, true]);
  });
});
