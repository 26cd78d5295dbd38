import type { JsonSchema } from '../domain/backend.ts';
import { explain } from './explain/index.ts';
import { child, entries, find, plain, scalar, text, type Located } from './located.ts';
import type { Findings } from './report.ts';
import { fileSchema, optionSchemas } from './schema.gen.js';
import { optionValidators, validateFile } from './validator.gen.js';

/** One complaint of a validator that ajv wrote. */
export interface Complaint {
  /** JSON Pointer to the value. */
  readonly instancePath: string;
  /** JSON Pointer into the schema, URI-escaped. */
  readonly schemaPath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly propertyName?: string;
}

/** A validator that ajv wrote: says whether the data is right, and keeps its complaints until it is called again. */
export type Validator = ((data: unknown) => boolean) & { readonly errors?: readonly Complaint[] | null };

/** Checks a tree against the schema: keys, types, spellings, limits; and each model's options against its backend's type. */
export function validate(root: Located, typeOf: (backend: string) => string | undefined, findings: Findings): void {
  check(validateFile, fileSchema, root, [], findings);
  for (const [name, model] of entries(find(root, 'models'))) {
    const type = typeOf(text(child(model, 'backend')) ?? '');
    const options = child(model, 'options');
    if (type === undefined || options === undefined || scalar(options) !== undefined) continue;
    check(optionValidators[type]!, optionSchemas[type]!, options, ['models', name, 'options'], findings);
  }
}

function check(validator: Validator, schema: JsonSchema, located: Located, path: readonly string[], findings: Findings): void {
  if (validator(plain(located))) return;
  const complaints = validator.errors ?? [];
  for (const complaint of meant(complaints, schema)) {
    const steps = complaint.instancePath.split('/').slice(1).map(unescape);
    const branch = /^(.*)\/anyOf\/\d+\/(?:enum|pattern)$/.exec(complaint.schemaPath);
    const whole = branch ? schemaAt(schema, `${branch[1]}/anyOf`) : undefined;
    const finding = explain(
      complaint,
      { schema: schemaAt(schema, complaint.schemaPath), whole },
      find(located, ...steps) ?? located,
      [...path, ...steps],
      steps.length === 0 ? null : (find(located, ...steps.slice(0, -1)) ?? null),
    );
    if (finding) findings.add(finding);
  }
}

function unescape(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The schema node that holds the keyword at this path. */
function schemaAt(schema: JsonSchema, schemaPath: string): JsonSchema {
  const steps = schemaPath
    .slice(schemaPath.indexOf('#') + 1)
    .split('/')
    .slice(1, -1)
    .map((step) => unescape(decodeURIComponent(step)));
  return steps.reduce<unknown>((node, step) => (node as Record<string, unknown>)[step], schema) as JsonSchema;
}

/**
 * Of the complaints of an `anyOf`, those of the one branch that was meant: the branch whose JSON type fits. If none
 * fits, the `anyOf` itself complains. (The branches of every `anyOf` in the schema differ in their type.)
 */
function meant(complaints: readonly Complaint[], schema: JsonSchema): readonly Complaint[] {
  const failed = complaints
    .filter(({ keyword }) => keyword === 'anyOf')
    .map(({ instancePath, schemaPath }) => `${instancePath} ${schemaPath}`);
  if (failed.length === 0) return complaints;
  const misfits = new Map<string, Set<number>>(failed.map((id) => [id, new Set<number>()]));
  for (const { keyword, instancePath, schemaPath } of complaints) {
    const branch = keyword === 'type' ? /^(.*\/anyOf)\/(\d+)\/type$/.exec(schemaPath) : null;
    if (branch) misfits.get(`${instancePath} ${branch[1]}`)?.add(Number(branch[2]));
  }
  return complaints.filter((complaint) => isMeant(complaint, misfits, schema));
}

function isMeant(complaint: Complaint, misfits: ReadonlyMap<string, ReadonlySet<number>>, schema: JsonSchema): boolean {
  const { instancePath, schemaPath, keyword } = complaint;
  if (keyword === 'anyOf') {
    const branches = schemaAt(schema, schemaPath)['anyOf'] as readonly unknown[];
    if (misfits.get(`${instancePath} ${schemaPath}`)!.size < branches.length) return false;
  }
  for (const match of schemaPath.matchAll(/\/anyOf\/(\d+)/g)) {
    const union = schemaPath.slice(0, match.index + '/anyOf'.length);
    for (const at of prefixes(instancePath)) if (misfits.get(`${at} ${union}`)?.has(Number(match[1]))) return false;
  }
  return true;
}

function prefixes(pointer: string): readonly string[] {
  const steps = pointer.split('/');
  return steps.map((_, index) => steps.slice(0, index + 1).join('/'));
}
