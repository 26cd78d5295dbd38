import type { Login } from '../domain/login.ts';
import { ProblemError } from '../domain/problem.ts';
import { isNotTls, quoted } from './failures.ts';
import { saidIn } from './answer.ts';
import type { Answer } from './answer.ts';

/**
 * The problem behind an answer of a registry that is not 200. `name`: host, namespace, model and tag, for people.
 * `login`: what was tried to be let in.
 */
export function registryProblem(answer: Answer, name: string, login: Login): ProblemError {
  const { status } = answer;
  const said = login.conceal(saidIn(answer));
  const told = said === '' ? '' : `: ${quoted(said)}`;
  if (status === 404) {
    return new ProblemError({
      code: 'model-not-in-registry',
      summary: `There is no model ${name}${told}. Nothing was changed.`,
      fix: 'Check name and tag in `source`: Ollama lists tags at https://ollama.com/library/NAME/tags.',
    });
  }
  if (status === 401 || status === 403) {
    const { why, fix } = login.told(answer.url.host);
    return new ProblemError({
      code: 'registry-login',
      summary: `${name} does not exist or is private (status ${status})${told}. ${why} Nothing was changed.`,
      fix,
    });
  }
  return new ProblemError({
    code: 'registry-refused',
    summary: `The registry refuses ${name} with status ${status}${told}. Nothing was changed.`,
    fix: 'See what it says. With 412, the model needs a newer Ollama than the registry knows llmops to have.',
  });
}

/** A registry without TLS is told apart from one with a broken certificate; any other error stays what it is. */
export function plainRegistryProblem(error: unknown, host: string): unknown {
  if (!(error instanceof ProblemError) || error.problem.code !== 'source-tls' || !isNotTls(error)) return error;
  return new ProblemError(
    {
      code: 'registry-insecure',
      summary: `The registry ${host} speaks plain HTTP, and only registries on this machine may. Nothing was sent and nothing was changed.`,
      fix: `If the way there is safe, add ${host} to \`insecureRegistries\` in the options of the backend.`,
    },
    error,
  );
}
