import type { Artifact, ModelSpec } from '../../domain/desired.ts';
import type { Problem } from '../../domain/problem.ts';

/** Why llama.cpp would not load these weights, whatever program it is in; null: they are GGUF. `engine`: as it is called within a sentence. */
export function notGguf(model: ModelSpec, artifact: Artifact, engine: string): Problem | null {
  if (artifact.gguf) return null;
  return {
    severity: 'error',
    code: 'weights-not-gguf',
    summary: `${artifact.source} of ${model.name} is not a GGUF file, and ${engine} reads nothing else.`,
    fix: 'Name a .gguf file in `source`, or convert these weights with convert_hf_to_gguf.py of llama.cpp.',
  };
}
