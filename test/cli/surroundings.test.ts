import { existsSync, globSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { shellWord } from '../../src/cli/screen.ts';
import { tinyGguf } from '../catalog/tiny.ts';
import { newStage, stackFile } from './stage.ts';

const ESCAPE = '\u001b[';

describe('Colour', () => {
  it.each([
    ['on a terminal', true, {}, [], true],
    ['not in a pipe', false, {}, [], false],
    ['not with NO_COLOR', true, { NO_COLOR: '1' }, [], false],
    ['but an empty NO_COLOR says nothing', true, { NO_COLOR: '' }, [], true],
    ['not on a dumb terminal', true, { TERM: 'dumb' }, [], false],
    ['in a pipe with FORCE_COLOR', false, { FORCE_COLOR: '1' }, [], true],
    ['on a dumb terminal with FORCE_COLOR', true, { FORCE_COLOR: '1', TERM: 'dumb' }, [], true],
    ['not in a pipe with FORCE_COLOR=0', false, { FORCE_COLOR: '0' }, [], false],
    ['not on a terminal with FORCE_COLOR=0', true, { FORCE_COLOR: '0' }, [], false],
    ['not with both: NO_COLOR is stronger', true, { FORCE_COLOR: '1', NO_COLOR: '1' }, [], false],
    ['not with --no-color, whatever else is set', true, { FORCE_COLOR: '1' }, ['--no-color'], false],
    ['not with -no-color', true, {}, ['-no-color'], false],
  ] as const)('%s', async (_, tty, env, flags, colored) => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const world = stage.command({ tty, env });
    await world.llmops('plan', ...flags);
    expect(world.stdout.text.includes(ESCAPE)).toBe(colored);
    await world.llmops('plan', ...flags, '-f', 'none.yaml');
    expect(world.stderr.text.includes(ESCAPE)).toBe(colored);
  });

  it('is all that differs: words and symbols are the same without it', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const colored = stage.command({ tty: true });
    await colored.llmops('plan');
    expect(colored.stdout.text.replace(/\u001b\[[0-9;]*m/g, '')).toBe((await stage.run('plan')).stdout);
  });
});

describe('Sentences that are wider than a terminal', () => {
  const MISSING = `${'far-away/'.repeat(3)}none.yaml`;

  it('are broken between words there', async () => {
    const stage = await newStage();
    const world = stage.command({ tty: true, env: { NO_COLOR: '1' } });
    await world.llmops('plan', '-f', MISSING);
    const rows = world.stderr.text.trimEnd().split('\n');
    expect(rows.filter((row) => row.length > 80)).toEqual([]);
    const piped = (await stage.run('plan', '-f', MISSING)).stderr;
    expect(rows.length).toBeGreaterThan(piped.trimEnd().split('\n').length);
    expect(world.stderr.text.replace(/\s+/g, ' ')).toBe(piped.replace(/\s+/g, ' '));
  });

  it('stay whole in a pipe, where scripts look for them', async () => {
    const stage = await newStage();
    const { stderr } = await stage.run('plan', '-f', MISSING);
    expect(stderr.split('\n')[0]).toMatch(/^error: .* \[[a-z-]+\]$/);
  });
});

