import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What llmops' own package says of itself. */
export interface PackageInfo {
  readonly version: string;
  /** Folder of package.json. */
  readonly root: string;
}

/** Finds our package.json from this file upwards: the sources and the built program lie at different depths. */
export function packageInfo(from: string = import.meta.dirname): PackageInfo {
  for (let folder = from; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly name?: string; readonly version?: string };
      if (name === 'llmops' && version) return { version, root: folder };
    }
    if (dirname(folder) === folder) throw new Error(`no package.json of llmops above ${from}`);
  }
}
