import { readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeLockFile } from '../../src/cli/lock/write.ts';
import { tinyGguf } from '../catalog/tiny.ts';
import { SAMPLE } from '../lock/sample.ts';
import { entriesIn, lockOf, pinned } from './pinned.ts';
import { newStage } from './stage.ts';

describe('lock --check', () => {
  it('holds: 0, and neither an engine nor a server is asked', async () => {
    const stage = await pinned();
    stage.asked();
    const ended = await stage.run('lock', '--check');
    expect(ended).toEqual({ code: 0, stderr: '', stdout: 'llmops.lock holds for llmops.yaml: 1 model pinned.\n' });
    expect(stage.asked()).toEqual([]);
  });

  it('says what is missing, outdated and unused at once, each with its file and line, and changes nothing; 1', async () => {
    const stage = await pinned({ chat: '', old: '' });
    const before = lockOf(stage);
    stage.declare({ chat: 'source: "file:other.gguf"', embed: 'source: "https://example.com/m.gguf"' });
    const ended = await stage.run('lock', '--check');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(/\[lock-outdated\]\n {2}--> llmops\.yaml:7:/);
    expect(ended.stdout).toMatch(/\[not-locked\]\n {2}--> llmops\.yaml:8:/);
    expect(ended.stdout).toMatch(/old is pinned .*\[lock-unused\]\n {2}--> llmops\.lock:\d+:3/);
    expect(ended.stdout).toContain('3 errors');
    expect(lockOf(stage)).toBe(before);
  });

  it.each(['--upgrade', '--dry-run'])('is not %s', async (flag) => {
    const stage = await pinned();
    const ended = await stage.run('lock', '--check', flag);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('conflicting-flags');
  });
});

describe('a lock that is damaged', () => {
  it.each(['--no-color', '--check', '--upgrade'])(
    'is left as it is, with everything that is wrong and what to type: lock %s',
    async (flag) => {
      const stage = await pinned({ chat: '', embed: '' });
      const torn = lockOf(stage).replace(/sha256: .*/g, 'sha256: abc');
      stage.write('llmops.lock', torn);
      const ended = await stage.run('lock', flag);
      expect(ended.code).toBe(1);
      expect(ended.stderr.match(/\[invalid-sha256\]/g)).toHaveLength(2);
      expect(ended.stderr).toContain('git checkout llmops.lock');
      expect(ended.stderr).toContain('rm llmops.lock && llmops lock');
      expect(lockOf(stage)).toBe(torn);
    },
  );

  it('cannot be read: says so', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    symlinkSync('llmops.lock', join(stage.dir, 'llmops.lock'));
    expect((await stage.run('lock')).stderr).toContain('lock-unreadable');
  });
});

describe('lock --env', () => {
  const OVERLAY = 'environments:\n  prod: { models: { chat: { source: "file:p.gguf" }, embed: { context: 64 } } }\n';

  it('gives a model that differs there an entry of its own, and shares the rest', async () => {
    const stage = await newStage();
    stage.write('p.gguf', tinyGguf({ tensors: { 'output.weight': 64 } }));
    stage.declare({ chat: '', embed: '' }, OVERLAY);
    expect((await stage.run('lock', '--env', 'prod')).code).toBe(0);
    expect(entriesIn(stage)).toEqual(['chat@prod', 'embed']);
    expect((await stage.run('lock')).code).toBe(0);
    expect(entriesIn(stage)).toEqual(['chat', 'chat@prod', 'embed']);
    expect((await stage.run('lock', '--check')).stdout).toContain('2 models pinned');
    expect((await stage.run('lock', '--check', '--env', 'prod')).stdout).toContain('with environment prod: 2 models pinned');
    expect((await stage.run('plan', '--env', 'prod')).code).toBe(0);
  });

  it('entries of an environment that is gone, or asks for the same by now, go', async () => {
    const stage = await newStage();
    stage.write('p.gguf', tinyGguf({ tensors: { 'output.weight': 64 } }));
    stage.declare({ chat: '', embed: '' }, OVERLAY);
    await stage.run('lock', '--env', 'prod');
    stage.declare({ chat: '', embed: '' }, OVERLAY.replace('source: "file:p.gguf"', 'context: 128'));
    expect((await stage.run('lock', '--check')).stdout).toMatch(/chat@prod is pinned .*\[lock-unused\]/);
    expect((await stage.run('lock')).stdout).toContain('- chat@prod');
    expect(entriesIn(stage)).toEqual(['chat', 'embed']);
  });
});

describe('engines', () => {
  it('that do not answer keep what is written of them; those of backends that are gone go', async () => {
    const stage = await pinned();
    stage.write(
      'llmops.lock',
      lockOf(stage).replace('two: llama.cpp world 1', 'two: llama-server 0.7.0').replace('engines:', 'engines:\n  gone: x 1'),
    );
    await stage.engines.close();
    expect((await stage.run('lock')).code).toBe(0);
    expect(lockOf(stage)).toMatch(/engines:\n {2}one: llama\.cpp world 1\n {2}two: llama-server 0\.7\.0\n$/);
  });
});

describe('lock --json', () => {
  it('is one document about what was found, changed and not to be had', async () => {
    const stage = await newStage();
    stage.declare({ chat: '', far: 'source: "file:far.gguf"' });
    const first = JSON.parse((await stage.run('lock', '--json')).stdout) as object;
    expect(first).toMatchObject({
      formatVersion: '1.0',
      file: 'llmops.lock',
      environment: null,
      written: true,
      models: [
        { model: 'chat', status: 'locked', entry: 'chat', why: [] },
        { model: 'far', status: 'not-needed', entry: null },
      ],
      unused: [],
      diff: { models: [{ entry: 'chat', change: 'added', files: [{ from: null, to: { path: 'w.gguf' } }] }] },
      problems: [{ severity: 'warning', code: 'weights-missing', place: { line: 8 } }],
    });
    const check = await stage.run('lock', '--check', '--json');
    expect(JSON.parse(check.stdout)).toMatchObject({ written: false, diff: null, problems: [], models: [{}, {}] });
    stage.write('llmops.lock', '{');
    const damaged = await stage.run('lock', '--json');
    expect(damaged.code).toBe(1);
    expect(JSON.parse(damaged.stdout)).toMatchObject({ written: false, problems: [{ place: { file: 'llmops.lock' } }] });
    expect(damaged.stderr).toBe('');
  });
});

describe('The lock file', () => {
  it('that somebody else wrote in the meantime is left to them', async () => {
    const stage = await pinned();
    const before = lockOf(stage);
    const paths = { file: join(stage.dir, 'llmops.yaml'), shown: 'llmops.yaml', baseDir: stage.dir };
    stage.write('llmops.lock', `${before}# theirs\n`);
    await expect(writeLockFile(paths, before, SAMPLE)).rejects.toMatchObject({ problem: { code: 'lock-changed' } });
    expect(lockOf(stage)).toBe(`${before}# theirs\n`);
    expect(await writeLockFile(paths, lockOf(stage), SAMPLE)).toBe(true);
    expect(readdirSync(stage.dir).toSorted()).toEqual(['llmops.lock', 'llmops.yaml', 'w.gguf']);
  });
});
