import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine, ObservedBackend } from '../../domain/observed.ts';
import { problemOf } from '../../domain/problem.ts';
import { readMemory } from '../kit/memory.ts';
import { NOT_RUNNING } from './check.ts';
import { readWeightsMark } from './marker.ts';
import { observeServer } from './observe.ts';
import { portOf } from './options.ts';
import { findServer, programOf, storeOf, whyNotThere } from './own-server.ts';
import type { Parts } from './parts.ts';

/**
 * A server that llmops serves: one that does not run has no copies and can be started, so it counts as there. Which weights it will
 * have is read from its folder. Reads only.
 */
export async function observeOwn(parts: Parts, signal: AbortSignal): Promise<ObservedBackend> {
  const { name, type, options } = parts.spec;
  try {
    const { running, all } = await findServer(parts);
    if (running !== null) return await observeServer(parts, signal);
    const problem = await whyNotThere(portOf(options), all, parts);
    if (problem !== null) return { status: 'unreachable', name, type, problem };
    const memory = await readMemory(parts.context, signal);
    return { status: 'reachable', name, type, engine: engineOf(parts), instances: [], memory, held: heldOnDisk(parts) };
  } catch (error) {
    return { status: 'unreachable', name, type, problem: problemOf(error) };
  }
}

function engineOf(parts: Parts): Engine {
  try {
    return { status: 'present', at: programOf(parts), name: 'Ollama', version: NOT_RUNNING, capabilities: [] };
  } catch (error) {
    return { status: 'absent', problem: problemOf(error) };
  }
}

/** Keys of pristine weights in the server's folder, as far as they are what their name says. */
function heldOnDisk(parts: Parts): readonly string[] {
  const store = storeOf(parts) ?? join(parts.context.env['HOME'] ?? '', '.ollama', 'models');
  const folder = join(store, 'manifests', 'registry.ollama.ai', 'llmops', 'base');
  try {
    return readdirSync(folder)
      .filter((key) => isHeld(store, join(folder, key), key))
      .sort();
  } catch {
    return []; // it has none yet, or keeps them otherwise: a pull finds out
  }
}

interface Layer {
  readonly mediaType: string;
  readonly digest: string;
}

/** As `heldKeyOf` decides it for a server that runs. */
function isHeld(store: string, path: string, key: string): boolean {
  const bytes = readFileSync(path);
  const { layers } = JSON.parse(bytes.toString()) as { readonly layers: readonly Layer[] };
  const fileOf = ({ digest }: Layer) => join(store, 'blobs', digest.replace(':', '-'));
  if (!layers.every((layer) => existsSync(fileOf(layer)))) return false;
  if (createHash('sha256').update(bytes).digest('hex') === key) return true;
  const weights = layers.find(({ mediaType }) => mediaType.endsWith('.model'));
  const licenses = layers.filter(({ mediaType }) => mediaType.endsWith('.license')).map((layer) => readFileSync(fileOf(layer), 'utf8'));
  const mark = readWeightsMark(licenses.join('\n'));
  return mark?.key === key && weights?.digest === `sha256:${mark.blob}`;
}
