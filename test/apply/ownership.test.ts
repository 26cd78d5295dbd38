import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { thisHolder } from '../../src/state/holder.ts';
import { claimStack, keepStackClaim, ownerOfName, stackOwnership } from '../../src/state/index.ts';

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

const chat = { backend: 'local', specHash: 'a', fields: {}, protect: false, generation: 1, at: '' };

const taken = { problem: { code: 'stack-name-taken' } };

/** A folder `current`, a link to one of two releases. */
function releases(): { readonly swap: () => void } {
  for (const name of ['1', '2']) {
    mkdirSync(file(`releases/${name}`), { recursive: true });
    writeFileSync(file(`releases/${name}/llmops.yaml`), '');
  }
  symlinkSync('releases/1', file('current'));
  return {
    swap: () => {
      symlinkSync('releases/2', file('next'));
      renameSync(file('next'), file('current'));
    },
  };
}

describe('A path that leads elsewhere tomorrow', () => {
  it('is the same stack for whoever deploys by a link to the newest release; the release before is another', async () => {
    const { swap } = releases();
    await claimStack(state('old'), file('current/llmops.yaml'));
    writeFileSync(join(state('old'), 'instances/chat-1.json'), '{}');
    for (const path of ['current/llmops.yaml', 'releases/1/llmops.yaml']) expect(await codes('old', path)).toEqual([]);
    swap();
    for (const path of ['current/llmops.yaml', 'releases/2/llmops.yaml']) {
      expect(await codes('old', path)).toEqual([]);
      expect(await claimStack(state('old'), file(path))).toBeNull();
    }
    await expect(codes('old', 'releases/1/llmops.yaml')).rejects.toMatchObject(taken);
  });

  it('also where the first apply did not go by the link, and where the folder before is gone', async () => {
    const { swap } = releases();
    await claimStack(state('old'), file('releases/1/llmops.yaml'));
    await claimStack(state('old'), file('current/llmops.yaml'));
    writeFileSync(join(state('old'), 'instances/chat-1.json'), '{}');
    swap();
    rmSync(file('releases/1'), { recursive: true });
    expect(await codes('old', 'current/llmops.yaml')).toEqual([]);
  });

  it('once it was followed, also where an earlier version wrote down what it led to', async () => {
    const { swap } = releases();
    writeFileSync(join(state('old'), 'stack.json'), JSON.stringify({ formatVersion: '1.0', file: file('releases/1/llmops.yaml') }));
    writeFileSync(join(state('old'), 'instances/chat-1.json'), '{}');
    expect(await codes('old', 'current/llmops.yaml')).toEqual([]);
    await keepStackClaim(state('old'), file('current/llmops.yaml'));
    swap();
    expect(await codes('old', 'current/llmops.yaml')).toEqual([]);
  });

  it('no more than that: what is claimed stays another’s where it was not led to', async () => {
    releases();
    await claimStack(state('old'), file('a.yaml'));
    writeFileSync(join(state('old'), 'instances/chat-1.json'), '{}');
    await keepStackClaim(state('old'), file('current/llmops.yaml'));
    await expect(codes('old', 'current/llmops.yaml')).rejects.toMatchObject(taken);
  });

  it('is one stack by a link and without it, whichever is gone', async () => {
    symlinkSync('a.yaml', file('link.yaml'));
    await claimStack(state('old'), file('link.yaml'));
    writeFileSync(join(state('old'), 'instances/chat-1.json'), '{}');
    expect(await codes('old', 'a.yaml')).toEqual([]);
    rmSync(file('link.yaml'));
    expect(await codes('old', 'a.yaml')).toEqual([]);
  });
});

describe('Whose state it is', () => {
  it('needs no word where it is nobody else’s', async () => {
    await claimStack(state('old'), file('a.yaml'));
    expect(await codes('old', 'a.yaml')).toEqual([]);
    expect(await codes('new', 'b.yaml')).toEqual([]);
  });

  it.each([
    ['an instance is on record', 'instances/chat-1.json', {}],
    ['a model is applied', 'inventory.json', { formatVersion: '1.0', generation: 1, appliedAt: '', backends: [], models: { chat } }],
    ['clients are sent somewhere', 'endpoints.json', { formatVersion: '1.0', models: { chat: { instance: 'c', url: 'http://x' } } }],
    ['what is on record is damaged', 'inventory.json', []],
  ])('is refused to another file of the same name while %s', async (_why, name, content) => {
    await claimStack(state('old'), file('a.yaml'));
    writeFileSync(join(state('old'), name), JSON.stringify(content));
    await expect(codes('old', 'b.yaml')).rejects.toMatchObject({ problem: { code: 'stack-name-taken' } });
    await expect(claimStack(state('old'), file('b.yaml'))).rejects.toMatchObject({ problem: { code: 'stack-name-taken' } });
    expect(await ownerOfName(state('old'), file('b.yaml'))).toBe(file('a.yaml'));
  });

  it('is refused while another process works on it, which may be about to start something', async () => {
    await claimStack(state('old'), file('a.yaml'));
    const own = thisHolder('llmops apply', 1);
    const hold = (holder: object) => writeFileSync(join(state('old'), 'holder.json'), JSON.stringify(holder));
    hold({ ...own, pid: 1, host: `not-${own.host}` });
    await expect(codes('old', 'b.yaml')).rejects.toMatchObject({ problem: { code: 'stack-name-taken' } });
    hold(own);
    expect(await codes('old', 'b.yaml')).toEqual(['stack-moved']);
  });

  it('goes over from a stack that is down, and back again', async () => {
    await claimStack(state('old'), file('a.yaml'));
    expect(await codes('old', 'b.yaml')).toEqual(['stack-moved']);
    for (const name of ['b.yaml', 'a.yaml']) expect(await claimStack(state('old'), file(name))).toMatchObject({ code: 'stack-moved' });
    expect(await codes('old', 'a.yaml')).toEqual([]);
  });

  it('is nobody’s for a new file only where it would end nobody’s models', async () => {
    expect(await ownerOfName(state('new'), file('b.yaml'))).toBeNull();
    await claimStack(state('old'), file('a.yaml'));
    expect(await ownerOfName(state('old'), file('a.yaml'))).toBeNull();
    expect(await ownerOfName(state('old'), file('b.yaml'))).toBe(file('a.yaml'));
    rmSync(file('a.yaml'));
    expect(await ownerOfName(state('old'), file('b.yaml'))).toBeNull();
    writeFileSync(join(state('old'), 'instances/chat-1.json'), '{}');
    expect(await ownerOfName(state('old'), file('b.yaml'))).toBe(file('a.yaml'));
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
