import { execFile } from 'node:child_process';
import { MARKER } from './marker.ts';
import type { ProcessEntry, ProcessTable } from './process-table.ts';

/** A line of `ps -o pid=,ppid=,pgid=,rss=,stat=,lstart=,command=`: lstart is `Mon Nov 24 12:00:00 2026`. */
const LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\w{3}\s+\w{3}\s+\d+\s+[\d:]{8}\s+\d{4})\s+(.*)$/;

/** Processes from `ps`, for machines without /proc (macOS). `-E` appends the environment to the command. */
export function psProcesses(): ProcessTable {
  const list = async (more: readonly string[]) =>
    parsePs(await ps([...more, '-Eww', '-o', 'pid=,ppid=,pgid=,rss=,stat=,lstart=,command=']));
  return {
    async list() {
      const entries = await list(['-ax']);
      if (entries.length === 0) throw new Error('ps lists no process'); // it would list itself
      return entries;
    },
    get: async (pid) => (await list(['-p', String(pid)])).find((entry) => entry.pid === pid) ?? null,
  };
}

function ps(args: readonly string[]): Promise<string> {
  return new Promise((done, fail) => {
    // The language decides how dates are written. With 1 it says that there is no such pid; anything else is no answer.
    execFile('ps', args, { env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 64 << 20 }, (error, stdout) =>
      error && error.code !== 1 ? fail(error) : done(stdout),
    );
  });
}

/** Entries from the output of ps, without zombies. Words are split at blanks: ps does not tell them apart from ours. */
export function parsePs(text: string): readonly ProcessEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = LINE.exec(line);
    if (!match || (match[5] as string).startsWith('Z')) return [];
    const [, pid, parent, group, rss, , lstart, command] = match as unknown as string[];
    const words = (command as string).split(' ').filter((word) => word !== '');
    const env = environmentOf(words);
    return [
      {
        pid: Number(pid),
        parent: Number(parent),
        group: Number(group),
        started: (lstart as string).replace(/\s+/g, ' '),
        startedAt: isoOf(lstart as string),
        args: words.slice(0, words.length - env.length),
        marker: env.find((word) => word.startsWith(`${MARKER}=`))?.slice(MARKER.length + 1) ?? null,
        env: () => Object.fromEntries(env.map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)])),
        memoryBytes: () => Number(rss) * 1024,
      },
    ];
  });
}

/** The words at the end that look like variables. */
function environmentOf(words: readonly string[]): readonly string[] {
  const last = words.findLastIndex((word) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(word));
  const marked = words.findIndex((word) => word.startsWith(`${MARKER}=`));
  if (marked < 0) return words.slice(last + 1);
  // Values with blanks tear the list apart; the marker itself has none, and lies in the environment for certain.
  const before = words.slice(0, marked).findLastIndex((word) => !/^[A-Za-z_][A-Za-z0-9_]*=/.test(word));
  return words.slice(before + 1);
}

function isoOf(lstart: string): string | null {
  const time = Date.parse(lstart);
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}
