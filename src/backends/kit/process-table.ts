import { linuxProcesses } from './linux-processes.ts';
import { psProcesses } from './ps-processes.ts';

/** One process that holds memory, ports or both. Zombies are not in the table, unless threads of theirs still run. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** Process group; equals `pid` for the process that was started as an instance. */
  readonly group: number;
  /** Equal exactly if it is the same process of the same boot. */
  readonly started: string;
  /** ISO 8601, or null. */
  readonly startedAt: string | null;
  /** Empty, with no environment either: it is about to end, and may hold memory and ports for seconds yet. */
  readonly args: readonly string[];
  /** Text of the marker in its environment; null: none, it is about to end, or it belongs to another user. */
  readonly marker: string | null;
  env(): Readonly<Record<string, string>>;
  /** Resident memory in bytes; null: not known. */
  memoryBytes(): number | null;
}

/** The machine's processes, as far as this user may see them. */
export interface ProcessTable {
  /** Throws if the machine does not tell: no process at all is no answer. */
  list(): Promise<readonly ProcessEntry[]>;
  /** null: no such process, or a zombie. */
  get(pid: number): Promise<ProcessEntry | null>;
}

/** The table of this machine. */
export function systemProcesses(): ProcessTable {
  return process.platform === 'linux' ? linuxProcesses('/proc') : psProcesses();
}
