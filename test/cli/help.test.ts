import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageInfo } from '../../src/cli/package-info.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { shapeOf, spellings } from '../../src/cli/completion/shape.ts';
import { newWorld } from './context.ts';

const shape = shapeOf(buildProgram({} as never, '', () => undefined));
const verbs = shape.verbs.filter((verb) => verb.name !== 'help');

/** What `--help` prints. */
async function helpOf(...argv: string[]): Promise<string> {
  const world = newWorld();
  expect(await world.llmops(...argv, '--help')).toBe(0);
  return world.stdout.text;
}

const tooWide = (text: string): readonly string[] => text.split('\n').filter((line) => line.length > 80);

describe('--help', () => {
  it('names every verb, within 80 columns', async () => {
    const text = await helpOf();
    expect(tooWide(text)).toEqual([]);
    expect(verbs.filter((verb) => !text.includes(`\n  ${verb.name} `))).toEqual([]);
  });

  it.each(verbs.map((verb) => verb.name))('of %s fits 80 columns and has examples that the parser takes', async (name) => {
    const text = await helpOf(name);
    expect(tooWide(text)).toEqual([]);
    const examples = [...text.matchAll(/^ {2}\$ (.+)$/gm)].flatMap((match) => commandsIn(match[1] as string));
    expect(examples.length).toBeGreaterThan(0);
    expect(examples.filter((words) => !isKnown(words)).map((words) => words.join(' '))).toEqual([]);
  });

  it.each(verbs.map((verb) => verb.name))('of %s tells the default of every time with its unit', async (name) => {
    const text = (await helpOf(name)).replace(/\n {4,}/g, ' ');
    const times = [...text.matchAll(/<duration> .*?\(default: (\S+)\)/g)].map(([, shown]) => shown);
    expect(times.length).toBe(text.split('<duration>').length - 1);
    expect(times.filter((shown) => !/^\d+(ms|s|m|h|d)$/.test(shown ?? ''))).toEqual([]);
  });
});

describe('The flags that a verb shows', () => {
  it.each([
    ['down', ['--auto-approve']],
    ['destroy', ['--replace']],
    ['diff', ['--allow-destroy']],
  ] as const)('of %s are those that mean something to it; %j are taken and not shown', async (name, flags) => {
    const text = await helpOf(name);
    const options = buildProgram({} as never, '', () => undefined).commands.find((command) => command.name() === name)?.options ?? [];
    for (const flag of flags) {
      expect(text).not.toContain(flag);
      expect(options.some(({ long }) => long === flag)).toBe(true);
    }
  });
});

/** Each call of llmops in a line of shell, as words. */
function commandsIn(line: string): readonly (readonly string[])[] {
  return [...line.matchAll(/\bllmops ((?:[^&|)<>"]|\$)*)/g)]
    .map((match) => (match[1] as string).trim().split(/\s+/))
    .filter((words) => words[0] !== '');
}

function isKnown([name, ...rest]: readonly string[]): boolean {
  const verb = shape.verbs.find((candidate) => candidate.name === name);
  if (!verb) return false;
  const flags = [...verb.flags, ...shape.flags].flatMap(spellings);
  return rest.filter((word) => /^-./.test(word)).every((word) => flags.includes(word.replace(/=.*/, '')));
}

describe('version', () => {
  it('tells llmops, Node, the plan format and the platform', async () => {
    const world = newWorld();
    expect(await world.llmops('version', '--json')).toBe(0);
    expect(JSON.parse(world.stdout.text)).toEqual({
      llmops: packageInfo().version,
      node: process.versions.node,
      planFormat: '1.0',
      platform: `${process.platform}-${process.arch}`,
      schema: join(packageInfo().root, 'schemas/llmops.schema.json'),
    });
    expect(await world.llmops('version')).toBe(0);
    expect(world.stdout.text).toContain(`llmops ${packageInfo().version}\n`);
  });

  it('prints where the schema for editors lies, which is there', async () => {
    const world = newWorld();
    expect(await world.llmops('version', '--schema')).toBe(0);
    expect(existsSync(world.stdout.text.trimEnd())).toBe(true);
  });
});

describe('A duration on the command line', () => {
  it.each(['--observe-timeout', '--lock-timeout'])('of %s has the units of llmops.yaml; a bare number is seconds', (flag) => {
    const read = readerOf('apply', flag);
    const given = ['0', '10', '1.5s', '500ms', '30s', '5m', '1h', '2 h', '24d'];
    expect(given.map(read)).toEqual([0, 10_000, 1500, 500, 30_000, 300_000, 3_600_000, 7_200_000, 2_073_600_000]);
    for (const wrong of ['', 's', '-5s', '5M', '1w', '1.2.3s', '1e9', 'soon']) expect(() => read(wrong), wrong).toThrow('is needed');
  });

  it('that no timer can wait is refused, instead of ending at once', async () => {
    const read = readerOf('plan', '--observe-timeout');
    expect(read('2147483647ms')).toBe(2_147_483_647);
    expect(() => read('2147483648ms')).toThrow('At most 24d');
    const world = newWorld();
    expect(await world.llmops('plan', '--observe-timeout', '1000h')).toBe(1);
    expect(world.stderr.text).toContain("'--observe-timeout <duration>' argument '1000h' is invalid. At most 24d");
  });
});

/** What a verb makes of the text that follows a flag. */
function readerOf(name: string, flag: string): (text: string) => unknown {
  const program = buildProgram({} as never, '', () => undefined);
  const option = program.commands.find((command) => command.name() === name)?.options.find(({ long }) => long === flag);
  return (text) => option?.parseArg?.(text, undefined as never);
}
