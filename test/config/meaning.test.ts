import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { readConfig } from '../../src/config/index.ts';
import {
  renderProblemsGithub,
  renderProblemsJson,
  renderProblemsJunit,
  renderProblemsSarif,
  renderProblemsText,
} from '../../src/render/problems.ts';

const FULL = readFileSync(join(import.meta.dirname, 'full.yaml'), 'utf8');
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const read = (text: string, environment: string | null = null): ReturnType<typeof readConfig> =>
  readConfig({ file: 'llmops.yaml', bytes: new TextEncoder().encode(text), folderName: 'x', environment, hash });
const revision = (text: string, environment: string | null = null): string => read(text, environment).desired!.revision;

describe('The revision is a hash of meaning', () => {
  it('stays when keys move, comments come and the style changes', () => {
    const shuffled = (value: unknown): unknown =>
      value !== null && typeof value === 'object' && !Array.isArray(value)
        ? Object.fromEntries(
            Object.entries(value)
              .toReversed()
              .map(([key, member]) => [key, shuffled(member)]),
          )
        : value;
    const before = revision(FULL);
    expect(revision(stringify(shuffled(parse(FULL))))).toBe(before);
    expect(revision(JSON.stringify(parse(FULL)))).toBe(before);
    expect(revision(FULL.replaceAll('\n', ' # note\n'))).toBe(before);
  });

  it('stays when a default is written out, and when an environment that is not in force changes', () => {
    const text = 'version: 1\nbackends: { b: { type: llama.cpp } }\nmodels: { m: { backend: b, source: file:m.gguf } }\n';
    expect(revision(text.replace('m.gguf }', 'm.gguf, parallel: 1, drift: correct, options: { metrics: true } }'))).toBe(revision(text));
    expect(revision(`${text}environments: { prod: { models: { m: { parallel: 2 } } } }\n`)).toBe(revision(text));
  });

  it('moves when a value moves, also one that is not acted on yet', () => {
    const before = revision(FULL);
    for (const [from, to] of [
      ['context: 4096', 'context: 4097'],
      ['objective: 0.95', 'objective: 0.96'],
      ['poll: 15s', 'poll: 16s'],
      ['hf:Qwen/Qwen3-8B-GGUF', 'hf:Qwen/Qwen3-4B-GGUF'],
    ] as const) {
      expect(revision(FULL.replace(from, to))).not.toBe(before);
    }
    expect(revision(FULL, 'prod')).not.toBe(before);
  });
});

describe('Places', () => {
  it('are where the winning value is written: in the overlay, if one is in force', () => {
    const text =
      'version: 1\nbackends: { b: { type: llama.cpp } }\nmodels:\n  m: { backend: b, source: file:m.gguf, parallel: 2, context: 1 }\nenvironments:\n  prod:\n    models:\n      m: { context: 2 }\n';
    const { places } = read(text, 'prod').desired!;
    expect([places['models.m.context']!.line, places['models.m.parallel']!.line]).toEqual([8, 4]);
    expect(places['models.m']).toEqual({ file: 'llmops.yaml', line: 4, column: 3, endColumn: 4 });
  });

  it('exist for what was written, and for nothing else', () => {
    const { places } = read(FULL).desired!;
    expect(Object.keys(places).length).toBeGreaterThan(100);
    expect(places['models.tiny.context']).toBeUndefined();
    expect(places['constructor']).toBeUndefined();
  });
});

describe('Secrets', () => {
  it('are in no output, wherever in the file they stand and whatever is wrong around them', () => {
    // Below a secret's key any text is a secret; elsewhere only what looks like one.
    const homes = [
      'backends: { c: { type: openai, url: https://e.com/v1, apiKey: § } }',
      'backends: { c: { type: openai, url: "https://u:§@e.com" } }',
      'gateway: { keys: [§, §] }',
      'gateway:\n  keys: |\n    §\n    §\n',
      'token: §',
      'a: &k §\ngateway: { keys: *k }',
      'models: { m: { options: { args: [--api-key, §] } } }',
      'daemon: { git: { remote: "https://§@e.com/x" } }',
      'daemon: { git: { remote: "https://u:§@e.com/x" } }',
      'daemon: { notify: [{ url: https://hooks.slack.com/services/T0/B0/§ }] }',
      'daemon: { notify: [{ url: "https://e.com/hooks/§?token=1" }] }',
      'daemon: { notify: [{ url: § }] }',
      'daemon: { notify: [§, { url: { file: § } }, { url: [§] }] }',
      'daemon: { notify: § }',
      'a: &k https://hooks.slack.com/services/§\ndaemon: { notify: [{ url: *k, format: xml }] }',
      'models: { m: { options: { args: [--mcp-servers-json, \'{"env":{"T":"§"}}\'] } } }',
      'models: { m: { options: { args: [\'{"api_key":"§"}\'] } } }',
      'gateway: { keys: { env: § } }',
      'gateway: { keys: { §: 1 } }',
      'gateway: { keys: § ] }',
      'gateway:\n  keys:\n    §: [',
      'name: 7 # api_key: §',
      'password: "§\n',
      'gateway: { keys: { file: §, colour: § } }',
    ];
    const recognizable = ['models: { "§": 3 }', 'name: "§"', 'models: { m: { backend: § } }'];
    const breakages = ['', '\n\tx: 1', '\nx: [', '\ncolour: red', '\n"', '\nversion: 2', '\n  y: : z'];
    fc.assert(
      fc.property(fc.constantFrom(...homes, ...recognizable), fc.boolean(), fc.constantFrom(...breakages), (home, shaped, breakage) => {
        const canary = shaped || recognizable.includes(home) ? 'sk-CANARY0123456789abcdef' : 'CANARY';
        const { problems, desired } = read(`version: 1\n${home.replaceAll('§', canary)}${breakage}\n`);
        const outputs = [
          JSON.stringify(desired),
          renderProblemsText(problems, { color: true, width: Infinity }),
          renderProblemsJson(problems),
          renderProblemsSarif(problems, { version: '1' }),
          renderProblemsGithub(problems),
          renderProblemsJunit(problems, { file: 'f' }),
        ];
        expect(outputs.join('\n')).not.toContain('CANARY');
      }),
      { numRuns: 1000 },
    );
  });
});
