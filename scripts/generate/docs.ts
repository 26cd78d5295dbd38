import type { JsonSchema } from '../../src/domain/backend.ts';

/** docs/configuration.md */
export function configurationPage(file: JsonSchema, options: Readonly<Record<string, JsonSchema>>): string {
  return `${Object.keys(file).length}${Object.keys(options).length}`;
}
