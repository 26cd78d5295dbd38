import { basename } from 'node:path';
import type { WholeStack } from '../../lock/index.ts';
import { checkText } from '../../stack/read-stack.ts';
import type { Session } from '../../stack/session.ts';
import { sha256 } from '../../stack/sha256.ts';

/** The stack without an environment and with each: only all of them together tell which entries of the lock are needed. */
export async function wholeStack({ paths, text, desired }: Session): Promise<WholeStack> {
  const { readOverlays } = await import('../../config/index.ts');
  const bytes = new TextEncoder().encode(text);
  const base = desired.environment === null ? desired : (await checkText(paths, bytes, null)).desired;
  const overlays = readOverlays({ file: paths.shown, bytes, folderName: basename(paths.baseDir), hash: sha256 });
  return { base: base ?? desired, overlays };
}
