import { createHash } from 'node:crypto';
import type { ModelSpec } from '../domain/desired.ts';
import { ProblemError } from '../domain/problem.ts';
import { matchOf, quantizationByHeader, quantizationOf } from '../domain/quantization.ts';
import type { LockedModel } from '../domain/weights.ts';
import { weightsDigest } from '../domain/weights.ts';
import type { Description } from './describe.ts';

/** What each kind of source finds out by itself. */
export interface Found extends Pick<LockedModel, 'revision' | 'origin' | 'manifest' | 'files' | 'license' | 'beside'> {
  /** The quantization as names tell it, in capitals; null: they do not. */
  readonly label: string | null;
  /** What something else tells in the words of a header, and before it; absent or null: nothing does. */
  readonly fileType?: string | null;
}

/** An entry of the lock from what was found and what the headers tell. What the name says of a quantization goes before the header. */
export function lockedModel({ source, quantizations }: ModelSpec, found: Found, description: Description): LockedModel {
  const { facts } = description;
  const told = quantizationOf(found.label, quantizations);
  return {
    source: source.written,
    revision: found.revision,
    quantization: told ?? (facts === null ? null : quantizationByHeader(found.fileType ?? facts.quantization, quantizations)),
    origin: found.origin,
    manifest: found.manifest,
    files: found.files,
    ...(found.beside?.length ? { beside: found.beside } : {}),
    sha256: weightsDigest(found.files, sha256),
    chatTemplate: description.chatTemplate,
    tokenizer: description.tokenizer,
    license: found.license,
    facts,
  };
}

/** Throws a ProblemError, `digest-mismatch` or `quantization-mismatch`, if a model is not what llmops.yaml declares it to be. */
export function refuseUndeclared(model: ModelSpec, locked: LockedModel): void {
  const { name, sha256: declared, quantizations } = model;
  const written = locked.source.replace(/[?#].*$/, '');
  if (declared !== null && declared.toLowerCase() !== locked.sha256) {
    throw new ProblemError({
      code: 'digest-mismatch',
      summary: `The weights of ${name} are not the declared ones: ${written} has SHA-256 ${locked.sha256}. Nothing was changed.`,
      expected: declared,
      fix: `Name the declared file, or, if the new one is meant, set models.${name}.sha256 to ${locked.sha256}.`,
    });
  }
  const { quantization } = locked;
  if (quantizations.length === 0 || quantization === null) return;
  if (quantizations.some((wanted) => matchOf(quantization, wanted) !== null)) return;
  throw new ProblemError({
    code: 'quantization-mismatch',
    summary: `${written} is quantized as ${quantization}, and ${name} declares otherwise. Nothing was changed.`,
    expected: quantizations.join(', '),
    fix: `Name other weights in \`source\`, or change models.${name}.quantization.`,
  });
}

/** SHA-256, hex. */
export function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
