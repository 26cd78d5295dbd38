import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { encodeMarker, stackIdOf } from './marker.ts';
import { findOurs, type Parts } from './parts.ts';
import type { ProcessEntry } from './process-table.ts';
import { openRecords } from './records.ts';
import { signalAll } from './terminate.ts';

/** Above every number that a kernel gives. */
const [ENGINE, SHELL, OTHER, GONE] = [99_999_990, 99_999_991, 99_999_992, 99_999_993];
const ID = 'chat-0123456789ab';

let stateDir: string;
beforeEach(() => void (stateDir = mkdtempSync(join(tmpdir(), 'llmops-callers-'))));
afterEach(() => rmSync(stateDir, { recursive: true, force: true }));

/** A process with the mark of one engine. */
function marked(pid: number, parent: number, group: number): ProcessEntry {
  const spec = { stack: 'shop', backend: 'local', model: 'chat', id: ID, specHash: '1', digest: 'aa' };
  const marker = encodeMarker({ v: 1, stackId: stackIdOf(stateDir), type: 'test', port: 4711, logFile: '/x', ...spec });
  const startedAt = null;
  return { pid, parent, group, started: `boot:${pid}`, startedAt, args: ['x'], marker, env: () => ({}), memoryBytes: () => null };
}

function partsOver(entries: readonly ProcessEntry[]): Parts {
  const get = async (pid: number) => entries.find((entry) => entry.pid === pid) ?? null;
  const parts: Partial<Parts> = {
    spec: { name: 'local', type: 'test', reserve: { vramBytes: 0, ramBytes: 0 }, options: {} },
    stackId: stackIdOf(stateDir),
    records: openRecords(stateDir),
    table: { list: async () => entries, get },
  };
  return parts as Parts;
}

function membersOf(entries: readonly ProcessEntry[]): readonly number[] | undefined {
  return findOurs(entries, partsOver(entries))
    .get(ID)
    ?.members.map(({ pid }) => pid);
}

describe('An llmops that inherited the mark of an engine', () => {
  const engine = () => marked(ENGINE, 1, ENGINE);
  const called = () => [marked(SHELL, 1, SHELL), marked(process.pid, SHELL, process.pid)];

  it('is no part of that engine, and neither is whoever called it', () => {
    expect(membersOf([engine(), ...called()])).toEqual([ENGINE]);
    expect(membersOf([engine(), ...called(), marked(OTHER, ENGINE, ENGINE)])).toEqual([ENGINE, OTHER]);
  });

  it('makes no engine of itself where that one has ended', () => {
    expect(membersOf(called())).toBeUndefined();
  });

  it('nor of what stands beside it, such as the other end of its pipe', () => {
    expect(membersOf([engine(), ...called(), marked(OTHER, SHELL, SHELL)])).toEqual([ENGINE]);
    expect(membersOf([...called(), marked(OTHER, SHELL, OTHER)])).toBeUndefined();
  });

  it('but what it starts itself is one, whatever mark it has', () => {
    expect(membersOf([...called(), marked(ENGINE, process.pid, ENGINE)])).toEqual([ENGINE]);
  });

  it('still finds the engine if it was called from that very process', () => {
    const spec = {
      id: ID,
      stack: 'shop',
      backend: 'local',
      model: 'chat',
      specHash: '1',
      fields: {},
      weights: { path: '/w', sha256: 'aa', bytes: 1 },
      options: {},
    };
    const was = { pid: ENGINE, started: engine().started };
    const told = { args: [], port: 4711, logFile: '/x', startedAt: null, wasReady: true };
    openRecords(stateDir).put({ v: 1, type: 'test', spec, process: was, ...told });
    expect(membersOf([engine(), marked(process.pid, ENGINE, ENGINE)])).toEqual([ENGINE]);
  });

  it('signals no group that it stands in, nor one of its callers: members there are ended one by one', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    const members = [engine(), marked(OTHER, SHELL, SHELL), marked(GONE, ENGINE, GONE)];
    await signalAll(members, 'SIGTERM', partsOver([...members, ...called()]));
    const sent = kill.mock.calls.map(([pid]) => pid);
    kill.mockRestore();
    expect(sent).toEqual([-ENGINE, OTHER, -GONE]);
  });
});
