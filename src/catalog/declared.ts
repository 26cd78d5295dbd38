import type { Artifact, ModelSpec } from '../domain/desired.ts';
import type { Problem } from '../domain/problem.ts';

/** A problem and the key of the model that it is about. */
export interface Finding {
  /** Below `models.NAME.`: source, sha256, options.chatTemplateFile. */
  readonly key: string;
  readonly problem: Problem;
}

/** What the file is, against what was declared about it. Pure. */
export function compareDeclared(model: ModelSpec, artifact: Artifact): readonly Finding[] {
  return [digestFinding(model, artifact), quantizationFinding(model, artifact)].filter((finding) => finding !== null);
}

function digestFinding(model: ModelSpec, artifact: Artifact): Finding | null {
  if (model.sha256 === null || model.sha256.toLowerCase() === artifact.sha256) return null;
  return {
    key: 'sha256',
    problem: {
      severity: 'error',
      code: 'digest-mismatch',
      summary: `The weights of ${model.name} are not the declared ones: ${artifact.source} has SHA-256 ${artifact.sha256}.`,
      expected: model.sha256,
      fix: `Fetch the declared file, or, if the new one is meant, set models.${model.name}.sha256 to ${artifact.sha256}.`,
    },
  };
}

function quantizationFinding(model: ModelSpec, artifact: Artifact): Finding | null {
  if (model.quantizations.length === 0 || artifact.gguf === null) return null;
  const has = artifact.gguf.quantization;
  if (has !== null && model.quantizations.some((name) => name.toUpperCase() === has)) return null;
  const expected = model.quantizations.join(', ');
  return {
    key: 'quantization',
    problem: {
      severity: 'error',
      code: 'quantization-mismatch',
      summary:
        has === null
          ? `${artifact.source} does not say how it is quantized, and ${model.name} declares it.`
          : `${artifact.source} is quantized as ${has}, and ${model.name} declares otherwise.`,
      expected,
      fix:
        has === null
          ? `Take models.${model.name}.quantization away, or name another file.`
          : `Name a file of ${expected} in \`source\`, or set models.${model.name}.quantization to ${has}.`,
    },
  };
}
