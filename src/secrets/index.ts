import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ProblemError } from '../domain/problem.ts';
import { askProgram, type Answer } from '../programs/index.ts';
import { referenceText, type Reference } from './reference.ts';

/** Where references start. */
export interface SecretSurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute folder of llmops.yaml. */
  readonly baseDir: string;
}

/** How long a command may take, or a file. */
const SECRET_MS = 30_000;
/** A secret is a line; a file that begins with a longer one is something else. */
const MAX_BYTES = 64 * 1024;

/** What a secret is for, and where its reference stands in llmops.yaml. */
export interface SecretUse {
  readonly what: string;
  readonly setting: string;
}

/**
 * The first line of what a reference leads to, kept nowhere. Throws `secret-unavailable`: what went wrong is told by the
 * reference, never by the value.
 */
export async function readSecret(reference: Reference, use: SecretUse, context: SecretSurroundings, signal: AbortSignal): Promise<string> {
  const secret = await textBehind(reference, context, signal).catch((error: unknown) => {
    if (signal.aborted) throw cancelled(signal, use.what);
    throw unavailable(reference, use, whyNot(error));
  });
  const line = secret.split('\n', 1)[0]?.trim() ?? '';
  if (line === '') throw unavailable(reference, use, 'it is empty');
  // Such a text can be no variable (NUL) or no header, and the errors of both would quote it.
  if (!/^[\x20-\x7e\x80-\xff]*$/.test(line)) throw unavailable(reference, use, 'it holds characters that a key cannot have');
  return line;
}

async function textBehind({ env, file, command }: Reference, context: SecretSurroundings, signal: AbortSignal): Promise<string> {
  if (typeof env === 'string') {
    const value = context.env[env];
    if (value === undefined) throw new Why('it is not set');
    return value;
  }
  if (typeof file === 'string') {
    return inTime(readSmall(resolve(context.baseDir, file)), signal);
  }
  const shell = { file: '/bin/sh', args: ['-c', String(command)], cwd: context.baseDir, env: context.env };
  const answer = await askProgram({ ...shell, deadlineMs: SECRET_MS, limitBytes: MAX_BYTES, signal });
  if (answer.code !== 0) throw new Why(howItEnded(answer));
  return answer.stdout;
}

async function readSmall(path: string): Promise<string> {
  const facts = await stat(path);
  if (facts.isDirectory()) throw new Why('it is a folder');
  if (!facts.isFile()) throw new Why('it is not a file');
  if (facts.size > MAX_BYTES) throw new Why('it is larger than a secret can be');
  return readFile(path, 'utf8');
}

/** A disk in the network that does not answer holds whoever reads from it for ever; nothing calls that back, so it is not waited for. */
function inTime<T>(reading: Promise<T>, signal: AbortSignal): Promise<T> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(SECRET_MS)]);
  const { promise: late, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(new Why(`it did not come within ${SECRET_MS / 1000} s`));
  if (limit.aborted) giveUp();
  limit.addEventListener('abort', giveUp, { once: true });
  return Promise.race([reading, late]);
}

/** A reason in words of ours. */
class Why extends Error {}

function howItEnded({ how, code }: Answer): string {
  if (how === 'late') return `its command took longer than ${SECRET_MS / 1000} s`;
  if (how === 'too-much') return 'its command wrote more than a secret can be';
  return code === null ? 'its command could not be run' : `its command ended with exit code ${code}`;
}

const CODES: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'this user may not read it',
};

function whyNot(error: unknown): string {
  if (error instanceof Why) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? 'it cannot be read' : (CODES[code] ?? `it cannot be read (${code})`);
}

function unavailable(reference: Reference, { what, setting }: SecretUse, why: string): ProblemError {
  const { env, file } = reference;
  const how =
    typeof env === 'string'
      ? `Set ${env} where llmops is called`
      : typeof file === 'string'
        ? `Write it into the first line of ${file}`
        : 'See what that command says when you call it yourself';
  return new ProblemError({
    code: 'secret-unavailable',
    summary: `The ${what} cannot be had from ${referenceText(reference) ?? 'nowhere'}: ${why}.`,
    fix: `${how}, or correct ${setting}.`,
  });
}

function cancelled({ reason }: AbortSignal, what: string): ProblemError {
  if (reason instanceof ProblemError) return reason;
  return new ProblemError({
    code: 'cancelled',
    summary: `Stopped while fetching the ${what}.`,
    fix: 'Run the same command again: it goes on from what is there.',
  });
}
