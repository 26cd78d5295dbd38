import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { StepIo } from '../../domain/backend.ts';
import { heldKey } from '../../domain/observed.ts';
import type { StepOf } from '../../domain/plan.ts';
import { ProblemError } from '../../domain/problem.ts';
import { throwIfCancelled } from '../kit/clock.ts';
import type { BlobFile } from './client.ts';
import { weightsText } from './marker.ts';
import { baseName } from './names.ts';
import type { Parts } from './parts.ts';

type Weights = StepOf<'pull'>['weights'];

/**
 * Hands files of this machine to the server, each under its digest, and makes the pristine model of them. A file that it has
 * is not sent again.
 */
export async function handOver(weights: Weights, parts: Parts, io: StepIo): Promise<void> {
  const files = await filesOf(weights, io);
  // All of them before the first one moves, so that their total is known from the beginning.
  for (const { path, bytes } of files) io.transfer(basename(path), 0, bytes);
  for (const file of files) await handOne(file, parts, io);
  const [first] = files;
  if (first === undefined) throw new Error('weights of no file');
  const key = heldKey(weights);
  const named = Object.fromEntries(files.map(({ path, sha256 }) => [nameFor(path, files.length), `sha256:${sha256}`]));
  const license = weightsText({ v: 1, key, blob: first.sha256 });
  await parts.client.create({ model: baseName(key), files: named, license }, io.signal);
}

/** The name becomes a part of the manifest: the same weights get the same one. Of parts it says which is which. */
function nameFor(path: string, parts: number): string {
  return parts === 1 ? 'model.gguf' : basename(path);
}

async function handOne(file: BlobFile, { client }: Parts, io: StepIo): Promise<void> {
  throwIfCancelled(io.signal, 'handing over weights');
  const name = basename(file.path);
  if (await client.hasBlob(file.sha256, io.signal)) return io.transfer(name, file.bytes, file.bytes);
  const bytes = await sizeOf(file.path);
  let done = 0;
  await client.upload(
    { ...file, bytes },
    (more) => {
      done += more;
      io.transfer(name, done, bytes);
    },
    io.signal,
  );
}

const PART = /^(.*-)(\d{5})-of-(\d{5})(\.gguf)$/i;

/**
 * The file, or every part of a split one. What was fetched is known by its digest; parts that lie beside each other are read
 * for it.
 */
async function filesOf(weights: Weights, io: StepIo): Promise<readonly BlobFile[]> {
  const { path, sha256, remote } = weights;
  // They need not be here where the server has them.
  if (remote !== undefined)
    return remote.files.map((file, index) => ({ ...file, path: index === 0 ? path : join(dirname(path), basename(file.path)) }));
  const [, prefix, , count, ending] = PART.exec(basename(path)) ?? [];
  if (prefix === undefined || count === undefined) return [{ path, bytes: await sizeOf(path), sha256 }];
  const paths = Array.from({ length: Number(count) }, (_, index) =>
    join(dirname(path), `${prefix}${String(index + 1).padStart(5, '0')}-of-${count}${ending}`),
  );
  const files: BlobFile[] = [];
  for (const part of paths) files.push({ path: part, bytes: await sizeOf(part), sha256: await digestOf(part, io) });
  return files;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new ProblemError(
      { code: 'weights-missing', summary: `The weights ${path} cannot be read (${why}).`, fix: 'Put the file back, or plan again.' },
      error,
    );
  }
}

async function digestOf(path: string, io: StepIo): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    throwIfCancelled(io.signal, 'reading weights');
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}
