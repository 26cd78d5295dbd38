import type { Json } from '../../domain/desired.ts';
import { parseForeign, wrongFile, type ForeignFile } from '../foreign.ts';
import { entry, type Entry, type Imported, type Item, type NotCarried } from '../imported.ts';
import { countOf, listOf, mapOf, textOf, type Unknowns } from '../json.ts';
import { plainUrl } from '../secrets.ts';
import { VLLM_INERT } from '../vllm/index.ts';

interface Deployment {
  /** model_name */
  readonly name: string;
  readonly provider: string;
  /** What the provider calls it. */
  readonly model: string;
  readonly url: string | null;
  readonly strippedUrl: boolean;
  readonly params: Unknowns;
}

/** Providers that are engines llmops has a type for, and where they listen if nothing is said. */
const TYPES: Readonly<Record<string, { readonly type: string; readonly url: string | null }>> = {
  ollama: { type: 'ollama', url: 'http://localhost:11434' },
  ollama_chat: { type: 'ollama', url: 'http://localhost:11434' },
  hosted_vllm: { type: 'vllm', url: null },
  openai: { type: 'openai', url: 'https://api.openai.com/v1' },
};
const PARAMS = new Set(['model', 'api_base', 'base_url', 'api_key', 'num_ctx']);
const NO_KEY = 'llmops has no key for it';

/** A config.yaml of the LiteLLM proxy. Pure. Source: docs.litellm.ai/docs/proxy/configs. */
export function importLitellm(file: ForeignFile): Imported {
  const root = parseForeign(file);
  if (!Array.isArray(root['model_list'])) throw wrongFile(file, 'LiteLLM', 'model_list');
  const deployments = listOf(root['model_list']).map((row) => deploymentOf(mapOf(row)));
  const backends = new Map<string, Item>();
  const models: (Item & { readonly backend: string })[] = [];
  const notCarried: NotCarried[] = Object.keys(root)
    .filter((key) => key !== 'model_list')
    .map((key) => ({ what: key, why: key === 'environment_variables' ? 'variables may be secrets, and are not copied' : NO_KEY }));
  for (const one of deployments) {
    const kind = Object.hasOwn(TYPES, one.provider) ? TYPES[one.provider] : undefined;
    const url = (kind?.type === 'vllm' ? one.url?.replace(/\/v1$/, '') : one.url) ?? kind?.url ?? null;
    if (kind === undefined || url === null) {
      notCarried.push({
        what: one.name,
        why: kind === undefined ? 'its provider is none that llmops has a type for' : 'it has no `api_base` that is an address',
      });
      continue;
    }
    const backend = backendFor(one, kind.type, url, backends);
    notCarried.push(...lossesOf(one));
    if (kind.type === 'openai') {
      notCarried.push({
        what: one.name,
        why: `models behind an endpoint are not declared: name it in a \`fallback\`, as \`BACKEND/${one.model}\``,
        where: backend,
      });
    } else if (models.some(({ original }) => original === one.name)) {
      notCarried.push({ what: one.name, why: 'it stands there again: a model runs on one backend in llmops, and the first one is taken' });
    } else models.push({ original: one.name, backend, notes: [], entries: entriesOf(one, kind.type) });
  }
  if (models.some(({ backend }) => backend.startsWith('vllm'))) notCarried.unshift(VLLM_INERT);
  return { from: `LiteLLM's ${file.name}`, backends: [...backends.values()], models, notCarried };
}

function deploymentOf(row: Unknowns): Deployment {
  const params = mapOf(row['litellm_params']);
  const written = textOf(params['model']) ?? '';
  const at = written.indexOf('/');
  const base = textOf(params['api_base']) ?? textOf(params['base_url']);
  const plain = base === null ? null : plainUrl(base);
  return {
    name: textOf(row['model_name']) ?? written,
    provider: at < 0 ? 'openai' : written.slice(0, at),
    model: written.slice(at + 1),
    url: plain?.url ?? null,
    strippedUrl: plain?.stripped ?? false,
    params,
  };
}

/** One backend for each type, address and key; `vllm`, `vllm-2`, ... */
function backendFor(one: Deployment, type: string, url: string, backends: Map<string, Item>): string {
  const key = keyOf(one, url);
  const entries: readonly Entry[] = [...entry('type', type), ...entry('url', url), ...key];
  const same = [...backends.values()].find((backend) => JSON.stringify(backend.entries) === JSON.stringify(entries));
  if (same) return same.original;
  let original = type;
  for (let n = 2; backends.has(original); n += 1) original = `${type}-${n}`;
  backends.set(original, { original, notes: [], entries });
  return original;
}

/** A key is never copied: its variable is named, or one is invented for it. */
function keyOf({ params }: Deployment, url: string): readonly Entry[] {
  const key = textOf(params['api_key']);
  if (key === null) return [];
  const variable = /^os\.environ\/([A-Za-z_][A-Za-z0-9_]*)$/.exec(key)?.[1];
  if (variable !== undefined) return entry('apiKey', { env: variable });
  if (/^(none|fake|dummy|empty|sk-fake|-|x)$/i.test(key)) return [];
  return entry('apiKey', { env: inventedVariable(url) }, 'the key itself was not copied: put it into this variable');
}

/** After the host, so that no host gets another one's key. */
function inventedVariable(url: string): string {
  return `${new URL(url).hostname
    .toUpperCase()
    .replace(/\W/g, '_')
    .replace(/^(?=\d)/, '_')}_KEY`;
}

function entriesOf({ model, params }: Deployment, type: string): readonly Entry[] {
  const source: Json = type === 'ollama' ? `ollama:${model}` : `hf:${model}`;
  return [...entry('source', source), ...entry('context', countOf(params['num_ctx']))];
}

function lossesOf({ name, strippedUrl, params }: Deployment): readonly NotCarried[] {
  const lost = (what: string, why: string): NotCarried => ({ what, why, where: name });
  return [
    ...(strippedUrl ? [lost('api_base', 'a name, a password or a query stood in it; they may be secrets, and are not copied')] : []),
    ...Object.keys(params)
      .filter((key) => !PARAMS.has(key))
      .map((key) => lost(key, NO_KEY)),
  ];
}
