import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newWorld, type World } from './context.ts';

const VALID = `version: 1
name: desk
backends:
  local: { type: embedded }
models:
  chat:
    backend: local
    source: file:chat.gguf
environments:
  prod: { models: { chat: { context: 2048 } } }
  broken: { models: { chat: { contxt: 1 } } }
`;
const UGLY = 'version: 1\nbackends:\n    local:    {type: embedded}   # ours\n';

function worldWith(files: Readonly<Record<string, string>>, options: Parameters<typeof newWorld>[0] = {}): World {
  const world = newWorld(options);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(world.cwd, name), text);
  return world;
}

describe('validate', () => {
  it('says in one line what a valid file declares', async () => {
    const world = worldWith({ 'llmops.yaml': VALID.replace(/ {2}broken.*\n/, '') });
    expect(await world.llmops('validate')).toBe(0);
    expect(world.stdout.text).toBe('llmops.yaml is valid: 1 model on 1 backend.\n');
    expect(world.stderr.text).toBe('');
  });

  it('names what is declared and not acted on', async () => {
    const world = worldWith({ 'llmops.yaml': `${VALID.replace(/ {2}broken.*\n/, '')}gateway: { listen: "127.0.0.1:8400" }\n` });
    expect(await world.llmops('validate')).toBe(0);
    expect(world.stdout.text).toMatch(/Declared, valid, and not acted on by this version:\n {2}gateway /);
  });

  it('puts findings on stdout, with line and column, and exits 1; 3 if typed codes were asked for', async () => {
    const world = worldWith({ 'llmops.yaml': 'version: 1\nmodles: {}\nbackend: {}\n' });
    expect(await world.llmops('validate')).toBe(1);
    expect(world.stdout.text).toContain('llmops.yaml:2:1');
    expect(world.stdout.text).toContain('llmops.yaml:3:1');
    expect(world.stdout.text).toContain('Did you mean `models`?');
    expect(world.stderr.text).toBe('');
    expect(await world.llmops('validate', '--detailed-exitcode')).toBe(3);
  });

  it.each(['json', 'sarif', 'github', 'junit'])('--format %s reports the same finding', async (format) => {
    const world = worldWith({ 'llmops.yaml': 'version: 1\nmodles: {}\n' });
    expect(await world.llmops('validate', '--format', format)).toBe(1);
    expect(world.stdout.text).toContain('unknown-key');
    if (format === 'json' || format === 'sarif') expect(() => JSON.parse(world.stdout.text) as unknown).not.toThrow();
  });

  it('checks the overlay of the environment that is asked for, by flag or by LLMOPS_ENV', async () => {
    const files = { 'llmops.yaml': VALID.replace(/ {2}broken.*\n/, '') };
    const world = worldWith(files);
    expect(await world.llmops('validate', '--env', 'prod')).toBe(0);
    expect(world.stdout.text).toContain('llmops.yaml with environment prod is valid');
    expect(await worldWith(files, { env: { LLMOPS_ENV: 'stage' } }).llmops('validate')).toBe(1);
  });

  it('finds the mistake of a broken overlay once, though base and overlay are both checked', async () => {
    const world = worldWith({ 'llmops.yaml': VALID });
    expect(await world.llmops('validate', '--env', 'broken')).toBe(1);
    expect(world.stdout.text.match(/contxt" is not/g)).toHaveLength(1);
  });

  it('a missing file says what to type', async () => {
    const world = newWorld();
    expect(await world.llmops('validate')).toBe(1);
    expect(world.stderr.text).toContain('llmops init');
    expect(world.stdout.text).toBe('');
  });

  it('asks no backend', async () => {
    const world = worldWith({ 'llmops.yaml': VALID.replace(/ {2}broken.*\n/, '') }, { backends: () => Promise.reject(new Error('asked')) });
    expect(await world.llmops('validate')).toBe(0);
  });
});

/** How {@link UGLY} looks when it is formatted. */
const pretty = async (): Promise<string> => {
  const world = worldWith({ 'llmops.yaml': UGLY });
  await world.llmops('fmt');
  return readFileSync(join(world.cwd, 'llmops.yaml'), 'utf8');
};

describe('fmt', () => {
  it('rewrites the file, lists it, keeps its comments and its permissions, and leaves nothing beside it', async () => {
    const world = worldWith({ 'llmops.yaml': UGLY });
    const file = join(world.cwd, 'llmops.yaml');
    chmodSync(file, 0o640);
    expect(await world.llmops('fmt')).toBe(0);
    expect(world.stdout.text).toBe('llmops.yaml\n');
    expect(readFileSync(file, 'utf8')).toBe('version: 1\nbackends:\n  local: { type: embedded } # ours\n');
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(world.cwd)).toEqual(['llmops.yaml']);
  });

  it('says nothing about a file that is formatted already, and does not touch it', async () => {
    const world = worldWith({ 'llmops.yaml': await pretty() });
    const before = statSync(join(world.cwd, 'llmops.yaml'));
    expect(await world.llmops('fmt')).toBe(0);
    expect(await world.llmops('fmt', '--check')).toBe(0);
    expect(world.stdout.text).toBe('');
    expect(statSync(join(world.cwd, 'llmops.yaml')).ino).toBe(before.ino);
  });

  it('--check changes nothing and exits 1 with the names of what would change', async () => {
    const world = worldWith({ 'a.yaml': UGLY, 'b.yaml': await pretty() });
    expect(await world.llmops('fmt', '--check', 'a.yaml', 'b.yaml')).toBe(1);
    expect(world.stdout.text).toBe('a.yaml\n');
    expect(readFileSync(join(world.cwd, 'a.yaml'), 'utf8')).toBe(UGLY);
  });

  it('a link stays a link; the file behind it is rewritten', async () => {
    const world = worldWith({ 'real.yaml': UGLY });
    symlinkSync('real.yaml', join(world.cwd, 'llmops.yaml'));
    expect(await world.llmops('fmt')).toBe(0);
    expect(lstatSync(join(world.cwd, 'llmops.yaml')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(world.cwd, 'real.yaml'), 'utf8')).toBe(await pretty());
  });

  it('reads stdin and writes stdout with -', async () => {
    const world = newWorld({ stdin: UGLY });
    expect(await world.llmops('fmt', '-')).toBe(0);
    expect(world.stdout.text).toBe(await pretty());
    expect(await newWorld({ stdin: UGLY }).llmops('fmt', '--check', '-')).toBe(1);
  });

  it('leaves a file that is no YAML as it was, says why, and goes on with the next', async () => {
    const world = worldWith({ 'bad.yaml': 'version: 1\n\tmodels: [\n', 'good.yaml': UGLY });
    expect(await world.llmops('fmt', 'bad.yaml', 'good.yaml')).toBe(1);
    expect(world.stderr.text).toContain('bad.yaml:2');
    expect(readFileSync(join(world.cwd, 'bad.yaml'), 'utf8')).toBe('version: 1\n\tmodels: [\n');
    expect(readFileSync(join(world.cwd, 'good.yaml'), 'utf8')).toBe(await pretty());
  });

  it('formats a file with wrong keys too: style and meaning are two things', async () => {
    const world = worldWith({ 'llmops.yaml': 'version: 1\nmodles:   {}\n' });
    expect(await world.llmops('fmt')).toBe(0);
    expect(readFileSync(join(world.cwd, 'llmops.yaml'), 'utf8')).toBe('version: 1\nmodles: {}\n');
  });

  it('a missing file is an error that says what to do', async () => {
    const world = newWorld();
    expect(await world.llmops('fmt', 'nope.yaml')).toBe(1);
    expect(world.stderr.text).toContain('nope.yaml');
    expect(existsSync(join(world.cwd, 'nope.yaml'))).toBe(false);
  });

  it('works in the folder of -C', async () => {
    const world = newWorld();
    mkdirSync(join(world.cwd, 'sub'));
    writeFileSync(join(world.cwd, 'sub', 'llmops.yaml'), UGLY);
    expect(await world.llmops('fmt', '-C', 'sub')).toBe(0);
    expect(world.stdout.text).toBe('sub/llmops.yaml\n');
  });
});
