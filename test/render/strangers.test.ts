import { expect, test } from 'vitest';
import { renderStatusText } from '../../src/render/index.ts';
import { mixedStatus } from './status-story.ts';

const foreign = ['a', 'b', 'c', 'd'].map((name) => ({ backend: 'local', id: `pid-${name}`, model: name, endpoint: `http://h:${name}` }));

test('the wide status lists each stranger with address and pid, the narrow one does not', () => {
  const looks = { color: false, width: 80 };
  expect(renderStatusText({ ...mixedStatus(), foreign }, looks)).not.toContain('  · ');
  expect(renderStatusText({ ...mixedStatus(), foreign }, { ...looks, wide: true })).toContain('  · d   http://h:d   pid-d');
});
