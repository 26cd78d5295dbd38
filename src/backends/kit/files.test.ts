import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sweepClaims, tryClaim } from './claims.ts';
import { lastLines } from './ended.ts';
import { KEPT_LOGS, LOG_LIMIT_BYTES, logHead, logTail, openLog, rotateLog, rotateLogs } from './logs.ts';
import { systemProcesses } from './process-table.ts';
import { openRecords, type InstanceRecord } from './records.ts';

let dir = '';
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'llmops-kit-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const record = (id: string): InstanceRecord => ({
  v: 1,
  type: 't',
  spec: {
    id,
    stack: 's',
    backend: 'b',
    model: 'chat',
    specHash: '1',
    fields: {},
    weights: { path: '/w', sha256: 'aa', bytes: 1 },
    options: {},
  },
  process: { pid: 1, started: 'x' },
  args: [],
  port: 1,
  logFile: '/l',
  startedAt: null,
  wasReady: false,
});

describe('Logs', () => {
  it('begin anew with each start; the latest earlier ones are kept', () => {
    const path = join(dir, 'logs', 'a.log');
    for (let start = 1; start <= KEPT_LOGS + 2; start += 1) {
      const file = openLog(path) ?? -1;
      writeSync(file, `start ${start}\n`);
      closeSync(file);
    }
    expect(readFileSync(path, 'utf8')).toBe('start 5\n');
    expect(readdirSync(join(dir, 'logs')).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2', 'a.log.3']);
    expect(readFileSync(`${path}.1`, 'utf8')).toBe('start 4\n');
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it('that grow too long are cut while the engine goes on writing', () => {
    const path = join(dir, 'logs', 'a.log');
    const file = openLog(path) ?? -1;
    writeSync(file, 'x'.repeat(100));
    expect(rotateLog(path, 1000)).toBe(false);
    expect(rotateLog(path, 99)).toBe(true);
    writeSync(file, 'new line\n');
    closeSync(file);
    expect(readFileSync(path, 'utf8')).toBe('new line\n');
    expect(readFileSync(`${path}.1`, 'utf8')).toHaveLength(100);
  });

  it('that are cut keep the time of their last line: a dead engine wrote nothing since', () => {
    const path = join(dir, 'logs', 'a.log');
    closeSync(openLog(path) ?? -1);
    writeFileSync(path, 'x'.repeat(100));
    utimesSync(path, 1000, 1000);
    expect(rotateLog(path, 50)).toBe(true);
    expect(statSync(path).mtimeMs).toBe(1_000_000);
  });

  it('that are cut keep their beginning, where the engine said how it loaded, however often', () => {
    const path = join(dir, 'logs', 'a.log');
    const file = openLog(path) ?? -1;
    writeSync(file, 'offloaded 5/5 layers\n');
    for (let round = 0; round < 3; round += 1) {
      writeSync(file, `${'x'.repeat(99)}\n`.repeat(10));
      expect(rotateLog(path, 200)).toBe(true);
      writeSync(file, `after ${round}\n`);
      expect(logHead(path)).toMatch(/^offloaded 5\/5 layers\n/);
      expect(logTail(path)).toMatch(new RegExp(`\nafter ${round}\n$`));
      expect(statSync(path).size).toBeLessThanOrEqual(200);
    }
    closeSync(file);
  });

  it('that nobody looked after for long leave a bounded copy, of their end', () => {
    const path = join(dir, 'logs', 'a.log');
    const file = openLog(path) ?? -1;
    writeSync(file, `${'x'.repeat(5000)}end\n`);
    closeSync(file);
    expect(rotateLog(path, 100)).toBe(true);
    expect(readFileSync(`${path}.1`, 'utf8')).toBe(`${'x'.repeat(196)}end\n`);
    expect(statSync(`${path}.1`).mode & 0o077).toBe(0);
  });

  it('of which one cannot be cut are cut all the same, and nothing fails', () => {
    for (const name of ['a', 'b']) {
      closeSync(openLog(join(dir, 'logs', `${name}.log`)) ?? -1);
      truncateSync(join(dir, 'logs', `${name}.log`), LOG_LIMIT_BYTES + 1);
    }
    mkdirSync(join(dir, 'logs', 'a.log.3', 'in-the-way'), { recursive: true });
    rotateLogs(dir);
    expect(statSync(join(dir, 'logs', 'a.log')).size).toBe(LOG_LIMIT_BYTES + 1);
    expect(statSync(join(dir, 'logs', 'b.log')).size).toBe(0);
  });

  it('are read from their ends, whatever their size, also if there is none', () => {
    const path = join(dir, 'a.log');
    appendFileSync(path, `head${'x'.repeat(10_000)}tail`);
    expect(logTail(path, 4)).toBe('tail');
    expect(logHead(path, 4)).toBe('head');
    expect([logTail(join(dir, 'none')), logHead(null)]).toEqual(['', '']);
  });

  it('are quoted without what looks like a key', () => {
    expect(lastLines('a\n\nAuthorization: Bearer sk-abcdef123456\napi_key=s3cr3tvalue ok\n')).toEqual([
      'a',
      'Authorization: Bearer ***',
      'api_key=*** ok',
    ]);
  });
});

describe('Records', () => {
  it('are found as they were written, for their owner alone', () => {
    const records = openRecords(dir);
    records.put(record('chat-1'));
    expect(openRecords(dir).get('chat-1')).toEqual(record('chat-1'));
    expect(statSync(join(dir, 'instances', 'chat-1.json')).mode & 0o077).toBe(0);
    records.remove('chat-1');
    expect(records.list()).toEqual([]);
  });

  it('keep when an instance was last seen to live', () => {
    const records = openRecords(dir);
    expect(records.lastAlive('chat-1')).toBeNull();
    records.put(record('chat-1'));
    utimesSync(join(dir, 'instances', 'chat-1.json'), 1000, 1000);
    expect(records.lastAlive('chat-1')).toBe(1_000_000);
    records.isAlive('chat-1');
    expect(records.lastAlive('chat-1')).toBeGreaterThan(1_000_000);
    records.isAlive('nobody');
    expect(records.list().map(({ spec }) => spec.id)).toEqual(['chat-1']);
  });

  it('write nothing before there is something to write', () => {
    openRecords(join(dir, 'none')).list();
    expect(readdirSync(dir)).toEqual([]);
  });

  it('that are torn, of another version or under a wrong name count as absent', () => {
    const records = openRecords(dir);
    const whole = JSON.stringify(record('chat-1'));
    records.folder();
    for (let length = 0; length < whole.length; length += 1) {
      writeFileSync(join(dir, 'instances', 'chat-1.json'), whole.slice(0, length));
      expect(records.list()).toEqual([]);
    }
    writeFileSync(join(dir, 'instances', 'other.json'), whole);
    writeFileSync(join(dir, 'instances', 'chat-1.json'), JSON.stringify({ ...record('chat-1'), v: 2 }));
    expect(records.list()).toEqual([]);
  });

  it('stay in their folder, whatever an instance is called', () => {
    const records = openRecords(dir);
    records.put(record('../../evil'));
    expect(readdirSync(dir)).toEqual(['instances']);
    expect(records.get('../../evil')?.spec.id).toBe('../../evil');
  });
});

describe('The claim to start an instance', () => {
  const claim = () => tryClaim(dir, 'chat-1', systemProcesses());

  it('is given to one at a time, and again after it was given back', async () => {
    const claims = await Promise.all([claim(), claim(), claim()]);
    const won = claims.filter((release) => release !== null);
    expect(won).toHaveLength(1);
    won[0]?.();
    expect(await claim()).not.toBeNull();
  });

  it('of a process that died blocks nobody', async () => {
    for (const dead of ['999999999 nothing x', '', `${process.pid} another-start x`]) {
      writeFileSync(join(dir, 'chat-1.claim'), dead);
      const release = await claim();
      expect(release, dead).not.toBeNull();
      release?.();
    }
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe('Claims of runs that died', () => {
  it('are swept away, and those of living runs stay', async () => {
    const table = systemProcesses();
    const release = await tryClaim(dir, 'chat-1', table);
    writeFileSync(join(dir, 'code-1.claim'), '2147483646 gone 1');
    await sweepClaims(dir, table);
    expect(readdirSync(dir)).toEqual(['chat-1.claim']);
    release?.();
    await sweepClaims(join(dir, 'not-there'), table);
  });
});
