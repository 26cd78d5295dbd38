import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Problem } from '../../domain/problem.ts';

/**
 * What no server tells, noted beside the state of the stack: why a copy failed, which users' tags a pull that is under way moves,
 * and how long users' runners were to stay. Losing it costs an explanation, a tag that stays moved, or a runner that stays. And which weights a manifest stood for, in the cache:
 * a server goes on listing runners under digests of models that are gone.
 */
export class Notes {
  readonly #folder: string;
  readonly #blobs: string;
  /** What the notes of pulls to this backend begin with: another backend is another server. */
  readonly #pull: string;

  constructor({ stateDir, cacheDir }: { readonly stateDir: string; readonly cacheDir: string }, backendId: string) {
    this.#folder = join(stateDir, 'instances');
    this.#blobs = join(cacheDir, 'ollama-blobs');
    this.#pull = `pull-${backendId}-`;
  }

  /** Where these notes lie, made if it is not there. */
  folder(): string {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    return this.#folder;
  }

  failureOf(id: string): Problem | null {
    const note = readNote(this.#fileOf(id)) as { readonly problem?: Problem } | null;
    return typeof note?.problem?.code === 'string' && typeof note.problem.summary === 'string' ? note.problem : null;
  }

  /** null forgets it. */
  noteFailure(id: string, problem: Problem | null): void {
    if (problem === null) rmSync(this.#fileOf(id), { force: true });
    else writeNote(this.#fileOf(id), { v: 1, problem });
  }

  /** Tags of users that a pull may have moved, and that stand under `keptName`. */
  kept(): readonly string[] {
    return namesIn(this.#folder)
      .filter((name) => name.startsWith(this.#pull) && name.endsWith(ENDING))
      .flatMap((name) => {
        const note = readNote(join(this.#folder, name)) as { readonly name?: unknown } | null;
        return typeof note?.name === 'string' ? [note.name] : [];
      });
  }

  noteKept(name: string): void {
    writeNote(this.#fileOf(`${this.#pull}${name}`), { v: 1, name });
  }

  forgetKept(name: string): void {
    rmSync(this.#fileOf(`${this.#pull}${name}`), { force: true });
  }

  /** How long somebody else's runner was to stay before a copy of ours asked it to stay for ever, in milliseconds; null: it was not asked. */
  stayOf(row: RunnerName): number | null {
    const note = readNote(this.#fileOf(stayId(row))) as { readonly ms?: unknown } | null;
    return typeof note?.ms === 'number' ? note.ms : null;
  }

  noteStay(row: RunnerName, ms: number): void {
    writeNote(this.#fileOf(stayId(row)), { v: 1, ms });
  }

  forgetStay(row: RunnerName): void {
    rmSync(this.#fileOf(stayId(row)), { force: true });
  }

  /** The weight blob that a manifest names, if that was ever noted; both in hex. */
  blobOf(digest: string): string | null {
    try {
      return /^[0-9a-f]{64}$/.test(digest) ? (/^[0-9a-f]{64}/.exec(readFileSync(join(this.#blobs, digest), 'utf8'))?.[0] ?? null) : null;
    } catch {
      return null;
    }
  }

  /** A cache that cannot be written costs one reload, nothing else. */
  noteBlob(digest: string, blob: string): void {
    try {
      if (/^[0-9a-f]{64}$/.test(digest)) writeText(join(this.#blobs, digest), blob);
    } catch {
      // read-only home
    }
  }

  #fileOf(id: string): string {
    return join(this.#folder, `${encodeURIComponent(id)}${ENDING}`);
  }
}

interface RunnerName {
  readonly name: string;
  readonly digest: string;
}

function stayId({ name, digest }: RunnerName): string {
  return `stay-${digest.slice(0, 12)}-${name}`;
}

/** Apart from the records of processes, which end in `.json`. */
const ENDING = '.note';

function readNote(path: string): object | null {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as { readonly v?: unknown } | null;
    return value?.v === 1 ? value : null;
  } catch {
    return null;
  }
}

function writeNote(path: string, note: object): void {
  writeText(path, `${JSON.stringify(note)}\n`);
}

/** Atomic: a reader sees the old text or the new one. */
function writeText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
