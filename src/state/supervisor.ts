import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Supervision } from '../domain/status.ts';
import { TEMPORARY } from './durable.ts';
import { isAlive, thisHolder, type Holder } from './holder.ts';

const fileOf = (dir: string): string => join(dir, 'supervisor.json');

/** supervisor.json: who looks after a stack, and what it is about to start anew. For people, for `status`, and so that only one does. */
interface SupervisorFile {
  readonly formatVersion: '1.0';
  readonly process: Holder;
  readonly retries: Supervision['retries'];
}

/** Says what one process does that supervises a stack, for as long as it does. */
export interface SupervisorNote {
  /** What it is about to start anew. Writes only what is new. */
  say(retries: Supervision['retries']): void;
  /** It supervises no longer. */
  end(): void;
}

/** Never throws: a disk that is full must keep nobody from being looked after. */
export function noteSupervisor(dir: string, command: string): SupervisorNote {
  const process = thisHolder(command, 0);
  let written = '';
  return {
    say(retries) {
      const file: SupervisorFile = { formatVersion: '1.0', process, retries };
      const text = `${JSON.stringify(file)}\n`;
      if (text === written) return;
      try {
        const draft = `${fileOf(dir)}.${process.pid}${TEMPORARY}`;
        writeFileSync(draft, text, { mode: 0o600 });
        renameSync(draft, fileOf(dir));
        written = text;
      } catch {
        written = ''; // the next look tries again
      }
    },
    end() {
      if (readFile(dir)?.process.pid === process.pid) rmSync(fileOf(dir), { force: true });
    },
  };
}

/** Who supervises a stack now; null: nobody. */
export function currentSupervisor(dir: string): Supervision | null {
  const file = readFile(dir);
  if (file === null || !isAlive(file.process)) return null;
  const { pid, command, user, host, since } = file.process;
  return { pid, command, who: `${user}@${host}`, since, retries: file.retries };
}

function readFile(dir: string): SupervisorFile | null {
  try {
    const file = JSON.parse(readFileSync(fileOf(dir), 'utf8')) as SupervisorFile;
    return typeof file.process.pid === 'number' && Array.isArray(file.retries) ? file : null;
  } catch {
    return null;
  }
}
