import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Engine } from '../../domain/observed.ts';

const LIBRARY = 'node-llama-cpp';

/** Package with the CPU binaries, by platform and architecture. Source: node-llama-cpp's package.json, optionalDependencies. */
const BINARIES: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'linux-arm': 'linux-armv7l',
  'linux-riscv64': 'linux-riscv64',
  'darwin-arm64': 'mac-arm64-metal',
  'darwin-x64': 'mac-x64',
  'win32-x64': 'win-x64',
  'win32-arm64': 'win-arm64',
};

/** Where to look and what for; the defaults are this machine's. */
export interface Search {
  /** `node_modules` folders, nearest first. */
  readonly folders: readonly string[];
  /** `linux-x64` */
  readonly platform: string;
}

/** The folders in which Node looks for a package that this file imports. */
export function ownSearch(): Search {
  return { folders: createRequire(import.meta.url).resolve.paths(LIBRARY) ?? [], platform: `${process.platform}-${process.arch}` };
}

/**
 * Finds the library and its binaries without loading either: reads one package.json and lists one folder. Never throws.
 */
export async function detectLibrary(search: Search): Promise<Engine> {
  const found = await findPackage(search.folders, LIBRARY);
  if (!found) {
    return absent(
      `The embedded engine needs ${LIBRARY}, which is not installed.`,
      `Install it beside llmops: npm install ${LIBRARY} (npm install -g ${LIBRARY} if llmops is installed globally).`,
    );
  }
  const binaries = BINARIES[search.platform];
  if (!binaries)
    return absent(
      `${LIBRARY} has no ready-made engine for ${search.platform}.`,
      'Use a backend of type llama.cpp with a llama-server of your own.',
    );
  const near = [path.join(found.folder, 'node_modules'), ...search.folders];
  if (!(await hasBinaries(near, binaries))) {
    return absent(
      `${LIBRARY} ${found.version} is installed without its engine for ${search.platform} (@${LIBRARY}/${binaries}).`,
      `Install it without --omit=optional: npm install ${LIBRARY}.`,
    );
  }
  return { status: 'present', at: found.folder, version: found.version, capabilities: [] };
}

function absent(summary: string, fix: string): Engine {
  return { status: 'absent', problem: { severity: 'error', code: 'engine-absent', summary, fix } };
}

async function findPackage(
  folders: readonly string[],
  name: string,
): Promise<{ readonly folder: string; readonly version: string } | null> {
  for (const base of folders) {
    const folder = path.join(base, name);
    const text = await readFile(path.join(folder, 'package.json'), 'utf8').catch(() => null);
    const version = text === null ? null : versionIn(text);
    if (version !== null) return { folder, version };
  }
  return null;
}

function versionIn(text: string): string | null {
  try {
    const { version } = JSON.parse(text) as { readonly version?: unknown };
    return typeof version === 'string' ? version : null;
  } catch {
    return null;
  }
}

/** An empty package can stand for one that was left out on purpose. */
async function hasBinaries(folders: readonly string[], name: string): Promise<boolean> {
  for (const base of folders) {
    const entries = await readdir(path.join(base, `@${LIBRARY}`, name, 'bins')).catch(() => []);
    if (entries.length > 0) return true;
  }
  return false;
}
