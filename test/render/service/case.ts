import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import type { ServiceFacts, ServiceKind } from '../../../src/render/service/index.ts';

/** One folder of the book of service files. */
export interface Case {
  readonly name: string;
  readonly folder: string;
  /** The first comment of facts.yaml. */
  readonly rule: string;
  readonly kind: ServiceKind;
  readonly facts: ServiceFacts;
}

/** What a case does not say otherwise. */
export const FACTS: ServiceFacts = {
  stack: 'team',
  program: '/opt/llmops/bin/llmops',
  args: ['up', '-C', '/srv/models'],
  folder: '/srv/models',
  user: 'ann',
  home: '/home/ann',
  stateHome: '/home/ann/.local/state',
  cacheHome: '/home/ann/.cache',
  path: '/home/ann/.local/bin:/usr/local/bin:/usr/bin:/bin',
  env: {},
  scope: 'user',
  watchdogSeconds: null,
  version: '0.1.0',
};

/** All cases, by name. */
export function readCases(): readonly Case[] {
  const root = resolve(import.meta.dirname, 'cases');
  return readdirSync(root)
    .sort()
    .map((name) => {
      const folder = join(root, name);
      const text = readFileSync(join(folder, 'facts.yaml'), 'utf8');
      const { kind, facts = {} } = parse(text) as { kind: ServiceKind; facts?: Partial<ServiceFacts> };
      return { name, folder, rule: /^# (.*)$/m.exec(text)?.[1] ?? '', kind, facts: { ...FACTS, ...facts } };
    });
}
