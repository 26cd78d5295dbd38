import type { BackendSpec } from '../../domain/desired.ts';
import type { Problem } from '../../domain/problem.ts';

/** Somebody else's model has the name that clients would send. */
export function nameTaken(model: string, url: string): Problem {
  return {
    severity: 'error',
    code: 'name-taken',
    summary: `The Ollama server at ${url} has a model named ${model} that llmops did not make. It was left as it is.`,
    fix: `Give the model another name in llmops.yaml, or the other one: \`ollama cp ${model} OTHER\`, then \`ollama rm ${model}\`.`,
  };
}

/** A source names a registry that is not on the list. */
export function registryNotAllowed(model: string, host: string, { name }: Pick<BackendSpec, 'name'>): Problem {
  return {
    severity: 'error',
    code: 'registry-not-allowed',
    summary: `${model} comes from the registry ${host}, which backends.${name}.registries does not name. Nothing was fetched.`,
    fix: `If you trust it, add it to backends.${name}.registries.`,
  };
}
