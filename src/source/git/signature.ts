import { stat } from 'node:fs/promises';
import type { Problem } from '../../domain/problem.ts';
import type { Answer } from '../../programs/index.ts';
import type { Env, Setting } from './environment.ts';
import { fileSetting, type Home } from './home.ts';
import type { Mirror } from './mirror.ts';
import { plain } from './words.ts';
import { judgeGpg, judgeSsh, KINDS, refusal, type Kind } from './signature-words.ts';

/** Whom the signature of a commit names, or why it counts for nothing. `signer` null: nobody asked. */
export type Verdict = { readonly signer: string | null } | { readonly problem: Problem };

/** Which signatures count. */
export type Verify = 'none' | Kind;

/** Looks at the signature of a commit that the mirror has. Throws MirrorDamaged. */
export type Judge = (commit: string, signal: AbortSignal) => Promise<Verdict>;

const ALLOWED = 'gpg.ssh.allowedsignersfile';
const REVOKED = 'gpg.ssh.revocationfile';

/** A program that vouches for nothing: git picks the one to ask by the signature, which the author of the commit wrote. */
const NOBODY = '/bin/false';
const WITHOUT: Readonly<Record<Kind, readonly string[]>> = {
  ssh: ['gpg.program', 'gpg.openpgp.program', 'gpg.x509.program'],
  gpg: ['gpg.ssh.program', 'gpg.x509.program'],
};

/** Where git finds whom to trust: as the folder has it in which llmops was started, and never as a fetched file has it. */
export function trustSettings(home: Home): readonly Setting[] {
  return [ALLOWED, REVOKED].flatMap((key) => {
    const file = fileSetting(home, key);
    return file === null ? [] : [[key, file] as const];
  });
}

/** Git judges by the time of the commit whether a key was valid, as `git verify-commit` does. */
export function judgeOf(verify: Verify, mirror: Mirror, home: Home, env: Env): Judge {
  if (verify === 'none') return async () => ({ signer: null });
  return async (commit, signal) => {
    const kind = kindIn(await mirror.text(['cat-file', 'commit', commit], signal));
    if (kind !== verify) return { problem: refusal(kind === null ? 'git-not-signed' : 'git-other-signature', commit, verify, kind ?? '') };
    const ask = async (...flags: string[]): Promise<Verdict> =>
      verdictOf(await verifyCommit(mirror, commit, verify, flags, signal), commit, verify);
    return verify === 'gpg' ? ask() : ((await untold(commit, home, env)) ?? exact(await ask(), ask, commit, home));
  };
}

/** What git needs to judge an SSH signature and does not have; null: it has all. */
async function untold(commit: string, home: Home, env: Env): Promise<Verdict | null> {
  const [allowed, revoked] = [fileSetting(home, ALLOWED), fileSetting(home, REVOKED)];
  if (!(await isThere(allowed, env))) return { problem: refusal('git-no-allowed-signers', commit, 'ssh', '') };
  // Git goes on without a list that it cannot find, and then nobody is revoked.
  if (revoked === null || (await isThere(revoked, env))) return null;
  return { problem: refusal('git-no-revoked-signers', commit, 'ssh', plain(revoked)) };
}

/** Git does not say that a key is revoked. It is, if the signature were good without the list of these; it is refused in either case. */
async function exact(verdict: Verdict, ask: (...flags: string[]) => Promise<Verdict>, commit: string, home: Home): Promise<Verdict> {
  const isUnclear = 'problem' in verdict && verdict.problem.code === 'git-bad-signature' && fileSetting(home, REVOKED) !== null;
  const without = isUnclear ? await ask('-c', `${REVOKED}=/dev/null`) : verdict;
  return isUnclear && 'signer' in without ? { problem: refusal('git-signer-revoked', commit, 'ssh', without.signer ?? '') } : verdict;
}

function verifyCommit(mirror: Mirror, commit: string, verify: Kind, flags: readonly string[], signal: AbortSignal): Promise<Answer> {
  const others = WITHOUT[verify].flatMap((key) => ['-c', `${key}=${NOBODY}`]);
  return mirror.ask([...others, ...flags, 'verify-commit', '--raw', commit], signal);
}

function verdictOf({ how, code, stderr }: Answer, commit: string, verify: Kind): Verdict {
  const judged = verify === 'ssh' ? judgeSsh(stderr) : judgeGpg(stderr);
  const isGood = how === 'ended' && code === 0;
  if ('signer' in judged) return isGood ? judged : { problem: refusal('git-bad-signature', commit, verify, 'git does not accept it') };
  return { problem: refusal(judged.code, commit, verify, judged.found) };
}

/** What the signature in a commit looks like; null: it has none. */
function kindIn(commit: string): Kind | 'unknown' | null {
  const head = commit.slice(0, commit.indexOf('\n\n') + 1 || undefined);
  const first = /^gpgsig(?:-sha256)? (.*)$/m.exec(head)?.[1];
  if (first === undefined) return null;
  return KINDS.find(({ begins }) => begins.test(first))?.kind ?? 'unknown';
}

/** `%(prefix)/` is git's to read. */
async function isThere(file: string | null, env: Env): Promise<boolean> {
  if (file === null) return false;
  if (/^(?:%|~[^/])/.test(file)) return true;
  const path = file.startsWith('~') ? `${env['HOME'] ?? ''}${file.slice(1)}` : file;
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
