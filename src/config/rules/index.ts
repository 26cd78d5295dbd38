import { child, entries, find, text, type Located } from '../located.ts';
import type { Findings } from '../report.ts';
import { visitAll, type Visit } from '../walk.ts';
import { driftFieldRule, quantizationRule, revisionRule, sloThresholdRule, sourceRule } from './models.ts';
import { fallbackRule, modelBackendRule, promptModelRule, sloServiceRule } from './references.ts';
import { registryRule } from './registries.ts';
import { conflictRule, flagRule, portRule } from './settings.ts';
import { eventRule, hookRule } from './notify.ts';
import { timezoneRule } from './timezone.ts';
import { addressRule, credentialsRule, emptyRule, leastRule, pathRule, urlRule } from './values.ts';

/** What every rule may look at. Values can be of a wrong shape: the schema has already complained about those. */
export interface RuleContext {
  /** What is checked: the whole, or what an overlay touches of it. */
  readonly root: Located;
  /** The whole, whatever part of it is checked. */
  readonly whole: Located;
  /** Backends of the whole: name -> type. */
  readonly backends: ReadonlyMap<string, string>;
  /** Models of the whole. */
  readonly models: ReadonlySet<string>;
  /** Paths may leave the folder. */
  readonly allowOutside: boolean;
  readonly findings: Findings;
}

const RULES: readonly ((context: RuleContext) => void)[] = [
  modelBackendRule,
  promptModelRule,
  sloServiceRule,
  fallbackRule,
  sourceRule,
  registryRule,
  revisionRule,
  quantizationRule,
  driftFieldRule,
  sloThresholdRule,
  conflictRule,
  portRule,
];

const VALUE_RULES: readonly ((visit: Visit, context: RuleContext) => void)[] = [
  emptyRule,
  pathRule,
  urlRule,
  addressRule,
  leastRule,
  flagRule,
  hookRule,
  eventRule,
  timezoneRule,
];

/** Checks what a schema cannot say: names that must exist, paths that must stay inside, settings that exclude each other. */
export function applyRules(context: RuleContext): void {
  for (const rule of RULES) rule(context);
  visitAll(
    context.root,
    (name) => context.backends.get(name),
    (visit) => {
      for (const rule of VALUE_RULES) rule(visit, context);
    },
  );
  credentialsRule(context);
}

/** Backends by name with their type, as far as they have one. */
export function backendTypes(root: Located): ReadonlyMap<string, string> {
  return new Map(entries(find(root, 'backends')).map(([name, backend]) => [name, text(child(backend, 'type')) ?? '']));
}
