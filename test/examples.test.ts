import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { installFake } from '../src/backends/llama.cpp/fake/main.ts';
import { makePlace } from './promises/stack.ts';

const examples = join(import.meta.dirname, '../examples');
const stories = readdirSync(examples).filter((name) => name !== 'models' && statSync(join(examples, name)).isDirectory());
const folders = [join(examples, '..'), ...stories.map((story) => join(examples, story))];

const bin = mkdtempSync(join(tmpdir(), 'llmops-examples-'));
installFake(bin);
const place = await makePlace();
afterAll(async () => {
  rmSync(bin, { recursive: true, force: true });
  await place.remove();
});

describe('Every example, and the root llmops.yaml', () => {
  it.each(folders)('%s is in canonical style', async (folder) => {
    const ended = await place.llmops(['-C', folder, 'fmt', '--check']);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  });

  it.each(folders)('%s can be planned', async (folder) => {
    const ended = await place.llmops(['-C', folder, 'plan'], { PATH: `${bin}:${process.env['PATH']}` });
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/^Plan: [1-9]\d* to add, 0 to change, 0 to replace, 0 to destroy\.$/m);
    expect(ended.stdout).not.toContain('blocked');
  });
});
