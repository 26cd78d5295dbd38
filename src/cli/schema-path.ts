import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageInfo } from './package-info.ts';

const SCHEMA = 'schemas/llmops.schema.json';
const INSTALLED = `node_modules/llmops/${SCHEMA}`;

/** The JSON Schema of llmops.yaml that came with this program. */
export function schemaPath(root: string = packageInfo().root): string {
  return join(root, SCHEMA);
}

/**
 * How a file in this folder names our schema to an editor. A relative path where the schema lies in a folder above, which is true for
 * everybody who clones that; else the path of this program's own, which is true for this machine.
 */
export function schemaReference(baseDir: string, root: string = packageInfo().root): string {
  for (let folder = baseDir; ; folder = dirname(folder)) {
    // In the repository of llmops itself the schema stands beside the sources.
    const path = [INSTALLED, ...(folder === root ? [SCHEMA] : [])].map((each) => join(folder, each)).find((each) => existsSync(each));
    if (path !== undefined) return inModeline(relative(baseDir, path));
    if (dirname(folder) === folder) return inModeline(schemaPath(root));
  }
}

/** Editors read the line up to the first space. */
function inModeline(path: string): string {
  if (/\s/.test(path)) return isAbsolute(path) ? pathToFileURL(path).href : path.split('/').map(encodeURIComponent).join('/');
  return isAbsolute(path) || path.startsWith('.') ? path : `./${path}`;
}
