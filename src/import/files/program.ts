import { entry, type Item, type NotCarried } from '../imported.ts';
import { llamaModel } from '../llama/index.ts';
import { vllmModel, VLLM_INERT } from '../vllm/index.ts';
import { programName } from '../words.ts';

/** A command that another tool starts. */
export interface Call {
  /** What the tool calls the model or service. */
  readonly original: string;
  /** With the program's name. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly path: (written: string) => string | null;
}

/** What became of a command. `backend`: original name of the backend that it belongs to. */
export interface CallTaken {
  readonly model: (Item & { readonly backend: 'llama.cpp' | 'vllm' }) | null;
  readonly notCarried: readonly NotCarried[];
}

/** Variables that say nothing about the model. */
const QUIET = /^(PATH|HOME|LANG|LC_\w+|TZ|TERM|USER|PWD)$/;

/** Turns a command into a model, if its program is one that llmops runs. Pure. */
export function takeCall(call: Call): CallTaken {
  const { original, env, path } = call;
  const words = withoutEnv(call.words);
  const lost = (what: string, why: string): NotCarried => ({ what, why, where: original });
  const at = words.slice(0, 3).findIndex((word) => /^(llama-server|vllm)$/.test(programName(word)));
  if (at < 0) {
    const program = programName(words[0] ?? '') || 'nothing';
    const why = /^(docker|podman)$/.test(program)
      ? `it runs in a container that ${program} starts; write the program's own flags as a model`
      : 'its program is none that llmops runs (llama-server, vllm)';
    return { model: null, notCarried: [{ what: original, why }] };
  }
  const isVllm = programName(words[at] as string) === 'vllm';
  const rest = words.slice(at + 1);
  const told = isVllm ? vllmModel(rest[0] === 'serve' ? rest.slice(1) : rest, path) : llamaModel({ words: rest, env, path });
  const variables = Object.keys(env).filter((name) => !/^LLAMA_(ARG_|API_KEY$)/.test(name) && !QUIET.test(name));
  const notCarried = [
    ...told.lost.map(({ what, why }) => lost(what, why)),
    ...variables.map((name) => lost(name, 'llmops sets no variables for engines')),
  ];
  if (told.source === null)
    return { model: null, notCarried: [{ what: original, why: 'it names no weights that can be found from here' }, ...notCarried] };
  return { model: { original, notes: [], backend: isVllm ? 'vllm' : 'llama.cpp', entries: told.entries }, notCarried };
}

/** `env A=1 B=2 program`: the variables may hold secrets, and are not ours to keep. */
function withoutEnv(words: readonly string[]): readonly string[] {
  if (programName(words[0] ?? '') !== 'env') return words;
  const at = words.findIndex((word, index) => index > 0 && !/^\w+=/.test(word));
  return at < 0 ? [] : words.slice(at);
}

/** The backends that these models need, and what is to be said about them. */
export function backendsFor(models: readonly { readonly backend: string }[]): {
  readonly backends: readonly Item[];
  readonly notCarried: readonly NotCarried[];
} {
  const types = ['llama.cpp', 'vllm'].filter((type) => models.some(({ backend }) => backend === type));
  return {
    backends: types.map((type) => ({ original: type, notes: [], entries: entry('type', type) })),
    notCarried: types.includes('vllm') ? [VLLM_INERT] : [],
  };
}
