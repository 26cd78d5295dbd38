import type { Plan } from '../../domain/plan.ts';

/**
 * The plan as a JSON document: the plan itself, which is plain data already. Described by schemas/plan.schema.json;
 * minor versions only add members. It is what `plan --json` prints, what `--out` stores and what `apply FILE` reads.
 */
export function planDocument(plan: Plan): Plan {
  return plan;
}
