import { realpath, stat } from 'node:fs/promises';

/** Somebody named a pipe that lies on disk. */
export class NamedPipe extends Error {
  override readonly message = 'it is a named pipe, which may never be opened at its other end';
}

/**
 * Throws {@link NamedPipe} for one that lies on disk: opening it lasts until somebody opens its other end, in a thread that nothing
 * can call back, so that not even a signal would end the program. A pipe that a shell hands over is open already and has no
 * path (on Linux), or one below /dev: it passes, and so does what is not there.
 */
export async function refuseNamedPipe(path: string): Promise<void> {
  if (!(await stat(path).catch(() => null))?.isFIFO()) return;
  const real = await realpath(path).catch(() => null);
  if (real !== null && !/^\/(?:dev|proc)\//.test(real)) throw new NamedPipe();
}
