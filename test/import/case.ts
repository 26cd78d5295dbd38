import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../src/stack/sha256.ts';
import { formatConfig, readConfig } from '../../src/config/index.ts';
import type { Problem } from '../../src/domain/problem.ts';
import { importCompose } from '../../src/import/files/compose.ts';
import { importLitellm } from '../../src/import/files/litellm.ts';
import { importLlamaSwap } from '../../src/import/files/llama-swap.ts';
import type { ForeignFile } from '../../src/import/foreign.ts';
import { oneLine, writeStack, type Imported } from '../../src/import/index.ts';
import { importLlamaServer } from '../../src/import/llama/running.ts';
import { importOllama } from '../../src/import/ollama/index.ts';
import { importVllm } from '../../src/import/vllm/index.ts';
import { pathOf } from '../../src/import/read/file.ts';

/** Folder of the cases: `<tool>-<story>`, each with `in.yaml` or `answers.json`. */
export const CASES = join(import.meta.dirname, 'cases');

/** Names of all cases. */
export const caseNames = readdirSync(CASES).sort();

/** The folder in which llmops.yaml would be written. */
const HERE = '/srv/llm';

type Answers = { readonly [key: string]: never } & {
  readonly call: { words: string[]; env: Record<string, string> } | null;
  readonly folder: string;
};

/** What the converter of the case's tool makes of its input. */
export function importCase(name: string): Imported {
  const read = (file: string): string => readFileSync(join(CASES, name, file), 'utf8');
  if (name.startsWith('llama-swap-')) return importLlamaSwap(foreign(read('in.yaml')));
  if (name.startsWith('compose-')) return importCompose(foreign(read('in.yaml')));
  if (name.startsWith('litellm-')) return importLitellm(foreign(read('in.yaml')));
  const answers = JSON.parse(read('answers.json')) as Answers;
  const call = answers.call && { ...answers.call, path: pathOf(answers.folder, HERE) };
  if (name.startsWith('llama-server-')) return importLlamaServer({ ...answers, call } as never);
  if (name.startsWith('vllm-')) return importVllm({ ...answers, call } as never);
  return importOllama({
    ...answers,
    shown: new Map(Object.entries(answers['shown'] ?? {})),
    readable: new Set(answers['readable'] ?? []),
  } as never);
}

/** A foreign file that lies where llmops.yaml will. */
export function foreign(text: string): ForeignFile {
  return { name: 'in.yaml', text, path: pathOf(HERE, HERE) };
}

/** The two texts that a case shows, before anything is left out that this version has no key for. */
export function textsOf(imported: Imported): { readonly stack: string; readonly notCarried: string } {
  return {
    stack: formatConfig(writeStack(imported, { stack: 'desk', schema: null })),
    notCarried: imported.notCarried.map((one) => `${oneLine(one)}\n`).join(''),
  };
}

/** What llmops finds wrong with a text. */
export function check(text: string): readonly Problem[] {
  return readConfig({ file: 'llmops.yaml', bytes: Buffer.from(text), folderName: 'desk', environment: null, hash: sha256 }).problems;
}
