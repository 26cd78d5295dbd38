import { writeFile } from 'node:fs/promises';
import { eventSchema } from './output-schemas/event.ts';
import { planSchema } from './output-schemas/plan.ts';
import { statusSchema } from './output-schemas/status.ts';

/** The checked-in schemas of what llmops prints, by file name. A test fails if a file differs from its text here. */
export const OUTPUT_SCHEMAS = {
  'plan.schema.json': textOf(planSchema),
  'event.schema.json': textOf(eventSchema),
  'status.schema.json': textOf(statusSchema),
} as const;

function textOf(schema: unknown): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

if (import.meta.main) {
  for (const [name, text] of Object.entries(OUTPUT_SCHEMAS)) await writeFile(new URL(`../schemas/${name}`, import.meta.url), text);
}
