import { dirname, basename } from 'node:path';
import { diskError } from '../../src/domain/disk-problem.ts';
import type { Disk } from '../../src/state/index.ts';

/** One change of a disk, as it was asked for. */
export type DiskWrite =
  | { readonly op: 'write' | 'append'; readonly path: string; readonly bytes: Uint8Array }
  | { readonly op: 'truncate'; readonly path: string; readonly length: number }
  | { readonly op: 'rename'; readonly from: string; readonly to: string }
  | { readonly op: 'remove'; readonly path: string }
  | { readonly op: 'sync-folder'; readonly path: string };

/** A disk in memory that remembers what was written, in order. */
export interface MemoryDisk extends Disk {
  readonly files: Map<string, Uint8Array>;
  readonly writes: readonly DiskWrite[];
  /** Called before each write; what it throws is what the disk says, and nothing of the write is kept but `tornBytes`. */
  onWrite: ((write: DiskWrite, index: number) => void) | null;
  /** How many bytes of a failed append stay behind. */
  tornBytes: number;
  /** How many bytes there is room for; null: no end of them. */
  capacity: number | null;
}

/** What a disk without room says. */
const full = (path: string): unknown => diskError(path, Object.assign(new Error('full'), { code: 'ENOSPC' }));

export function memoryDisk(files = new Map<string, Uint8Array>()): MemoryDisk {
  const writes: DiskWrite[] = [];
  const change = async (write: DiskWrite): Promise<void> => {
    try {
      disk.onWrite?.(write, writes.length);
      if ('bytes' in write && disk.capacity !== null && usedBy(files) - replacedBy(files, write) + write.bytes.length > disk.capacity)
        throw full(write.path);
    } catch (error) {
      if (write.op === 'append') perform(files, { ...write, bytes: write.bytes.subarray(0, disk.tornBytes) });
      throw error;
    }
    writes.push(write);
    perform(files, write);
  };
  const disk: MemoryDisk = {
    files,
    writes,
    onWrite: null,
    tornBytes: 0,
    capacity: null,
    read: async (path) => files.get(path) ?? null,
    list: async (path) =>
      [...files.keys()]
        .filter((name) => dirname(name) === path)
        .map((name) => basename(name))
        .sort(),
    makeFolder: async () => undefined,
    write: (path, bytes) => change({ op: 'write', path, bytes }),
    append: (path, bytes) => change({ op: 'append', path, bytes }),
    truncate: (path, length) => change({ op: 'truncate', path, length }),
    rename: (from, to) => change({ op: 'rename', from, to }),
    remove: (path) => change({ op: 'remove', path }),
    syncFolder: (path) => change({ op: 'sync-folder', path }),
  };
  return disk;
}

/** How many bytes its files take. */
export function usedBy(files: ReadonlyMap<string, Uint8Array>): number {
  return [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
}

function replacedBy(files: ReadonlyMap<string, Uint8Array>, { op, path }: { readonly op: string; readonly path: string }): number {
  return op === 'write' ? (files.get(path)?.length ?? 0) : 0;
}

/** What a change leaves. */
export function perform(files: Map<string, Uint8Array>, write: DiskWrite): void {
  switch (write.op) {
    case 'write':
      return void files.set(write.path, Buffer.from(write.bytes));
    case 'append':
      return void files.set(write.path, Buffer.concat([files.get(write.path) ?? Buffer.alloc(0), write.bytes]));
    case 'truncate':
      return void files.set(write.path, (files.get(write.path) ?? Buffer.alloc(0)).subarray(0, write.length));
    case 'rename':
      files.set(write.to, files.get(write.from) ?? Buffer.alloc(0));
      return void files.delete(write.from);
    case 'remove':
      return void files.delete(write.path);
    case 'sync-folder':
      return undefined;
  }
}
