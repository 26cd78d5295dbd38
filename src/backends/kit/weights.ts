import type { CheckProblem } from '../../domain/backend.ts';
import type { Artifact, ModelSpec } from '../../domain/desired.ts';

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
