import { describe, expect, it } from 'vitest';
import type { Parts } from './parts.ts';
import type { ProcessEntry } from './process-table.ts';
import { warningOf } from './takeable.ts';

const entry = (pid: number, parent: number, args: readonly string[]): ProcessEntry => ({
  pid,
  parent,
  group: pid,
  started: 'boot:1',
  startedAt: null,
  args,
  marker: null,
  env: () => ({}),
  memoryBytes: () => null,
});

/** What is said of an engine that was started from this. Numbers of no process: the machine has nothing to say. */
function warningBelow(...above: readonly string[]): string | null {
  const engine = entry(99_999_999, 99_999_998, ['llama-server']);
  const claimed = { configured: {}, path: null, name: null, port: 1, obstacle: null, warning: null };
  const around = {
    entries: [engine, entry(99_999_998, 1, above)],
    parts: { context: { env: {}, stateDir: '/nowhere/state' } } as unknown as Parts,
  };
  return warningOf({ entry: engine, claimed, file: null }, around);
}

describe('Whoever started a process may start it again', () => {
  it('if it is a script, or a program with words of its own', () => {
    for (const words of [
      'bash keep.sh',
      'bash --norc keep.sh',
      'bash --rcfile rc keep.sh',
      'bash -lc x',
      'fish --command x',
      'python3 keep.py',
    ])
      expect(warningBelow(...words.split(' ')), words).toContain('may start it again');
  });

  it('and not if it is a shell that a person types into', () => {
    for (const words of ['-bash', 'bash', 'bash --norc', '/bin/zsh -i -l', 'bash --rcfile rc', 'bash -o vi', 'fish --private'])
      expect(warningBelow(...words.split(' ')), words).toBeNull();
  });
});