describe('Folders of any name', () => {
  const NAMES = [
    'with space',
    `quotes ' and "`,
    'line\nfeed',
    'ünïcödé 模型 🙂',
    '$HOME `id` \\ * ?',
    'x'.repeat(220),
    '-f',
    '\u001b[31mred',
  ];

  it.each(NAMES)('%j: plan, apply, status, a saved plan and down', async (name) => {
    const stage = await newStage();
    const folder = join(stage.dir, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'w.gguf'), tinyGguf());
    writeFileSync(join(folder, 'llmops.yaml'), stackFile({ chat: '' }));
    for (const argv of [['plan', '--out', 'a plan'], ['apply', 'a plan'], ['status'], ['plan', '--detailed-exitcode'], ['down']]) {
      const ended = await stage.run('-C', folder, ...argv, '--no-color');
      expect(ended.code, ended.stderr).toBe(0);
      expect(ended.stdout).not.toContain('\u001b');
    }
    expect(stage.running()).toEqual([]);
  });

  it('and state in such a folder', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    for (const name of NAMES) {
      expect((await stage.run('apply', '-y', `--state-dir=${join(stage.dir, 'states', name)}`)).code).toBe(0);
      expect((await stage.run('down', `--state-dir=${join(stage.dir, 'states', name)}`)).code).toBe(0);
    }
  });

  it('are quoted where a command is shown', () => {
    expect(shellWord('models/a-1.plan')).toBe('models/a-1.plan');
    expect(shellWord("it's here")).toBe(`'it'\\''s here'`);
    expect(shellWord('')).toBe("''");
    expect(shellWord("it's\n\u001b[31m\\")).toBe("$'it\\'s\\x0a\\x1b[31m\\\\'");
  });
});

describe('A place where nothing can be written', () => {
  it('a cache that cannot be kept makes plan slower and nothing else', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    stage.write('../cache', 'a file where a folder belongs');
    expect(await stage.run('plan')).toMatchObject({ code: 0, stdout: expect.stringContaining('1 to add') as string });
    expect((await stage.run('apply', '-y')).code).toBe(0);
  });

  it('a state folder that cannot be made refuses apply before anything is touched; a plan needs none', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    stage.write('taken', '');
    const ended = await stage.run('apply', '-y', '--state-dir', 'taken/state');
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('state-not-writable');
    expect(ended.stderr).toContain('--state-dir');
    expect(stage.running()).toEqual([]);
  });

  it('a stack file that cannot be read says why', async () => {
    const stage = await newStage();
    mkdirSync(join(stage.dir, 'llmops.yaml'));
    expect((await stage.run('plan')).stderr).toContain('is a folder');
    stage.write('file', '');
    expect((await stage.run('plan', '-f', 'file/llmops.yaml')).stderr).toContain('file is a file, not a folder. [no-folder]');
  });

  it.each([['plan'], ['validate'], ['status'], ['down'], ['init'], ['fmt'], ['doctor']])(
    '%s: a folder that does not exist is named as such',
    async (verb) => {
      const stage = await newStage();
      const { code, stdout, stderr } = await stage.run(verb, '-C', 'nowhere');
      expect(code).toBe(1);
      expect((stdout + stderr).replace(/\s+/g, ' ')).toContain(`There is no folder ${join(stage.dir, 'nowhere')}.`);
    },
  );

  // A link to nowhere cannot become a folder; nor can anything in /proc, where making it once went on for ever.
  it.each(['link', ...(existsSync('/proc/self') ? ['/proc/nowhere/state'] : [])])(
    'a state folder that cannot be made says so, and to name another one: %s',
    async (folder) => {
      const stage = await newStage();
      stage.declare({ chat: '' });
      symlinkSync(join(stage.dir, 'gone', 'elsewhere'), join(stage.dir, 'link'));
      const { code, stderr } = await stage.run('apply', '-y', '--state-dir', folder);
      expect(code).toBe(1);
      expect(stderr.replace(/\s+/g, ' ')).toContain('it is not there, and cannot be made there.');
      expect(stderr).toContain('--state-dir');
    },
  );
});

describe('State', () => {
  it("is nobody else's business: files are 0600 and folders 0700, whatever stood there before", async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    await stage.run('apply', '-y');
    await stage.run('down');
    const base = join(stage.stateDir, '../..');
    const found = globSync('**/*', { cwd: base }).map((name) => [name, statSync(join(base, name))] as const);
    expect(found.length).toBeGreaterThan(5);
    for (const [name, info] of found) expect([name, (info.mode & 0o777).toString(8)]).toEqual([name, info.isDirectory() ? '700' : '600']);
  });

  it('needs no HOME where XDG or --state-dir say where it is', async () => {
    const stage = await newStage();
    stage.declare({ chat: '' });
    const world = stage.command();
    delete world.env['HOME'];
    expect(await world.llmops('apply', '-y')).toBe(0);
  });
});
