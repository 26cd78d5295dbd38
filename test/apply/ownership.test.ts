import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimStack, stackOwnership } from '../../src/state/index.ts';

let dir: string;
const state = (name: string): string => join(dir, 'state', name);
const file = (name: string): string => join(dir, name);

beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'llmops-owner-')));
  for (const name of ['old', 'new']) mkdirSync(join(state(name), 'instances'), { recursive: true });
  writeFileSync(file('a.yaml'), '');
  writeFileSync(file('b.yaml'), '');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const codes = async (name: string, path: string) => (await stackOwnership(state(name), file(path))).map(({ code }) => code);

describe('Whose state it is', () => {
  it('needs no word where it is nobody else’s', async () => {
    await claimStack(state('old'), file('a.yaml'));
    expect(await codes('old', 'a.yaml')).toEqual([]);
    expect(await codes('new', 'b.yaml')).toEqual([]);
  });

  it('is refused to another file of the same name', async () => {
    await claimStack(state('old'), file('a.yaml'));
    await expect(codes('old', 'b.yaml')).rejects.toMatchObject({ problem: { code: 'stack-name-taken' } });
  });

  it('is told before it is taken over from a file that is gone', async () => {
    await claimStack(state('old'), file('a.yaml'));
    rmSync(file('a.yaml'));
    expect(await codes('old', 'b.yaml')).toEqual(['stack-moved']);
  });

  it('is told of the former name whose models are still on record', async () => {
    await claimStack(state('old'), file('a.yaml'));
    expect(await codes('new', 'a.yaml')).toEqual([]);
    writeFileSync(join(state('old'), 'instances/chat-1.json'), '{}');
    expect(await codes('new', 'a.yaml')).toEqual(['stack-renamed']);
  });
});
