import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readAttachments } from '../../src/catalog/attachments.ts';
import { makeShelf, type Shelf } from './setup.ts';

let shelf: Shelf;
beforeEach(() => void (shelf = makeShelf()));
afterEach(() => shelf.remove());

const KEY = 'options.chatTemplateFile';
const read = (file: string, allowOutside = false) =>
  readAttachments({ [KEY]: file }, { baseDir: shelf.folder, allowOutside, model: 'chat' });

describe('a file that an option names', () => {
  test('counts by its content: another text is another setting', async () => {
    shelf.put('a.jinja', 'one');
    const first = await read('a.jinja');
    expect(first.digests).toEqual({ 'a.jinja': createHash('sha256').update('one').digest('hex') });
    shelf.put('a.jinja', 'two');
    expect((await read('a.jinja')).digests).not.toEqual(first.digests);
  });

  test('that is missing, outside of the folder or far too large is a problem at its key', async () => {
    shelf.put('large.jinja', 'x'.repeat(2 * 1024 * 1024));
    for (const file of ['missing.jinja', '/etc/hostname', 'large.jinja']) {
      const { digests, findings } = await read(file);
      expect(digests, file).toEqual({});
      expect(
        findings.map(({ key, problem }) => [key, problem.code]),
        file,
      ).toEqual([[KEY, 'attachment-unusable']]);
    }
  });

  test('whose content is known is not looked at', async () => {
    const known = { 'gone.jinja': 'a'.repeat(64) };
    const where = { baseDir: shelf.folder, allowOutside: false, model: 'chat', known };
    expect(await readAttachments({ [KEY]: 'gone.jinja' }, where)).toEqual({ digests: known, findings: [] });
  });

  test('may lie outside where the stack allows it', async () => {
    expect(Object.keys((await read('/etc/hostname', true)).digests)).toEqual(['/etc/hostname']);
  });
});
