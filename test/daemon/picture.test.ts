import { describe, expect, it } from 'vitest';
import { renderStatusText } from '../../src/render/index.ts';
import { mixedStatus } from '../render/status-story.ts';
import { picture, PICTURES } from './pictures.ts';

const condition = (name: string, type: string) => {
  const found = PICTURES[name]?.conditions.find((one) => one.type === type);
  return `${found?.status} ${found?.reason}`;
};

describe('What a daemon tells of itself', () => {
  it.each([
    ['all is well', 'True InForce', 'False None'],
    ['two managers fight', 'False Contested', 'True Contested'],
    ['a start fails for good', 'False FailedBefore', 'True FailedBefore'],
    ['a plan waits for a person', 'False Parked', 'True Parked'],
    ['a plan waits for a window', 'False Parked', 'False None'],
    ['a commit is not signed', 'False GitUnsigned', 'True GitUnsigned'],
    ['git is away', 'False SourceUnavailable', 'False None'],
    ['git is away while a plan waits', 'False Parked', 'True Parked'],
    ['the stack is suspended', 'False Suspended', 'True Suspended'],
    ['a model is suspended that has crashed', 'False Suspended', 'False None'],
    ['a release was rolled back', 'False Quarantined', 'True Quarantined'],
    ['a guard stands in', 'False SourceUnavailable', 'False None'],
  ])('when %s: ready %s, stalled %s', (name, ready, stalled) => {
    expect([condition(name, 'Ready'), condition(name, 'Stalled')]).toEqual([ready, stalled]);
  });

  it('names what it does not get past, and of which model', () => {
    expect(PICTURES['two managers fight']).toMatchObject({
      held: [{ model: 'desk2', field: 'context' }],
      stalled: [{ code: 'contested', model: 'desk2', fix: 'Find the other one, then: llmops reconcile' }],
    });
    expect(PICTURES['a start fails for good']?.stalled).toMatchObject([{ code: 'failed-before', model: 'chat' }]);
    expect(PICTURES['a plan waits for a window']).toMatchObject({
      stalled: [],
      parked: { models: ['chat'], until: '2026-03-08T13:00:00.000Z' },
    });
  });

  it('says whether the release that it follows is in force, whatever came after it', () => {
    const inForce = Object.entries(PICTURES).flatMap(([name, one]) => (one.inForce ? [name] : []));
    expect(inForce).toEqual(['all is well', 'a commit is not signed', 'a file is not valid', 'git is away']);
    expect(PICTURES['git is away']?.trouble).toMatchObject({ kind: 'unavailable', since: '2026-03-08T11:57:00.000Z' });
    expect(picture({ standing: { roundMs: null } }).inForce).toBe(false);
  });
});

it('People read what it is at, why, and what to type', async () => {
  const status = { ...mixedStatus(), models: [], holder: null };
  const shown = Object.entries(PICTURES).map(([name, daemon]) => {
    const text = renderStatusText({ ...status, daemon }, { color: false, width: 100 });
    return `# ${name}\n${text.slice(text.indexOf('Daemon'), text.indexOf('\n\n'))}\n`;
  });
  await expect(shown.join('\n')).toMatchFileSnapshot('../render/cases/daemon.100.txt');
});
