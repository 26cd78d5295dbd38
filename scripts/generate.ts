// Writes everything that is made from the schema: `node scripts/generate.ts`; with `--check` it only says what is out of date.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expand } from '../src/config/schema/expand.ts';
import { fileSchema } from '../src/config/schema/file.ts';
import type { JsonSchema } from '../src/domain/backend.ts';
import { schemaModule, schemaTypes, typesModule, validatorModule, validatorTypes } from './generate/code.ts';
import { configurationPage } from './generate/docs.ts';
import { backendIndex, readFragments } from './generate/fragments.ts';
import { publishedSchema } from './generate/publish.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** The composed schemas: the file, and the options of a model by type of backend. */
export async function composedSchemas(): Promise<{ readonly file: JsonSchema; readonly options: Readonly<Record<string, JsonSchema>> }> {
  const fragments = await readFragments(ROOT);
  const options = Object.fromEntries(Object.entries(fragments).map(([type, { model }]) => [type, expand(model)]));
  return { file: expand(fileSchema(fragments)), options };
}

/** Every generated file: path from the repository's root -> content. */
export async function generated(): Promise<ReadonlyMap<string, string>> {
  const { file, options } = await composedSchemas();
  return new Map([
    ['schemas/llmops.schema.json', `${JSON.stringify(publishedSchema(file, options), null, 2)}\n`],
    ['src/config/schema.gen.js', schemaModule(file, options)],
    ['src/config/schema.gen.d.ts', schemaTypes()],
    ['src/config/validator.gen.js', validatorModule(file, options)],
    ['src/config/validator.gen.d.ts', validatorTypes(options)],
    ['src/config/written.gen.ts', await typesModule(file)],
    ['src/backends/index.ts', backendIndex(ROOT)],
    ['docs/configuration.md', configurationPage(file, options)],
  ]);
}

/** The generated files whose content on disk is not what the schema says. */
export async function outdated(): Promise<readonly string[]> {
  return [...(await generated())].filter(([path, content]) => current(path) !== content).map(([path]) => path);
}

function current(path: string): string | null {
  try {
    return readFileSync(join(ROOT, path), 'utf8');
  } catch {
    return null;
  }
}

async function main(check: boolean): Promise<void> {
  const stale = await outdated();
  if (check && stale.length > 0) {
    process.stderr.write(`Out of date: ${stale.join(', ')}\nType: npm run generate\n`);
    process.exitCode = 1;
  }
  if (check) return;
  const files = await generated();
  for (const path of stale) {
    mkdirSync(join(ROOT, dirname(path)), { recursive: true });
    writeFileSync(join(ROOT, path), files.get(path)!);
    process.stdout.write(`wrote ${path}\n`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.includes('--check'));
