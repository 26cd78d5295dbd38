import { child, entries, find, items, scalar, spot, text, type Located } from '../located.ts';
import { nearest } from '../suggest.ts';
import { quoted } from '../wording.ts';
import type { RuleContext } from './index.ts';

/** `backend:` of a model names a backend of this file. */
export function modelBackendRule({ root, backends, findings }: RuleContext): void {
  for (const [name, model] of entries(find(root, 'models'))) {
    const located = child(model, 'backend');
    const backend = text(located);
    if (located === undefined || backend === undefined || backends.has(backend)) continue;
    findings.add({
      code: 'unknown-backend',
      summary: `\`models.${name}.backend\` is ${quoted(backend)}, which is not under backends`,
      ...oneOf(backend, [...backends.keys()], 'backends'),
      at: spot(located),
    });
  }
}

/** `model:` of a prompt names a model of this file. */
export function promptModelRule(context: RuleContext): void {
  for (const [name, prompt] of entries(find(context.root, 'prompts')))
    modelReference(context, child(prompt, 'model'), `prompts.${name}.model`);
}

/** `service:` of an objective names a model of this file. */
export function sloServiceRule(context: RuleContext): void {
  for (const [name, slo] of entries(find(context.root, 'slos'))) modelReference(context, child(slo, 'service'), `slos.${name}.service`);
}

/** Entries of `fallback:` name another model of this file, or `backend/model`; `localOnly` forbids them. */
export function fallbackRule(context: RuleContext): void {
  for (const [name, model] of entries(find(context.root, 'models'))) {
    const list = child(model, 'fallback');
    for (const [index, item] of items(list).entries()) fallbackItem(context, name, index, item);
    if (list === undefined || items(list).length === 0 || scalar(child(model, 'localOnly')) !== true) continue;
    context.findings.add({
      code: 'conflicting-keys',
      summary: `\`models.${name}\` has \`localOnly: true\` and a \`fallback\``,
      expected: 'one of them',
      fix: 'Remove `fallback`, or set `localOnly: false`.',
      at: spot(list),
    });
  }
}

function fallbackItem(context: RuleContext, name: string, index: number, item: Located): void {
  const target = text(item);
  if (target === undefined) return;
  const path = `models.${name}.fallback.${index}`;
  if (target === name) {
    context.findings.add({
      code: 'self-reference',
      summary: `\`${path}\` is the model itself`,
      expected: 'another model',
      fix: 'Remove it.',
      at: spot(item),
    });
    return;
  }
  const slash = target.indexOf('/');
  if (slash === -1) return modelReference(context, item, path);
  const backend = target.slice(0, slash);
  if (context.backends.has(backend)) return;
  context.findings.add({
    code: 'unknown-backend',
    summary: `\`${path}\` begins with ${quoted(backend)}, which is not under backends`,
    ...oneOf(backend, [...context.backends.keys()], 'backends'),
    at: spot(item),
  });
}

function modelReference({ models, findings }: RuleContext, located: Located | undefined, path: string): void {
  const model = text(located);
  if (located === undefined || model === undefined || models.has(model)) return;
  findings.add({
    code: 'unknown-model',
    summary: `\`${path}\` is ${quoted(model)}, which is not under models`,
    ...oneOf(model, [...models], 'models'),
    at: spot(located),
  });
}

const SHOWN = 10;

function oneOf(word: string, names: readonly string[], section: string): { readonly expected: string; readonly fix: string } {
  const guess = nearest(word, names);
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : '';
  return {
    expected: names.length === 0 ? `a name under ${section}, of which there are none` : `one of ${names.slice(0, SHOWN).join(', ')}${more}`,
    fix: guess === null ? `Add it under \`${section}\`, or name one that is there.` : `Did you mean \`${guess}\`?`,
  };
}
