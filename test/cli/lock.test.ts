import { chmodSync, existsSync, lstatSync, readdirSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tinyGguf } from '../catalog/tiny.ts';
import { startFiles } from './file-server.ts';
import { entriesIn, lockOf, pinned } from './pinned.ts';
import { newStage } from './stage.ts';

describe('lock', () => {
  it('pins what llmops.yaml declares, shows it, and says what to do with the file', async () => {
    const stage = await pinned();
    const text = lockOf(stage);
    expect(text).toMatch(/^# .*\n# Made by `llmops lock`/);
    expect(text).toContain('    source: file:w.gguf\n');
    expect(text).toMatch(/ {6}- path: w\.gguf\n {8}bytes: \d+\n {8}sha256: [0-9a-f']{64,66}\n/);
    expect(text).toContain('  one: llama.cpp world 1\n');
    expect(readdirSync(stage.dir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('a second time asks nothing but the engines, and does not touch the file', async () => {
    const stage = await pinned();
    const before = statSync(join(stage.dir, 'llmops.lock'));
    const ended = await stage.run('lock');
    expect(ended).toMatchObject({ code: 0, stderr: '', stdout: 'llmops.lock is as it should be: 1 entry.\n' });
    expect(statSync(join(stage.dir, 'llmops.lock')).ino).toBe(before.ino);
  });

  it('shows what is new at 80 columns', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const { stdout } = await stage.run('lock');
    expect(stdout).toMatch(/^\+ chat {2}file:w\.gguf\n/);
    expect(stdout).toMatch(/\nllmops\.lock is written: 1 added, 2 engine versions; 1 entry\. Commit it\.\n$/);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('adds what is missing, drops what is gone, and keeps the bytes of the rest, its comments, its permissions and its link', async () => {
    const stage = await pinned({ chat: '', embed: '' });
    renameSync(join(stage.dir, 'llmops.lock'), join(stage.dir, 'real.lock'));
    symlinkSync('real.lock', join(stage.dir, 'llmops.lock'));
    stage.write('real.lock', lockOf(stage).replace('  embed:\n', '  # for search\n  embed: # ours\n'));
    chmodSync(join(stage.dir, 'real.lock'), 0o640);
    const kept = /  # for search\n {2}embed: # ours\n(?: {4}.*\n)+/.exec(lockOf(stage))![0];
    stage.declare({ bot: '', embed: '' });
    const ended = await stage.run('lock');
    expect(ended.stdout).toMatch(/^\+ bot .*[\s\S]*\n- chat /);
    expect(entriesIn(stage)).toEqual(['bot']);
    expect(lockOf(stage)).toContain(kept);
    expect(statSync(join(stage.dir, 'real.lock')).mode & 0o777).toBe(0o640);
    expect(lstatSync(join(stage.dir, 'llmops.lock')).isSymbolicLink()).toBe(true);
  });

  it('--dry-run shows the same and writes nothing', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const ended = await stage.run('lock', '--dry-run');
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('+ chat');
    expect(ended.stdout).toContain('Nothing was (--dry-run)');
    expect(existsSync(join(stage.dir, 'llmops.lock'))).toBe(false);
  });

  it('of a stack without models writes no file', async () => {
    const stage = await newStage();
    stage.declare({});
    expect((await stage.run('lock')).code).toBe(0);
    expect(existsSync(join(stage.dir, 'llmops.lock'))).toBe(false);
  });

  it('lies beside the stack file that is meant, under its name', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    renameSync(join(stage.dir, 'llmops.yaml'), join(stage.dir, 'lab.yml'));
    expect((await stage.run('lock', '-f', 'lab.yml')).stdout).toContain('lab.lock is written');
    expect((await stage.run('lock', '-f', 'lab.yml', '--check')).code).toBe(0);
    expect(existsSync(join(stage.dir, 'llmops.lock'))).toBe(false);
  });

  it('a model whose file is not here works without an entry: it is told, and keeps no other from being pinned', async () => {
    const stage = await newStage();
    stage.declare({ chat: '', far: 'source: "file:far.gguf"' });
    const ended = await stage.run('lock');
    expect(ended.code).toBe(0);
    expect(ended.stderr).toMatch(/^warning: .*far\.gguf.*\[weights-missing\]\n {2}--> llmops\.yaml:8:/);
    expect(entriesIn(stage)).toEqual(['chat']);
    expect((await stage.run('lock', '--upgrade', 'far')).code).toBe(1);
  });

  it('tells which models are not pinned because this version does not act on them, and leaves their entries alone', async () => {
    const stage = await pinned({ chat: '', later: '' });
    const text = stage.read('llmops.yaml').replace('later: { backend: one,', 'later: { backend: cloud,');
    stage.write('llmops.yaml', text.replace('backends:\n', 'backends:\n  cloud: { type: openai, url: "https://api.example.com/v1" }\n'));
    const before = lockOf(stage);
    const ended = await stage.run('lock');
    expect(ended.stderr).toContain('Not pinned: later (');
    expect(lockOf(stage)).toBe(before);
    expect((await stage.run('lock', '--check')).code).toBe(0);
  });
});

describe('lock of what is fetched', () => {
  it('pins address, size and digest; asks again only to upgrade, and shows then what came', async () => {
    const files = await startFiles({ 'w.gguf': tinyGguf() });
    const stage = await pinned({ chat: `source: "${files.url}/w.gguf"` });
    expect(lockOf(stage)).toContain(`    url: ${files.url}/w.gguf\n`);
    const first = lockOf(stage);
    const asked = files.asked();
    files.serve('w.gguf', tinyGguf({ tensors: { 'output.weight': 64 } }));
    expect((await stage.run('lock')).stdout).toContain('as it should be');
    expect(files.asked()).toBe(asked);
    const dry = await stage.run('lock', '--upgrade', '--dry-run');
    expect(dry.stdout).toMatch(/^~ chat .*\n[\s\S]*~ w\.gguf +\d+ B → \d+ B {2}sha256:.{8}… → sha256:/);
    expect(lockOf(stage)).toBe(first);
    const upgraded = await stage.run('lock', '--upgrade', 'chat');
    expect(upgraded.stdout).toContain('llmops.lock is written: 1 changed; 1 entry.');
    expect(lockOf(stage)).not.toBe(first);
  });

  it('one that cannot be had stops no other, keeps its entry, and is told with its place; exit 1', async () => {
    const files = await startFiles({ 'a.gguf': tinyGguf(), 'b.gguf': tinyGguf() });
    const stage = await pinned({ a: `source: "${files.url}/a.gguf"` });
    const entry = / {2}a:\n(?: {4}.*\n)+/.exec(lockOf(stage))![0];
    files.remove('a.gguf');
    stage.declare({ a: `source: "${files.url}/a.gguf"`, b: `source: "${files.url}/b.gguf"`, c: `source: "${files.url}/c.gguf"` });
    const ended = await stage.run('lock', '--upgrade', 'a');
    expect(ended.code).toBe(1);
    expect(ended.stderr.match(/--> llmops\.yaml:\d+/g)).toEqual(['--> llmops.yaml:7', '--> llmops.yaml:9']);
    expect(entriesIn(stage)).toEqual(['a', 'b']);
    expect(lockOf(stage)).toContain(entry);
    expect((await stage.run('lock', '--check')).stdout).toMatch(/c is not pinned.*\[not-locked\]\n {2}--> llmops\.yaml:9:/);
  });

  it('Ctrl-C while a server keeps silent ends it, and nothing is written', async () => {
    const files = await startFiles({});
    files.hang('w.gguf');
    const stage = await newStage();
    stage.declare({ chat: `source: "${files.url}/w.gguf"` });
    const world = stage.command();
    const ended = world.llmops('lock');
    await files.heard();
    world.interrupt();
    expect(await ended).toBe(130);
    expect(world.stderr.text).toContain('Nothing was changed');
    expect(existsSync(join(stage.dir, 'llmops.lock'))).toBe(false);
  });
});

describe('weights from a file of this machine', () => {
  it('need no lock', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    expect((await stage.run('plan')).stdout).toContain('1 to add');
    const check = await stage.run('lock', '--check');
    expect(check).toMatchObject({ code: 0, stderr: '' });
    expect(check.stdout).toContain('1 model from a file of this machine is not pinned');
  });

  it('that change after they were pinned are noticed by a plan, and taken by an upgrade only', async () => {
    const stage = await pinned();
    stage.write('w.gguf', tinyGguf({ tensors: { 'output.weight': 64 } }));
    const before = lockOf(stage);
    expect((await stage.run('lock')).stdout).toContain('as it should be');
    const plan = await stage.run('plan');
    expect(plan.code).toBe(1);
    expect(plan.stdout + plan.stderr).toMatch(/pinned|llmops\.lock/);
    expect(lockOf(stage)).toBe(before);
    expect((await stage.run('lock', '--upgrade', 'chat')).stdout).toMatch(/^~ chat /);
    expect((await stage.run('plan')).code).toBe(0);
  });
});

describe('lock --upgrade', () => {
  it('names a model that is not there: says which was meant, and looks nothing up', async () => {
    const stage = await pinned();
    const ended = await stage.run('lock', '--upgrade', 'caht');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('Did you mean --upgrade chat?');
  });

  it('without names takes all of them', async () => {
    const stage = await pinned({ chat: '', embed: '' });
    stage.write('w.gguf', tinyGguf({ tensors: { 'output.weight': 64 } }));
    expect((await stage.run('lock', '--upgrade')).stdout).toContain('2 changed');
  });
});
