import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');

/** Which folder may import which, and which packages. An edge that is not listed fails. */
const MAY_IMPORT: Readonly<
  Record<string, { readonly folders: readonly string[]; readonly packages?: readonly string[]; readonly pure?: boolean }>
> = {
  domain: { folders: [], pure: true },
  config: { folders: ['domain'], packages: ['yaml'], pure: true },
  fit: { folders: ['domain'], pure: true },
  plan: { folders: ['domain', 'fit'], pure: true },
  status: { folders: ['domain'], pure: true },
  render: { folders: ['domain'], pure: true },
  files: { folders: ['domain'] },
  state: { folders: ['domain'] },
  store: { folders: ['domain', 'state'] },
  lock: { folders: ['domain', 'config'], packages: ['yaml'], pure: true },
  catalog: { folders: ['domain'], packages: ['@huggingface/gguf'] },
  sources: { folders: ['domain', 'catalog'] },
  observe: { folders: ['domain'] },
  notify: { folders: ['domain'] },
  apply: { folders: ['domain'] },
  programs: { folders: [] },
  discover: { folders: ['programs'] },
  import: { folders: ['domain'], packages: ['yaml'], pure: true },
  'import/read': { folders: ['domain', 'import'] },
  secrets: { folders: ['domain', 'programs'] },
  'backends/kit': { folders: ['domain', 'programs', 'secrets'] },
  'backends/llama.cpp': { folders: ['domain', 'programs', 'secrets', 'backends/kit'] },
  'backends/ollama': { folders: ['domain', 'secrets', 'backends/kit'] },
  'backends/embedded': { folders: ['domain', 'backends/kit'], packages: ['node-llama-cpp'] },
  source: { folders: ['domain', 'files', 'programs'], packages: ['chokidar', 'simple-git'] },
  control: { folders: ['domain'] },
  daemon: { folders: ['domain', 'control', 'notify', 'programs', 'secrets', 'source', 'stack', 'state'] },
  stack: {
    folders: [
      'domain',
      'files',
      'config',
      'catalog',
      'lock',
      'source',
      'sources',
      'store',
      'observe',
      'plan',
      'apply',
      'state',
      'programs',
    ],
  },
  cli: {
    folders: [
      'stack',
      'source',
      'daemon',
      'control',
      'domain',
      'files',
      'config',
      'catalog',
      'lock',
      'sources',
      'store',
      'observe',
      'apply',
      'state',
      'status',
      'render',
      'discover',
      'import',
      'import/read',
    ],
    packages: ['commander'],
  },
};

/** Only the composition root sees every backend. */
const ROOT_FILES = new Set(['main.ts', 'backends/index.ts']);

/** What a pure folder must not reach for: the clock, chance, the process, the network. */
const IMPURE = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|(?<![.\w])process\.|\bfetch\(|\bconsole\.|\bperformance\./;

interface Import {
  readonly file: string;
  readonly target: string;
}

const sources = globSync('**/*.ts', { cwd: src }).filter((file) => !/\.test\.ts$|(^|\/)fake(-[\w-]+)?\.ts$|\/fake\//.test(file));

function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), 'utf8')
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '');
  const found = text.matchAll(/(?:(?<!['"])\bfrom\s*|\bimport\s*\(\s*|^\s*import\s+)['"]([^'"]+)['"]/gm);
  return [...found].map((match) => ({ file, target: match[1] as string }));
}

function folderOf(file: string): string {
  const parts = file.split('/');
  if (parts[0] === 'import' && parts[1] === 'read') return 'import/read';
  return parts[0] === 'backends' && parts.length > 2 ? `backends/${parts[1]}` : (parts[0] as string);
}

function isAllowed({ file, target }: Import): boolean {
  const folder = folderOf(file);
  const rule = MAY_IMPORT[folder];
  if (!rule) return false;
  if (target.startsWith('node:')) return !rule.pure;
  if (!target.startsWith('.')) return (rule.packages ?? []).some((name) => target === name || target.startsWith(`${name}/`));
  const to = relative(src, resolve(src, dirname(file), target));
  return folderOf(to) === folder || rule.folders.includes(folderOf(to));
}

describe('The import table', () => {
  it('knows every folder of the sources', () => {
    const folders = new Set(sources.filter((file) => !ROOT_FILES.has(file)).map(folderOf));
    expect([...folders].filter((folder) => !(folder in MAY_IMPORT))).toEqual([]);
  });

  it('has no edge that is not listed', () => {
    const edges = sources.filter((file) => !ROOT_FILES.has(file)).flatMap(importsOf);
    expect(edges.length).toBeGreaterThan(50);
    expect(edges.filter((edge) => !isAllowed(edge)).map((edge) => `src/${edge.file} -> ${edge.target}`)).toEqual([]);
  });

  it('allows no edge that nobody uses', () => {
    const used = new Set(
      sources
        .flatMap(importsOf)
        .map(({ file, target }) => `${folderOf(file)} -> ${folderOf(relative(src, resolve(src, dirname(file), target)))}`),
    );
    const allowed = Object.entries(MAY_IMPORT).flatMap(([from, { folders }]) => folders.map((to) => `${from} -> ${to}`));
    expect(allowed.filter((edge) => !used.has(edge))).toEqual([]);
  });

  it('keeps the clock, chance, the process and the network out of the pure folders', () => {
    const pure = sources.filter((file) => MAY_IMPORT[folderOf(file)]?.pure && !file.includes('.gen.'));
    const found = pure.filter((file) =>
      IMPURE.test(
        readFileSync(join(src, file), 'utf8')
          .replace(/\/\*[\s\S]*?\*\//g, '')
          .replace(/\/\/.*$/gm, ''),
      ),
    );
    expect(found).toEqual([]);
  });

  it('keeps every file under 300 lines', () => {
    const files = globSync(['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.{ts,mjs}'], { cwd: root }).filter(
      (file) => !file.includes('.gen.'),
    );
    const long = files
      .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length - 1 }))
      .filter(({ lines }) => lines > 300);
    expect(long).toEqual([]);
  });
});
