import type { Artifact, ModelSpec } from '../domain/desired.ts';
import type { Problem } from '../domain/problem.ts';
import { matchOf, quantizationOfFile } from '../domain/quantization.ts';
import type { LockedModel } from '../domain/weights.ts';

/** A problem and the key of the model that it is about. */
export interface Finding {
  /** Below `models.NAME.`: source, sha256, options.chatTemplateFile. */
  readonly key: string;
  readonly problem: Problem;
}

/** What the weights are, against what was declared and what is pinned about them. Pure. */
export function compareDeclared(model: ModelSpec, artifact: Artifact, locked?: LockedModel): readonly Finding[] {
  // Which file of a repository has the wished quantization was decided, by its name, when it was pinned.
  const quantization = artifact.remote === undefined ? quantizationFinding(model, artifact) : null;
  const findings = [digestFinding(model, artifact), pinFinding(model, artifact, locked), quantization];
  return findings.filter((finding) => finding !== null);
}

/** A file of this machine that became another one since it was pinned. A source that was rewritten since is told elsewhere. */
function pinFinding(model: ModelSpec, { source, sha256 }: Artifact, locked: LockedModel | undefined): Finding | null {
  if (locked === undefined || locked.source !== source || locked.sha256 === sha256) return null;
  return {
    key: 'source',
    problem: {
      severity: 'error',
      code: 'digest-mismatch',
      summary: `The weights of ${model.name} are not the pinned ones: ${source} has SHA-256 ${sha256}.`,
      expected: `${locked.sha256}, as llmops.lock says`,
      fix: `Put the pinned file back, or, if the new one is meant: llmops lock --upgrade ${model.name}`,
    },
  };
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
  const has = quantizationOfFile(artifact.source, artifact.gguf.quantization, model.quantizations);
  if (has !== null && model.quantizations.some((name) => matchOf(has, name) !== null)) return null;
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
