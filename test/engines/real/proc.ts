import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process of this machine, looked at without llmops. Source: proc(5). */
export interface Seen {
  readonly pid: number;
  readonly args: readonly string[];
  /** As its mark says. */
  readonly model: string;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // ended meanwhile
  }
}

/** Living processes whose mark names a folder. One that ended and was not reaped yet has no environment. */
export function processesWith(dir: string): readonly Seen[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const mark = /(?:^|\0)LLMOPS_INSTANCE=([^\0]*)/.exec(read(`/proc/${name}/environ`))?.[1];
      if (!mark?.includes(`${dir}/`)) return [];
      const { model } = JSON.parse(mark) as { readonly model: string };
      return [{ pid: Number(name), args: read(`/proc/${name}/cmdline`).split('\0').slice(0, -1), model }];
    });
}

/** Whether a process is there and has not ended. */
export function isAlive(pid: number): boolean {
  const state = /\) (\w)/.exec(read(`/proc/${pid}/stat`))?.[1];
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Pids of processes whose arguments hold a word. */
export function pidsWithWord(word: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && read(`/proc/${name}/cmdline`).split('\0').includes(word))
    .map(Number);
}

/** The value that follows a flag in a process's arguments. */
export function valueOf(args: readonly string[], flag: string): string | undefined {
  const at = args.indexOf(flag);
  return at < 0 ? undefined : args[at + 1];
}

/** Addresses, as the kernel writes them (`0100007F:1F90`), on which a process listens for TCP. */
export function listening(pid: number): readonly string[] {
  const sockets = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${fd}`))?.[1]));
  return ['tcp', 'tcp6'].flatMap((kind) =>
    read(`/proc/${pid}/net/${kind}`)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((words) => words[3] === '0A' && sockets.has(words[9]))
      .map((words) => words[1] as string),
  );
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** Signals a process that may be gone. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Ends processes that a failed test left. */
export function killAll(processes: readonly Seen[]): void {
  for (const { pid } of processes) signal(pid, 'SIGKILL');
}

/** Looks until the answer is there. The test's own deadline ends it. */
export async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (;;) {
    const answer = await look();
    if (answer) return answer;
    await new Promise((next) => setTimeout(next, 10));
  }
}
