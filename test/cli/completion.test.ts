import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { shapeOf } from '../../src/cli/completion/shape.ts';
import { newWorld } from './context.ts';

const launcher = resolve(import.meta.dirname, '../../bin/llmops');
const STACK =
  'version: 1\nname: desk\nbackends:\n  local: { type: embedded }\nmodels:\n  chat: { backend: local, source: "file:a.gguf" }\n  embed: { backend: local, source: "file:b.gguf" }\n';

let folder: string;
const scripts: Record<string, string> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'llmops-completion-'));
  writeFileSync(join(folder, 'llmops.yaml'), STACK);
  writeFileSync(join(folder, 'tuesday.plan'), '');
  symlinkSync(launcher, join(folder, 'llmops'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const file = join(folder, `completion.${shell}`);
    writeFileSync(file, execFileSync(launcher, ['completion', shell]));
    scripts[shell] = file;
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `npm test` needs no shell but sh: what is not installed is skipped, and the name of the test says why. */
const shellPath = (name: string): string | undefined =>
  ['/bin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'].map((place) => join(place, name)).find((path) => existsSync(path));
const withShell = (shell: string, name: string): string => (shellPath(shell) ? name : `${name} (skipped: ${shell} is not installed)`);

/** What bash offers after these words; the last one is being typed. */
function bash(...words: string[]): string[] {
  const program = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _llmops; printf "%s\\n" "${COMPREPLY[@]}"';
  const output = execFileSync(shellPath('bash') as string, ['-c', program, 'bash', scripts['bash'] as string, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${folder}:${process.env['PATH']}` },
  });
  return output.split('\n').filter(Boolean).sort();
}

describe.skipIf(!shellPath('bash'))(withShell('bash', 'Completion in bash'), () => {
  it('offers every verb, and those that begin as typed', () => {
    const verbs = shapeOf(buildProgram({} as never, '', () => undefined)).verbs.map((verb) => verb.name);
    expect(bash('llmops', '')).toEqual([...verbs].sort());
    expect(bash('llmops', 'va')).toEqual(['validate']);
    expect(bash('llmops', 'help', 'do')).toEqual(['doctor', 'down']);
  });

  it("offers a verb's flags and the global ones, each once", () => {
    const flags = bash('llmops', 'logs', '-');
    expect(flags).toEqual(expect.arrayContaining(['--chdir', '--follow', '--help', '--tail', '-f']));
    expect(new Set(flags).size).toBe(flags.length);
    expect(flags).not.toContain('--auto-approve');
  });

  it("offers a flag's choices, after a space and after =", () => {
    expect(bash('llmops', 'plan', '--format', '')).toEqual(['json', 'markdown', 'text']);
    expect(bash('llmops', 'plan', '--format', '=', 'ma')).toEqual(['markdown']);
    expect(bash('llmops', 'plan', '--format', '=')).toEqual(['json', 'markdown', 'text']);
    expect(bash('llmops', 'completion', '')).toEqual(['bash', 'fish', 'zsh']);
  });

  it('offers the names of the models in the stack that is meant', () => {
    expect(bash('llmops', 'plan', '--target', '')).toEqual(['chat', 'embed']);
    expect(bash('llmops', 'status', 'chat', 'e')).toEqual(['embed']);
    expect(bash('llmops', '-C', folder, 'logs', '-f', 'c')).toEqual(['chat']);
    expect(bash('llmops', 'status', '-f', 'nope.yaml', '')).toEqual([]);
  });

  it('offers files and folders where they belong, and nothing where nothing is known', () => {
    expect(bash('llmops', 'apply', 'tue')).toEqual(['tuesday.plan']);
    expect(bash('llmops', 'plan', '--out', 'llm')).toEqual(['llmops', 'llmops.yaml']);
    expect(bash('llmops', '-C', 'llm')).toEqual([]);
    expect(bash('llmops', 'plan', '--lock-timeout', '')).toEqual([]);
  });
});

const zsh = shellPath('zsh');
it.skipIf(!zsh)(withShell('zsh', 'The script for zsh is valid zsh'), () => {
  expect(execFileSync(zsh as string, ['-n', scripts['zsh'] as string], { encoding: 'utf8' })).toBe('');
});

/** What fish offers at the end of this line. */
function offeredByFish(line: string): string[] {
  const env = { HOME: folder, PATH: `${folder}:${process.env['PATH']}` };
  const output = execFileSync(shellPath('fish') as string, ['--no-config', '-c', `source ${scripts['fish']}; complete -C '${line}'`], {
    cwd: folder,
    encoding: 'utf8',
    env,
  });
  return output
    .split('\n')
    .filter(Boolean)
    .map((row) => row.split('\t')[0] as string);
}

const fish = shellPath('fish');
it.skipIf(!fish)(withShell('fish', 'Completion in fish offers verbs, choices and models'), () => {
  expect(offeredByFish('llmops va')).toEqual(['validate']);
  expect(offeredByFish('llmops plan --format ')).toEqual(['json', 'markdown', 'text']);
  expect(offeredByFish('llmops logs -f ')).toEqual(['chat', 'embed']);
});

describe('completion', () => {
  it('without a shell says which there are', async () => {
    const world = newWorld();
    expect(await world.llmops('completion')).toBe(1);
    expect(world.stderr.text).toContain('llmops completion bash');
  });

  it('--models is silent where there is no valid stack', async () => {
    const world = newWorld();
    expect(await world.llmops('completion', '--models')).toBe(0);
    expect(world.stdout.text + world.stderr.text).toBe('');
  });

  it('names every verb and flag in every script', () => {
    const shape = shapeOf(buildProgram({} as never, '', () => undefined));
    const flags = [...shape.flags, ...shape.verbs.flatMap((verb) => verb.flags)]
      .map((flag) => flag.long?.slice(2))
      .filter((name) => name !== undefined);
    for (const shell of ['bash', 'zsh', 'fish']) {
      const script = execFileSync(launcher, ['completion', shell], { encoding: 'utf8' });
      expect([...flags, ...shape.verbs.map((verb) => verb.name)].filter((name) => !script.includes(name))).toEqual([]);
    }
  });
});
