import { ProblemError } from '../domain/problem.ts';
import type { Problem } from '../domain/problem.ts';
import { quoted, shown } from './failures.ts';
import { saidIn } from './answer.ts';
import type { Answer } from './answer.ts';
import type { HubAccess } from './token.ts';

/** What was asked of the Hub. */
export interface Asked {
  readonly repo: string;
  readonly revision: string | null;
  /** null: the list of files. */
  readonly file: string | null;
  readonly access: HubAccess;
}

/**
 * The problem behind an answer of the Hub that is not 200. It tells by `X-Error-Code`: GatedRepo, RepoNotFound,
 * RevisionNotFound, EntryNotFound; a repository that may not be seen looks as if it did not exist, and where nobody is
 * logged in that is 401. Source: huggingface_hub, utils/_http.py, `hf_raise_for_status`.
 */
export function hubProblem(answer: Answer, asked: Asked): ProblemError {
  return new ProblemError(problemBehind(answer, asked));
}

function problemBehind(answer: Answer, asked: Asked): Omit<Problem, 'severity'> {
  const { status, headers } = answer;
  const { repo, revision, file, access } = asked;
  const code = headers['x-error-code'];
  if (code === 'GatedRepo') return gated(repo, access);
  if (code === 'RevisionNotFound')
    return {
      code: 'revision-not-found',
      summary: `${repo} has no branch, tag or commit ${revision ?? 'main'}. Nothing was changed.`,
      fix: `Look at ${access.endpoint}/${repo}/tree/main and correct the revision in \`source\` or \`revision\`.`,
    };
  if (code === 'EntryNotFound')
    return {
      code: 'file-not-in-repository',
      summary: `${repo} has no file ${file ?? ''} any more. Nothing was changed.`,
      fix: 'Run the same command again; if it happens again, name another file.',
    };
  if (status === 401 && access.token !== null && /credentials|token/i.test(saidIn(answer))) return tokenRefused(access);
  if (code === 'RepoNotFound' || status === 401 || status === 404) return notFound(repo, access);
  return refused(answer, asked);
}

function gated(repo: string, access: HubAccess): Omit<Problem, 'severity'> {
  const page = `${access.endpoint}/${repo}`;
  return {
    code: 'repository-gated',
    summary: `${repo} is gated: its owner lets in who has accepted the conditions${withheld(access)}. Nothing was changed.`,
    fix:
      access.token === null
        ? `Accept the conditions on ${page}, then set HF_TOKEN to a token of that account (or run: hf auth login).`
        : `Accept the conditions on ${page} with the account that the token belongs to. A fine-grained token also needs the right to read gated repositories.`,
  };
}

function notFound(repo: string, access: HubAccess): Omit<Problem, 'severity'> {
  return {
    code: 'repository-not-found',
    summary:
      access.token === null
        ? `${repo} does not exist on ${access.endpoint}, or is private${withheld(access)}. Nothing was changed.`
        : `${repo} does not exist on ${access.endpoint}, or the token may not see it. Nothing was changed.`,
    fix:
      access.token === null
        ? 'Check the name in `source`. If it is private, set HF_TOKEN to a token that may read it.'
        : 'Check the name in `source`, and that the token belongs to an account with access.',
  };
}

function tokenRefused(access: HubAccess): Omit<Problem, 'severity'> {
  return {
    code: 'hub-token',
    summary: `${access.endpoint} does not know the token it was sent. Nothing was changed.`,
    fix: 'Set HF_TOKEN to a token that is valid, or unset it for public repositories (or run: hf auth login).',
  };
}

function refused(answer: Answer, { repo }: Asked): Omit<Problem, 'severity'> {
  const said = saidIn(answer);
  return {
    code: 'source-refused',
    summary: `${shown(answer.url)} answers with status ${answer.status}${said === '' ? '' : `: ${quoted(said)}`}. Nothing was changed.`,
    fix: `Look at ${repo} in a browser; a token (HF_TOKEN) needs the right to read it.`,
  };
}

function withheld(access: HubAccess): string {
  return access.withheld ? ` (HF_TOKEN was not sent: ${access.endpoint} is not encrypted)` : '';
}
