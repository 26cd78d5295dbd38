import { randomBytes } from 'node:crypto';
import { open, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { ProblemError } from '../domain/problem.ts';
import { whyNotWritten } from '../files/file-reasons.ts';
import { refuseNamedPipe } from '../files/named-pipe.ts';

/**
 * Writes a result into a file that a flag named, whole or not at all, readable by its owner alone. An existing file is
 * replaced only if llmops wrote it: `--out llmops.yaml` is a slip. Throws a ProblemError `cannot-write-file`; `flag` is
 * what the person typed.
 */
export async function writeResult(path: string, text: string, flag: string): Promise<void> {
  try {
    await refuseNamedPipe(path);
    const target = await realpath(path).catch(() => path);
    const there = await stat(target).catch(() => null);
    if (there && !there.isFile()) return await writeFile(target, text); // a pipe of a shell, a terminal: /dev/stdout
    if (there && !(await isOurs(target))) throw refusal(path, 'it holds something that llmops did not write', flag);
    await writeBeside(target, text);
  } catch (error) {
    if (error instanceof ProblemError) throw error;
    throw refusal(path, whyNotWritten(error), flag, error);
  }
}

/** Beside it and moved into place: a reader, and a full disk, never see half of it. */
async function writeBeside(target: string, text: string): Promise<void> {
  const draft = `${target}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** What our own results begin with; an empty file holds nothing to lose. */
const OURS = /^(\s*$|\s*\{\s*"(kind": ?"llmops-|formatVersion"))/;

async function isOurs(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
    return OURS.test(buffer.toString('latin1', 0, bytesRead));
  } finally {
    await file.close();
  }
}

function refusal(path: string, reason: string, flag: string, cause?: unknown): ProblemError {
  const summary = `${path} cannot be written: ${reason}. It was left as it was, and no model was touched.`;
  return new ProblemError({ code: 'cannot-write-file', summary, fix: `Name another file with ${flag}.` }, cause);
}
