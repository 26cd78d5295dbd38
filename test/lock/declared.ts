import { basename } from 'node:path';
import { readConfig, readOverlays } from '../../src/config/index.ts';
import { parseSource } from '../../src/config/source.ts';
import type { Desired } from '../../src/domain/desired.ts';
import { hash } from './sample.ts';

/** Sources of any kind: as long as some are not acted on, they go through the configuration as files, and come back after it. */
const FETCHED = /(source:\s*)((?:hf|https|ollama):[^\s,}]+)(.*)$/gm;

/** One llmops.yaml, without an environment and with each. The text must be right. */
export function declared(text: string, folder = 'stack'): { readonly base: Desired; readonly overlays: readonly Desired[] } {
  const written = new Map<string, string>();
  const plain = text.replace(FETCHED, (_, key: string, source: string, rest: string) => {
    const name = `file:fetched-${written.size}`;
    written.set(name, source);
    return `${key}${name}${rest}`;
  });
  const input = { file: 'llmops.yaml', bytes: new TextEncoder().encode(plain), folderName: basename(folder), hash };
  const { desired, problems } = readConfig({ ...input, environment: null });
  if (desired === null) throw new Error(JSON.stringify(problems, null, 2));
  const back = (one: Desired): Desired => ({
    ...one,
    models: one.models.map((model) => {
      const source = written.get(model.source.written);
      return source === undefined ? model : { ...model, source: parseSource(source, revisionIn(text, one, model.name))! };
    }),
  });
  return { base: back(desired), overlays: readOverlays(input).map(back) };
}

/** What stands behind `revision:` of a model, at the place that holds for it. */
function revisionIn(text: string, { places }: Desired, model: string): string | null {
  const place = places[`models.${model}.revision`];
  const line = place === undefined ? undefined : text.split('\n')[place.line - 1];
  return line === undefined ? null : (/revision: ([\w.-]+)/.exec(line)?.[1] ?? null);
}

/** The stack with the environment, or without one. */
export function withEnvironment({ base, overlays }: ReturnType<typeof declared>, environment: string | null): Desired {
  return environment === null ? base : overlays.find((overlay) => overlay.environment === environment)!;
}
