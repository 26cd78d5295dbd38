import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plain, reasonOf, redactor } from '../../../src/source/git/words.ts';

const ended = (stderr: string) => ({ how: 'ended' as const, code: 128, stdout: '', stderr });

describe('Words of git', () => {
  it('come down to the reason, on one line', () => {
    const said =
      'warning: x\ngit@host: Permission denied (publickey).\r\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n';
    expect(reasonOf(ended(said), 1000)).toBe('git@host: Permission denied (publickey).');
    expect(reasonOf(ended(''), 1000)).toBe('git ended with 128');
    expect(reasonOf({ ...ended('x'), how: 'late' }, 10_000)).toBe('no answer within 10 s');
  });

  it.each([
    ['https://alice:pw@h/x?token=t', 'https://h/x'],
    ['ssh://git:pw@h/x', 'ssh://git@h/x'],
    ['ssh://git@h/x and git@h:x', 'ssh://git@h/x and git@h:x'],
    ["unable to access 'https://u@h/x/': 401", "unable to access 'https://h/x/': 401"],
  ])('%s is shown as %s', (text, shown) => {
    expect(redactor([])(text)).toBe(shown);
  });

  it('never hold a secret that is known, nor what a terminal obeys, whatever stands around it', () => {
    const secret = fc.stringMatching(/^[\w+/=%-]{8,40}$/);
    const property = fc.property(secret, fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (known, before, after) => {
      const shown = plain(redactor([known])(`${before}${known}${after}`));
      expect(shown).not.toContain(known);
      expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    });
    fc.assert(property);
  });
});
