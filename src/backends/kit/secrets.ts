import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { DriverContext } from '../../domain/backend.ts';
import type { Json, JsonObject } from '../../domain/desired.ts';
import { ProblemError } from '../../domain/problem.ts';

const SECRET_MS = 30_000;

/** Where a secret is to be had: one of `env`, `file`, `command`. */
export type SecretReference = { readonly [key: string]: Json };

/** A reference to a secret as text, `env:CHAT_KEY`: names the place and never the secret. */
export function referenceText(reference: Json | undefined): string | null {
  if (reference === null || typeof reference !== 'object') return null;
  const entry = Object.entries(reference as JsonObject).find(([, where]) => where !== null);
  if (!entry) return null;
  return `${entry[0]}:${String(entry[1])}`;
}

/**
 * The first line of what a reference leads to. Fetched when it is needed and kept nowhere. Throws `secret-unavailable`, which
 * names the reference (`text`) and never the value; `what` begins its sentence.
 */
export async function readSecret(
  reference: SecretReference,
  { what, text, fix }: { readonly what: string; readonly text: string; readonly fix: string },
  context: DriverContext,
  signal: AbortSignal,
): Promise<string> {
  try {
    const value = (await resolveSecret(reference, context, signal)).split('\n')[0]?.trim() ?? '';
    if (value === '') throw new Error('it is empty');
    return value;
  } catch (error) {
    const why =
      (error as NodeJS.ErrnoException).code ?? (error instanceof Error && error.message.startsWith('it is') ? error.message : 'it failed');
    throw new ProblemError({ code: 'secret-unavailable', summary: `${what} cannot be had from ${text}: ${why}.`, fix });
  }
}

async function resolveSecret({ env, file, command }: SecretReference, context: DriverContext, signal: AbortSignal): Promise<string> {
  if (typeof env === 'string') return context.env[env] ?? '';
  if (typeof file === 'string') return readFile(resolve(context.baseDir, file), 'utf8');
  return new Promise((done, fail) => {
    const options = { cwd: context.baseDir, env: context.env as NodeJS.ProcessEnv, timeout: SECRET_MS, signal };
    execFile('/bin/sh', ['-c', String(command)], options, (error, stdout) => (error ? fail(new Error('it failed')) : done(stdout)));
  });
}
