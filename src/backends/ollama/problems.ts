import type { BackendSpec } from '../../domain/desired.ts';
import type { Problem } from '../../domain/problem.ts';
import type { Hold } from './holds.ts';

/** Somebody else's model has the name that clients would send; `stack`: the stack of llmops that gave it that name. */
export function nameTaken(model: string, url: string, stack: string | null = null): Problem {
  if (stack !== null)
    return {
      severity: 'error',
      code: 'name-taken',
      summary: `The Ollama server at ${url} has a model named ${model} that belongs to the stack ${stack}. It was left as it is.`,
      fix: 'Give the model another name in one of the two stacks: clients know it by its name alone.',
    };
  return {
    severity: 'error',
    code: 'name-taken',
    summary: `The Ollama server at ${url} has a model named ${model} that llmops did not make. It was left as it is.`,
    fix: `Give the model another name in llmops.yaml, or the other one: \`ollama cp ${model} OTHER\`, then \`ollama rm ${model}\`.`,
  };
}

/** Another stack was first. */
export function takenOver(model: string, name: string, owner: Hold): Omit<Problem, 'severity'> {
  return {
    code: 'instance-foreign',
    summary: `${name}, which was to be taken over for ${model}, belongs to ${ownerWords(owner)}. Nothing was changed.`,
    fix: `Leave it to that stack, or have a copy of its own for ${model}: leave out --adopt. \`llmops down\` there gives it back.`,
  };
}

/** "the stack lab, which took it over as chat" */
export function ownerWords({ stack, stackId, model }: Hold): string {
  return `the stack ${stack || stackId}, which took it over as ${model}`;
}

/** Two models of the same weights with other load options. */
export function weightsShared(model: string, other: string): Problem {
  return {
    severity: 'error',
    code: 'weights-shared',
    summary: `${model} has the same weights as ${other} and other load options; on one Ollama server they would throw each other out of memory at every request.`,
    fix: 'Give both the same context, offload and options, load the other one on demand, or put one of them on another server.',
  };
}

/** What was pinned is nowhere to be had. */
export function notKept(model: string, name: string, host: string): Problem {
  return {
    severity: 'error',
    code: 'weights-gone',
    summary: `${name} stands for something else now than when ${model} was pinned, and ${host} has not kept the weights of before. Nothing was changed on the server.`,
    fix: `To take what it stands for now: llmops lock --upgrade ${model}. If you have the file yourself: \`source: file:\`.`,
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
