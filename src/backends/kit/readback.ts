import type { InstanceSpec } from '../../domain/desired.ts';
import { plainly, type Compare } from '../../domain/fields.ts';
import type { ObservedInstance } from '../../domain/observed.ts';
import type { Problem } from '../../domain/problem.ts';

/**
 * The first declared setting that is not in force; null: everything that the engine tells is as asked. What is loaded
 * counts before what was configured; a field that neither tells is left to the plan, which shows it as unverified, as is one
 * that cannot be had here. `tolerated`: fields that may be otherwise.
 */
export function settingNotInForce(
  spec: InstanceSpec,
  seen: ObservedInstance,
  {
    compare = plainly,
    tolerated = [],
  }: { readonly compare?: Compare | undefined; readonly tolerated?: readonly string[] | undefined } = {},
): Problem | null {
  for (const [field, asked] of Object.entries(spec.fields)) {
    if (asked === null || field === 'source' || tolerated.includes(field)) continue;
    const got = seen.loaded?.[field] ?? seen.configured[field] ?? null;
    if (got === null || compare(field, asked, got, spec.fields) !== 'moved') continue;
    return {
      severity: 'error',
      code: 'setting-not-in-force',
      summary: `${spec.model} runs with ${field} ${got}, not with ${asked} as asked.`,
      expected: `${field}: ${asked}`,
      fix: `Ask for ${got}, or for something that this model and engine can do.`,
    };
  }
  return null;
}
