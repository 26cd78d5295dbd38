import type { Problem } from '../../domain/problem.ts';
import { short } from './tree.ts';
import { plain } from './words.ts';

/** A kind of signature that can be asked for. */
export type Kind = 'ssh' | 'gpg';

/** How each of them begins in a commit. */
export const KINDS: readonly { readonly kind: Kind; readonly begins: RegExp }[] = [
  { kind: 'ssh', begins: /^-----BEGIN SSH SIGNATURE-----$/ },
  { kind: 'gpg', begins: /^-----BEGIN PGP (?:SIGNATURE|MESSAGE)-----$/ },
];

type Code =
  | 'git-not-signed'
  | 'git-other-signature'
  | 'git-no-allowed-signers'
  | 'git-no-revoked-signers'
  | 'git-unknown-signer'
  | 'git-signer-expired'
  | 'git-signer-revoked'
  | 'git-bad-signature';

/** What a program said of a signature: whom it names, or what is wrong with it. */
export type Judged = { readonly signer: string } | { readonly code: Code; readonly found: string };

/** Reads what ssh-keygen says through git. That the signature fits the key says nothing of whose key it is. */
export function judgeSsh(said: string): Judged {
  const signer = /^Good "git" signature for (.+) with \S+ key \S+$/m.exec(said)?.[1];
  const key = /\bkey (SHA256:\S+)/.exec(said)?.[1] ?? 'a key that ssh-keygen does not name';
  if (/revoked/i.test(said)) return { code: 'git-signer-revoked', found: key };
  if (/key has expired|key is not yet valid/i.test(said)) return { code: 'git-signer-expired', found: key };
  if (/not permitted for use in signature namespace/i.test(said))
    return { code: 'git-unknown-signer', found: `${key}, which is not allowed to sign for git` };
  if (signer !== undefined) return { signer: plain(signer) };
  if (/No principal matched/i.test(said) && /^Good "git" signature/m.test(said)) return { code: 'git-unknown-signer', found: key };
  return { code: 'git-bad-signature', found: plain(said, 160) };
}

/** Reads what gpg tells programs. More than one signature, or one of a key that its owner never trusts, is none. */
export function judgeGpg(said: string): Judged {
  const lines = said.split('\n').flatMap((line) => (line.startsWith('[GNUPG:] ') ? [line.slice(9)] : []));
  const argument = (word: string): string | undefined => lines.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1);
  const named = (word: string): string | undefined => argument(word)?.replace(/^\S+ /, '');
  if (argument('REVKEYSIG') !== undefined) return { code: 'git-signer-revoked', found: plain(named('REVKEYSIG') ?? '') };
  const expired = named('EXPKEYSIG') ?? named('EXPSIG');
  if (expired !== undefined) return { code: 'git-signer-expired', found: plain(expired) };
  const missing = argument('NO_PUBKEY') ?? argument('ERRSIG');
  if (missing !== undefined) return { code: 'git-unknown-signer', found: `key ${plain(missing.split(' ')[0] ?? '')}` };
  const good = lines.filter((line) => line.startsWith('GOODSIG '));
  const isOnly = good.length === 1 && lines.filter((line) => line.startsWith('NEWSIG')).length <= 1;
  if (!isOnly || argument('BADSIG') !== undefined) return { code: 'git-bad-signature', found: plain(named('BADSIG') ?? said, 160) };
  const signer = plain(named('GOODSIG') ?? '');
  return lines.some((line) => line.startsWith('TRUST_NEVER'))
    ? { code: 'git-unknown-signer', found: `${signer}, never to be trusted` }
    : { signer };
}

const SUMMARY: Readonly<Record<Code, (found: string, wanted: string) => string>> = {
  'git-not-signed': () => 'is not signed',
  'git-other-signature': (found, wanted) =>
    `has ${found === 'unknown' ? 'another signature' : `a signature of ${found}`}, and not one of ${wanted}`,
  'git-no-allowed-signers': () => 'cannot be verified: git was not told whose SSH signatures count',
  'git-no-revoked-signers': (found) => `cannot be verified: the list of revoked keys, ${found}, is not there`,
  'git-unknown-signer': (found) => `is signed by somebody who is not known here (${found})`,
  'git-signer-expired': (found) => `is signed with a key that was not valid when it was made (${found})`,
  'git-signer-revoked': (found) => `is signed with a key that was revoked (${found})`,
  'git-bad-signature': (found) => `has a signature that does not fit it (${found})`,
};

const SIGN: Readonly<Record<Kind, string>> = {
  ssh: 'Sign it with an SSH key (git config gpg.format ssh; git commit --amend --no-edit -S) and push, or set verify: none.',
  gpg: 'Sign it with an OpenPGP key (git commit --amend --no-edit -S) and push, or set verify: none.',
};

const TRUST: Readonly<Record<Kind, string>> = {
  ssh: 'If the key is to be trusted, put a line `NAME KEY` into the file that gpg.ssh.allowedSignersFile names on this machine. Else sign with another key.',
  gpg: 'If the key is to be trusted, import it (gpg --import) as the person who runs llmops. Else sign with another key.',
};

const ALLOW =
  'Make a file of lines `NAME KEY` and name it: git config gpg.ssh.allowedSignersFile FILE, in the repository here or with --global.';

const RESTORE =
  'Put the file that gpg.ssh.revocationFile names in its place again (an empty one revokes nothing), or take the setting away.';

/** Why a commit is not used. `found`: what it has instead. */
export function refusal(code: Code, commit: string, wanted: Kind, found: string): Problem {
  return {
    severity: 'error',
    code,
    summary: `Commit ${short(commit)} ${SUMMARY[code](found, wanted)}, so it is not used.`,
    fix: fixOf(code, wanted),
  };
}

function fixOf(code: Code, wanted: Kind): string {
  if (code === 'git-no-allowed-signers') return ALLOW;
  if (code === 'git-no-revoked-signers') return RESTORE;
  if (code === 'git-unknown-signer') return TRUST[wanted];
  return code === 'git-signer-expired' || code === 'git-signer-revoked'
    ? 'Sign it with a key that is valid (git commit --amend --no-edit -S), and push.'
    : SIGN[wanted];
}
