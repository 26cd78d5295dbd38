import { entries, find, scalar, size, spot, type Located } from './located.ts';
import { merge, touched, withEmptyCollections, withoutEnvironments } from './merge.ts';
import type { Findings } from './report.ts';
import { applyRules, backendTypes } from './rules/index.ts';
import { nearest } from './suggest.ts';
import { optionSchema } from './walk.ts';
import { validate } from './validate.ts';
import { quoted } from './wording.ts';

/** Values that all overlays together may touch: a bound on time for files that were made to hurt. */
const MAX_OVERLAID = 500_000;

/** Checks the base and every overlay on top of it. Gives both, the overlay only if one was chosen and is there. */
export function checkAll(
  written: Located,
  environment: string | null,
  findings: Findings,
): { readonly base: Located; readonly overlay: Located | null } {
  const root = withEmptyCollections(written);
  const base = withoutEnvironments(root);
  const environments = entries(find(root, 'environments')).map(
    ([name, overlay]) => [name, overlay.node.kind === 'map' ? withEmptyCollections(overlay) : overlay] as const,
  );
  checkTree(root, base, findings);
  let budget = MAX_OVERLAID;
  for (const [name, overlay] of environments) {
    if (overlay.node.kind !== 'map') continue;
    if (!overlayKeys(name, overlay, findings)) continue;
    const merged = merge(base, overlay);
    const part = name === environment ? merged : touched(merged, overlay);
    budget -= size(part);
    if (budget < 0) {
      findings.add({
        code: 'environments-too-large',
        summary: 'the environments repeat too much of the base',
        expected: 'small overlays',
        fix: 'Write only what differs, or split the file.',
        at: spot(overlay),
      });
      break;
    }
    checkTree(part, merged, findings);
  }
  const overlay = environments.find(([name]) => name === environment)?.[1] ?? null;
  if (environment !== null && overlay === null)
    unknownEnvironment(
      root,
      environment,
      environments.map(([name]) => name),
      findings,
    );
  return { base, overlay };
}

function checkTree(part: Located, whole: Located, findings: Findings): void {
  const backends = backendTypes(whole);
  validate(part, (name) => known(backends.get(name)), findings);
  const models = new Set(entries(find(whole, 'models')).map(([name]) => name));
  applyRules({ root: part, whole, backends, models, allowOutside: scalar(find(whole, 'allowOutside')) === true, findings });
}

function known(type: string | undefined): string | undefined {
  return type !== undefined && optionSchema(type) !== undefined ? type : undefined;
}

/** An overlay cannot change what the file is. */
function overlayKeys(name: string, overlay: Located, findings: Findings): boolean {
  let fine = true;
  for (const [key, member] of entries(overlay)) {
    if (key !== 'version' && key !== 'environments') continue;
    findings.add({
      code: 'unknown-key',
      summary: `"${key}" is not a key of \`environments.${name}\``,
      expected: 'keys of llmops.yaml other than version and environments',
      fix: 'Remove it.',
      at: member.key ?? member.at,
    });
    fine = false;
  }
  return fine;
}

function unknownEnvironment(root: Located, environment: string, names: readonly string[], findings: Findings): void {
  const at = find(root, 'environments');
  const guess = nearest(environment, names);
  findings.add({
    code: 'unknown-environment',
    summary: `there is no environment ${quoted(environment)}`,
    expected: names.length === 0 ? 'no --env: the file has no environments' : `one of ${names.slice(0, 10).join(', ')}`,
    fix: guess === null ? 'Leave out --env, or add it under `environments`.' : `Did you mean --env ${guess}?`,
    at: at ? spot(at) : [0, 1],
  });
}
