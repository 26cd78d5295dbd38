import { describe, expect, it } from 'vitest';
import { newWorld } from './context.ts';

/** What is said of a command line that cannot be taken, without its first line. */
async function advice(...argv: readonly string[]): Promise<readonly string[]> {
  const world = newWorld();
  expect(await world.llmops(...argv)).toBe(1);
  const [first, ...rest] = world.stderr.text.trimEnd().split('\n');
  expect(first).toMatch(/^error: /);
  return rest;
}

const VERBS = '(type llmops --help for the verbs)';

describe('A command line that cannot be taken', () => {
  it.each([
    ['stop', 'down'],
    ['start', 'apply'],
    ['run', 'apply'],
    ['ps', 'status'],
    ['list', 'status'],
    ['ls', 'status'],
    ['rm', 'destroy'],
    ['pull', 'apply --prefetch-only'],
  ])('with the verb %s of another tool names ours that does that', async (word, ours) => {
    expect(await advice(word)).toEqual([`(Did you mean \`llmops ${ours}\`?)`, VERBS]);
  });

  it('with a slip names the nearest verb, and nothing where none is near', async () => {
    expect(await advice('statsu')).toEqual(['(Did you mean status?)', VERBS]);
    expect(await advice('toString')).toEqual([VERBS]);
  });

  it('with a flag before its verb tells where flags stand', async () => {
    expect(await advice('-f', 'my file.yaml', 'plan')).toEqual(["(Flags of a verb stand behind it: llmops plan -f 'my file.yaml')", VERBS]);
    expect(await advice('--file=x', 'plan')).toEqual(['(Flags of a verb stand behind it: llmops plan --file=x)', VERBS]);
    expect(await advice('--nonsense', 'plan')).toEqual([VERBS]);
  });

  it('with a word too much names the flag that takes such a word', async () => {
    expect(await advice('validate', 'other.yaml')).toEqual([
      '(Did you mean `llmops validate -f other.yaml`?)',
      '(type llmops validate --help for its flags)',
    ]);
    expect((await advice('down', 'chat'))[0]).toBe('(Did you mean `llmops down --target chat`?)');
    expect(await advice('doctor', 'chat')).toEqual(['(type llmops doctor --help for its flags)']);
  });

  it('points to the help of the verb that was typed', async () => {
    expect(await advice('status', '--taget', 'x')).toEqual(['(type llmops status --help for its flags)']);
  });
});
