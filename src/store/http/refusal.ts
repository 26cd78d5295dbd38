import { ProblemError } from '../../domain/problem.ts';
import type { Download } from '../types.ts';
import { strangersText } from '../words.ts';
import type { Answer } from './exchange.ts';

const KEPT = 'What was fetched before is kept.';

/** The problem of an answer that no further try will change. */
export function refusal(answer: Pick<Answer, 'status' | 'headers' | 'host'>, download: Download): ProblemError {
  const { status, host } = answer;
  const details = saidBy(answer, download);
  if (status === 401 || status === 403) return new ProblemError({ ...notAllowed(status, host, download), ...details });
  if (status === 404 || status === 410) {
    return new ProblemError({
      code: 'download-not-found',
      summary: `${download.what} is not there: ${host} answers ${status}. ${KEPT}`,
      fix: `Check the name${signsIn(download) ? '' : tokenHint(download)}; a file that was removed there can be pinned anew with \`llmops lock --upgrade\`.`,
      ...details,
    });
  }
  return new ProblemError({
    code: 'download-failed',
    summary: `${download.what} could not be fetched: ${host} answers ${status}. ${KEPT}`,
    fix: 'Check the address of the source.',
    ...details,
  });
}

/** Some hosts tell strangers that a private file does not exist. */
function tokenHint({ tokenVariable }: Download): string {
  return tokenVariable === undefined ? '' : `; if it is private, set ${tokenVariable}`;
}

function notAllowed(status: number, host: string, download: Download) {
  const variable = download.tokenVariable;
  const summary = (why: string): string => `${download.what} may not be fetched: ${host} answers ${status}, ${why}. ${KEPT}`;
  const code = 'download-not-allowed';
  if (download.login !== undefined) {
    const { why, fix } = download.login.told(host);
    return { code, summary: `${download.what} may not be fetched: ${host} answers ${status}. ${why} ${KEPT}`, fix };
  }
  if (!signsIn(download)) {
    const fix = variable === undefined ? 'Give the source a way to sign in.' : `Set ${variable} to a token that may read it.`;
    return { code, summary: summary('and no token was sent'), fix };
  }
  const token = variable === undefined ? 'the token' : `the token in ${variable}`;
  return status === 401
    ? { code, summary: summary(`${token} is not accepted`), fix: `Make a new one and set ${variable ?? 'it'}.` }
    : {
        code,
        summary: summary(`${token} has no access`),
        fix: 'Ask for access on the page of the model, with the account that the token belongs to, then run the command again.',
      };
}

function signsIn({ headers }: Download): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
}

/** The Hub says in a header of its own why it refuses. A stranger's words: made harmless, and without what was sent to it. */
function saidBy({ headers, host }: Pick<Answer, 'headers' | 'host'>, download: Download): { readonly details?: readonly string[] } {
  const said = headers['x-error-message'];
  if (typeof said !== 'string') return {};
  const secrets = Object.values(download.headers).flatMap((value) => [value, value.replace(/^\S+\s+/, '')]);
  return secrets.some((secret) => secret.length > 3 && said.includes(secret))
    ? {}
    : { details: [`${host}: ${strangersText(download.login?.conceal(said) ?? said)}`] };
}
