import type { Hash } from '../domain/canonical.ts';
import type { Desired } from '../domain/desired.ts';
import type { Problem } from '../domain/problem.ts';
import { checkAll } from './check.ts';
import { entries, find } from './located.ts';
import { merge, withEmptyCollections } from './merge.ts';
import { normalize } from './normalize.ts';
import { parse } from './parse.ts';
import { Findings } from './report.ts';
import { decode } from './text.ts';

export { formatConfig } from './format.ts';

/** A file of llmops.yaml as bytes, and what is known around it. */
export interface ConfigInput {
  /** The path as people should see it. */
  readonly file: string;
  readonly bytes: Uint8Array;
  /** Name of the folder it lies in: the stack's name if the file gives none. */
  readonly folderName: string;
  /** The overlay to put on top, or null. */
  readonly environment: string | null;
  readonly hash: Hash;
}

/** What the file asks for, or everything that is wrong with it, in the order of the file. Never throws for any content; exactly one of the two is given. */
export function readConfig(input: ConfigInput): { readonly desired: Desired | null; readonly problems: readonly Problem[] } {
  const decoded = decode(input.file, input.bytes);
  if ('problem' in decoded) return { desired: null, problems: [decoded.problem] };
  const { file } = decoded;
  const findings = new Findings();
  const { root, secrets } = parse(file, findings);
  const checked = root && findings.isReadable ? checkAll(root, input.environment, findings) : null;
  if (checked === null || !findings.isEmpty) return { desired: null, problems: findings.problems(file, secrets) };
  const whole = checked.overlay ? merge(checked.base, checked.overlay) : checked.base;
  return { desired: normalize(whole, file, input), problems: [] };
}

/**
 * What the file asks for with each of its environments, in the order of the file: for what must know all of them at once.
 * Empty for a file with problems, which `readConfig` tells.
 */
export function readOverlays(input: Omit<ConfigInput, 'environment'>): readonly Desired[] {
  const decoded = decode(input.file, input.bytes);
  if ('problem' in decoded) return [];
  const { file } = decoded;
  const findings = new Findings();
  const { root } = parse(file, findings);
  const base = root && findings.isEmpty ? checkAll(root, null, findings).base : null;
  if (root === null || base === null || !findings.isEmpty) return [];
  return entries(find(withEmptyCollections(root), 'environments')).map(([environment, overlay]) =>
    normalize(merge(base, withEmptyCollections(overlay)), file, { ...input, environment }),
  );
}
