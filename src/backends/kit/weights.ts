import type { CheckProblem } from '../../domain/backend.ts';
import type { Artifact, ModelSpec } from '../../domain/desired.ts';
import type { Problem } from '../../domain/problem.ts';
import type { Beside } from '../../domain/weights.ts';

/** Why llama.cpp would not load these weights, whatever program it is in; null: they are GGUF. `engine`: as it is called within a sentence. */
export function notGguf(model: ModelSpec, artifact: Artifact, engine: string): CheckProblem | null {
  if (artifact.gguf) return null;
  return {
    severity: 'error',
    code: 'weights-not-gguf',
    field: 'source',
    summary: `${artifact.source} of ${model.name} is not a GGUF file, and ${engine} reads nothing else.`,
    fix: 'Name a .gguf file in `source`, or convert these weights with convert_hf_to_gguf.py of llama.cpp.',
  };
}

/**
 * What is said of that which a source offers beside its weights, since nothing but weights is fetched: a model without its adapter
 * is another one, a model without its projector reads text alone. `fix`: how this engine is given one; null: it was given, or the
 * user said to go without.
 */
export function leftBeside({ name, source }: ModelSpec, { remote }: Artifact, fix: (what: Beside) => string | null): readonly Problem[] {
  return (remote?.beside ?? []).flatMap((what) => {
    const how = fix(what);
    if (how === null) return [];
    const isAdapter = what === 'adapter';
    const loss = isAdapter ? 'without it, it is another model' : 'without it, the model reads text alone';
    const summary = `${source.written} of ${name} has ${isAdapter ? 'an adapter (LoRA)' : 'a projector (mmproj)'} beside its weights, which is not fetched: ${loss}.`;
    return [{ severity: isAdapter ? ('error' as const) : ('warning' as const), code: 'weights-only', summary, fix: how }];
  });
}
