import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { onTestFinished } from 'vitest';
import { tinyGguf } from '../catalog/tiny.ts';
import { startWorld, type World as Engines, type WorldOptions as EngineOptions } from '../world/server.ts';
import { standIn } from '../world/stand-in.ts';
import { newWorld, type World, type WorldOptions } from './context.ts';

/** How a verb ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with llmops.yaml and weights in it, and engines that live in a test's memory. */
export interface Stage {
  readonly engines: Engines;
  /** Folder of the file. */
  readonly dir: string;
  readonly stateDir: string;
  readonly write: (name: string, text: string | Uint8Array) => void;
  readonly read: (name: string) => string;
  /** Declares these models: name to the rest of its line. */
  readonly declare: (models: Readonly<Record<string, string>>, extra?: string) => void;
  readonly run: (...argv: string[]) => Promise<Ended>;
  /** A command that is still to be run, with its own streams and signal. */
  readonly command: (options?: WorldOptions) => World;
  /** Ids of the running copies on a backend. */
  readonly running: (backend?: string) => readonly string[];
  /** Requests since the last call of this. */
  readonly asked: () => readonly string[];
}

/** Makes a stage that is gone after the test, with weights in `w.gguf`. */
export async function newStage(options: EngineOptions = {}): Promise<Stage> {
  const engines = await startWorld(options);
  onTestFinished(() => engines.close());
  const home = newWorld();
  const write = (name: string, text: string | Uint8Array): void => writeFileSync(join(home.cwd, name), text);
  const command = ({ env, ...rest }: WorldOptions = {}): World =>
    newWorld({ at: home, backends: async () => ({ 'llama.cpp': standIn }), ...rest, env: { LLMOPS_WORLD: engines.url, ...env } });
  write('w.gguf', tinyGguf());
  let heard = 0;
  return {
    engines,
    dir: home.cwd,
    stateDir: home.stateDir('desk'),
    write,
    read: (name) => readFileSync(join(home.cwd, name), 'utf8'),
    declare: (models, extra) => write('llmops.yaml', stackFile(models, extra)),
    run: async (...argv) => {
      const world = command();
      const code = await world.llmops(...argv);
      return { code, stdout: world.stdout.text, stderr: world.stderr.text };
    },
    command,
    running: (backend = 'one') => [...engines.realm(backend).instances.keys()].sort(),
    asked: () => {
      const fresh = engines.requests.slice(heard);
      heard = engines.requests.length;
      return fresh;
    },
  };
}

/** A stack called `desk` on the backends `one` and `two`. */
export function stackFile(models: Readonly<Record<string, string>>, extra = ''): string {
  const lines = Object.entries(models).map(([name, rest]) => {
    const backend = rest.includes('backend:') ? '' : 'backend: one, ';
    const source = rest.includes('source:') ? '' : 'source: "file:w.gguf", ';
    return `  ${name}: { ${backend}${source}${rest} }\n`;
  });
  const declared = lines.length === 0 ? 'models: {}\n' : `models:\n${lines.join('')}`;
  return `version: 1\nname: desk\nbackends:\n  one: { type: llama.cpp }\n  two: { type: llama.cpp }\n${declared}${extra}`;
}

/** Checks a document against a published schema; the list is empty if it is valid. */
export function schemaErrors(name: 'plan' | 'event' | 'status', document: unknown): readonly string[] {
  const schema = JSON.parse(readFileSync(join(import.meta.dirname, `../../schemas/${name}.schema.json`), 'utf8')) as object;
  const check = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema);
  return check(document) ? [] : (check.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

/** The records of a stream, one a line. */
export function records(text: string): readonly { readonly type: string; readonly [key: string]: unknown }[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string });
}
