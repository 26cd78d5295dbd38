import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { ProblemError } from '../domain/problem.ts';

/** One file of weights: where it really is, and what tells it from a later one at the same place. */
export interface WeightFile {
  /** Real path: links are followed. */
  readonly path: string;
  readonly bytes: number;
  /** Equal exactly as long as the file is not touched. */
  readonly identity: string;
}

/** `name-00002-of-00005.gguf`, as llama.cpp's gguf-split names the parts of a split model. */
const PART = /^(.*-)(\d{5})-of-(\d{5})(\.gguf)$/i;

/**
 * Finds the file, or all parts of a split one in their order. Throws a ProblemError: `weights-missing`,
 * `weights-not-a-file`, `weights-unreadable`, `weights-outside`, `weights-split`.
 */
export async function locate(written: string, baseDir: string, allowOutside: boolean): Promise<readonly WeightFile[]> {
  const first = path.resolve(
    baseDir,
    written.replace(/^~(?=\/|$)/, () => homedir()),
  );
  const paths = partsOf(first);
  const root = allowOutside ? null : await realpath(baseDir);
  const files: WeightFile[] = [];
  for (const [index, part] of paths.entries()) files.push(await lookAt(part, index === 0 ? null : first, root));
  return files;
}

/** What tells a file from a later one at the same place. Nanoseconds, because a copy takes less than a second. */
export function identityOf(real: string, facts: BigIntStats): string {
  return [real, facts.dev, facts.ino, facts.size, facts.mtimeNs, facts.ctimeNs].join('|');
}

function partsOf(file: string): readonly string[] {
  const [, prefix = '', part, total, ending] = PART.exec(path.basename(file)) ?? [];
  if (part === undefined || total === undefined) return [file];
  if (part !== '00001') {
    throw new ProblemError({
      code: 'weights-split',
      summary: `${path.basename(file)} is part ${Number(part)} of a model that is split into ${Number(total)} files.`,
      expected: 'the first part',
      fix: `Name ${prefix}00001-of-${total}${ending} in \`source\`.`,
    });
  }
  return Array.from({ length: Number(total) }, (_, index) =>
    path.join(path.dirname(file), `${prefix}${String(index + 1).padStart(5, '0')}-of-${total}${ending}`),
  );
}

/** `of`: the first part of the split model that this file belongs to, or null. */
async function lookAt(file: string, of: string | null, root: string | null): Promise<WeightFile> {
  const real = await realpath(file).catch((error: unknown) => {
    throw notThere(file, of, error);
  });
  if (root !== null && !inside(real, root)) {
    throw new ProblemError({
      code: 'weights-outside',
      summary: `The weights ${file} lie outside of the folder of llmops.yaml, in ${real}.`,
      expected: `a file below ${root}`,
      fix: 'Move the file, or write `allowOutside: true` at the top of llmops.yaml.',
    });
  }
  const facts = await stat(real, { bigint: true });
  if (!facts.isFile()) {
    const what = facts.isDirectory() ? 'a folder' : 'no regular file';
    throw new ProblemError({
      code: 'weights-not-a-file',
      summary: `The weights ${file} are ${what}.`,
      expected: 'a .gguf file',
      fix: 'Name the file itself in `source`.',
    });
  }
  await access(real, constants.R_OK).catch((error: unknown) => {
    throw new ProblemError(
      {
        code: 'weights-unreadable',
        summary: `The weights ${file} may not be read by this user.`,
        fix: `Run: chmod u+r ${JSON.stringify(real)}`,
      },
      error,
    );
  });
  return { path: real, bytes: Number(facts.size), identity: identityOf(real, facts) };
}

function inside(file: string, folder: string): boolean {
  const way = path.relative(folder, file);
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way);
}

function notThere(file: string, of: string | null, error: unknown): ProblemError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') {
    return new ProblemError(
      {
        code: 'weights-unreadable',
        summary: `The weights ${file} may not be looked at by this user.`,
        fix: 'Give this user access to every folder on the way.',
      },
      error,
    );
  }
  if (code === 'ELOOP')
    return new ProblemError(
      { code: 'weights-missing', summary: `The weights ${file} are a link that leads round in a circle.`, fix: 'Correct the link.' },
      error,
    );
  if (of !== null) {
    return new ProblemError(
      {
        code: 'weights-split',
        summary: `${path.basename(of)} is split, and its part ${path.basename(file)} is not there.`,
        fix: `Put it beside the first part, in ${path.dirname(file)}.`,
      },
      error,
    );
  }
  return new ProblemError(
    { code: 'weights-missing', summary: `The weights ${file} do not exist.`, fix: 'Correct `source`, or put the file there.' },
    error,
  );
}
