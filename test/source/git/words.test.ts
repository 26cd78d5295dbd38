import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plain, reasonOf, redactor } from '../../../src/source/git/words.ts';

const ended = (stderr: string) => ({ how: 'ended' as const, code: 128, stdout: '', stderr });

const FRAME = '@'.repeat(59);
/** As OpenSSH 9.2 writes it. */
const CHANGED = `${FRAME}
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
${FRAME}
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Someone could be eavesdropping on you right now (man-in-the-middle attack)!
It is also possible that a host key has just been changed.
The fingerprint for the ED25519 key sent by the remote host is
SHA256:jhmPv3cK.
Please contact your system administrator.
Add correct host key in /home/ann/.ssh/known_hosts to get rid of this message.
Offending ED25519 key in /home/ann/.ssh/known_hosts:1
  remove with:
  ssh-keygen -f "/home/ann/.ssh/known_hosts" -R "[10.0.0.7]:2222"
Host key for [10.0.0.7]:2222 has changed and you have requested strict checking.
Host key verification failed.
fatal: Could not read from remote repository.
`;
const OPEN = `${FRAME}
@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @
${FRAME}
Permissions 0644 for '/home/ann/.ssh/key' are too open.
It is required that your private key files are NOT accessible by others.
This private key will be ignored.
Load key "/home/ann/.ssh/key": bad permissions
git@h: Permission denied (publickey).
fatal: Could not read from remote repository.
`;

describe('Words of git', () => {
  it('come down to the reason, on one line', () => {
    const said =
      'warning: x\ngit@host: Permission denied (publickey).\r\nfatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n';
    expect(reasonOf(ended(said), 1000)).toBe('git@host: Permission denied (publickey).');
    expect(reasonOf(ended(''), 1000)).toBe('git ended with 128');
    expect(reasonOf({ ...ended('x'), how: 'late' }, 10_000)).toBe('no answer within 10 s');
  });

  it('tell of a host that has another key what it has now, and not the frame that ssh draws around it', () => {
    expect(reasonOf(ended(CHANGED), 1000)).toBe('the host key of [10.0.0.7]:2222 is another one than before, SHA256:jhmPv3cK');
  });

  it('tell why ssh did not take a key', () => {
    expect(reasonOf(ended(OPEN), 1000)).toBe(
      'Permissions 0644 for \'/home/ann/.ssh/key\' are too open.; Load key "/home/ann/.ssh/key": bad permissions; git@h: Permission denied (publickey).',
    );
    expect(
      reasonOf(
        ended('Warning: Identity file /no not accessible: No such file or directory.\ngit@h: Permission denied (publickey).\n'),
        1000,
      ),
    ).toContain('/no not accessible');
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
