import { request } from 'node:http';
import { createInterface } from 'node:readline';
import type { DaemonPicture, FollowedRelease } from '../domain/daemon-picture.ts';
import { controlPath } from './path.ts';

/** A daemon that is busy answers within this, in milliseconds: it does nothing long between two awaits. */
const DEADLINE_MS = 5000;
/** Of one answer, in bytes. */
const LIMIT = 16 * 1024 ** 2;

/** What the daemon of a stack is at; null: none runs, or it does not answer. */
export async function askStatus(stateDir: string): Promise<DaemonPicture | null> {
  return pictureIn(await ask(stateDir, 'GET', '/v1/status'));
}

/** The newest release that a daemon found; null: none runs, it found none yet, or it is of a version that does not tell. */
export async function askRelease(stateDir: string): Promise<FollowedRelease | null> {
  return (await ask(stateDir, 'GET', '/v1/release')) as FollowedRelease | null;
}

/** Makes the daemon look at everything now. Resolves to what it is at then; null: none runs. */
export async function nudge(stateDir: string): Promise<DaemonPicture | null> {
  return pictureIn(await ask(stateDir, 'POST', '/v1/nudge'));
}

/** One that runs since before an upgrade tells less. */
function pictureIn(answer: unknown): DaemonPicture | null {
  const told = answer as DaemonPicture | null;
  if (told === null) return null;
  return { ...LATER, ...told, parked: told.parked && { ...NO_MODELS, ...told.parked } };
}

const LATER: Pick<DaemonPicture, 'inForce' | 'trouble' | 'held'> = { inForce: false, trouble: null, held: [] };
const NO_MODELS = { models: [] };

/** The events of a daemon, old ones first, until the signal is aborted or the daemon ends, however it ends. Throws if none runs. */
export async function* followEvents(stateDir: string, last: number, signal: AbortSignal): AsyncGenerator<object> {
  const response = await open(stateDir, 'GET', `/v1/events?follow=1&last=${last}`, signal);
  try {
    for await (const line of createInterface({ input: response })) yield* parsed(line);
  } catch (error) {
    if (!signal.aborted && (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
}

/** A daemon that was killed leaves half a line. */
function parsed(line: string): readonly object[] {
  try {
    return [JSON.parse(line) as object];
  } catch {
    return [];
  }
}

async function ask(stateDir: string, method: string, path: string): Promise<unknown> {
  try {
    const response = await open(stateDir, method, path, AbortSignal.timeout(DEADLINE_MS));
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) {
      text += String(chunk);
      if (text.length > LIMIT) return null;
    }
    return response.statusCode === 200 ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function open(stateDir: string, method: string, path: string, signal: AbortSignal): Promise<import('node:http').IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ socketPath: controlPath(stateDir), method, path, signal }, resolve)
      .on('error', reject)
      .end();
  });
}
