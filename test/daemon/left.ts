import { readdirSync, readFileSync } from 'node:fs';

/** Pids of processes of this machine that have a variable with this value: also of those that outlive whoever started them. */
export function processesWith(name: string, value: string): readonly number[] {
  const pair = `${name}=${value}`;
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && environmentOf(entry).includes(pair))
    .map(Number);
}

function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return []; // ended meanwhile
  }
}

/** Ends them and resolves when they are gone. */
export async function endAll(name: string, value: string): Promise<void> {
  for (let left = processesWith(name, value); left.length > 0; left = processesWith(name, value)) {
    for (const pid of left) kill(pid);
    await new Promise((next) => setTimeout(next, 10));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ended meanwhile
  }
}
