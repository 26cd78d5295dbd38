import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Attached } from '../domain/kept.ts';
import type { Finding } from './declared.ts';
import { locate } from './locate.ts';

/** A chat template is a page of text; what is larger is something else. */
const LARGEST_BYTES = 1024 * 1024;

/** Digests by the path as it was written, and what is wrong with the others. */
export interface Attachments {
  readonly digests: Readonly<Record<string, string>>;
  readonly findings: readonly Finding[];
}

/**
 * Reads the small files that a model's options name, because another text in one of them is another setting. Those that are
 * `known` are not looked at, whether they are still there or not.
 */
export async function readAttachments(
  named: Readonly<Record<string, string>>,
  where: { readonly baseDir: string; readonly allowOutside: boolean; readonly model: string; readonly known?: Attached },
): Promise<Attachments> {
  const digests: Record<string, string> = {};
  const findings: Finding[] = [];
  for (const [key, file] of Object.entries(named)) {
    const known = where.known?.[file];
    if (known !== undefined) {
      digests[file] = known;
      continue;
    }
    try {
      const [found] = await locate(file, where.baseDir, where.allowOutside);
      if (!found || found.bytes > LARGEST_BYTES) throw new Error(`larger than ${LARGEST_BYTES} bytes`);
      digests[file] = createHash('sha256')
        .update(await readFile(found.path))
        .digest('hex');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      findings.push({
        key,
        problem: {
          severity: 'error',
          code: 'attachment-unusable',
          summary: `Model ${where.model}: the file ${file} of \`${key}\` cannot be used: ${why}`,
          fix: 'Correct the path, or put the file there.',
        },
      });
    }
  }
  return { digests, findings };
}
