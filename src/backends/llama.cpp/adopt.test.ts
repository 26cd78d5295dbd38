import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, copyFileSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, instancesOf, io, seen, step, World } from '../../../test/contract/world.ts';
import type { Driver } from '../../domain/backend.ts';
import type { InstanceSpec } from '../../domain/desired.ts';
import type { Candidate, ObservedInstance } from '../../domain/observed.ts';
import { problemOf } from '../../domain/problem.ts';
import { freePort } from '../kit/ports.ts';
import { fakeConformance } from './fake/conformance.ts';

const bin = mkdtempSync(join(tmpdir(), 'llmops-adopt-'));
afterAll(() => rmSync(bin, { recursive: true, force: true }));
const conformance = fakeConformance(bin);
const engine = String(conformance.backendOptions['engine']);

let world: World;
let driver: Driver;
let spec: InstanceSpec;
const theirs: ChildProcess[] = [];

beforeEach(async () => {
  world = await World.open(conformance);
  driver = world.connect();
  spec = world.spec();
});
afterEach(async () => {
  for (const child of theirs.splice(0)) {
    const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
    child.kill('SIGKILL');
    await gone;
  }
  await world.end();
});

/** A server that carries no mark, started in the folder of its weights. */
async function startTheirs(
  more: readonly string[] = [],
  file = basename(spec.weights.path),
): Promise<{ readonly pid: number; readonly port: number }> {
  const { weights } = spec;
  const port = await freePort();
  const words = ['-m', file, '-c', '512', '-np', '1', '-ctk', 'q8_0', '-ctv', 'q8_0', '-ngl', '2', '--port', String(port)];
  const child = spawn(engine, [...words, ...more], {
    cwd: join(weights.path, '..'),
    stdio: 'ignore',
    detached: true,
    env: { PATH: process.env['PATH'] },
  });
  theirs.push(child);
  await eventually(async () => (await fetch(`http://127.0.0.1:${port}/health`).catch(() => null))?.ok === true);
  return { pid: child.pid as number, port };
}

const wanted = () => {
  const { path, sha256, bytes } = spec.weights;
  return [{ model: world.model(), artifact: { path, sha256, bytes, source: 'file:chat.gguf', gguf: null } }];
};
const candidates = async (by: Driver = driver): Promise<readonly Candidate[]> => (await by.candidates?.(wanted(), io().signal)) ?? [];

async function adopt(copy: ObservedInstance): Promise<void> {
  await driver.perform.adopt?.(step('adopt', spec, { spec, copy: copy.id, process: copy.process }), io());
}

async function problemIn(doing: Promise<void> | undefined): Promise<unknown> {
  return problemOf(await doing?.catch((error: unknown) => error));
}

describe('A process that serves the weights of a declared model', () => {
  it('is told with its settings, without being ours', async () => {
    const { pid, port } = await startTheirs();
    const [found, ...more] = await candidates();
    expect(more).toEqual([]);
    expect(found).toMatchObject({
      model: 'chat',
      obstacle: null,
      copy: {
        owner: 'foreign',
        phase: 'serving',
        endpoint: `http://127.0.0.1:${port}`,
        process: { pid },
        configured: { context: 512, parallel: 1, kvCache: 'q8_0', digest: spec.weights.sha256, 'options.port': null },
        loaded: { context: 512, parallel: 1 },
      },
    });
  });

  it('cannot be taken over once the file was written anew: it holds what was there before', async () => {
    await startTheirs();
    const [before] = await candidates();
    await new Promise((later) => setTimeout(later, 1100)); // files and processes are timed by other clocks
    appendFileSync(spec.weights.path, 'x');
    expect((await candidates())[0]?.obstacle).toContain('was written anew');
    expect(await problemIn(adopt(before!.copy))).toMatchObject({ code: 'instance-changed' });
  });

  it('nor once another file has its name, though that one is older than the process', async () => {
    const { path } = spec.weights;
    const [other, link] = [join(path, '../other.gguf'), join(path, '../current.gguf')];
    copyFileSync(path, other);
    symlinkSync(path, link);
    await startTheirs([], 'current.gguf');
    expect(await candidates()).toMatchObject([{ obstacle: null }]);
    await new Promise((later) => setTimeout(later, 1100));
    rmSync(link);
    symlinkSync(other, link);
    spec = { ...spec, weights: { ...spec.weights, path: other } };
    expect((await candidates())[0]?.obstacle).toContain('or replaced');
    rmSync(link);
    renameSync(other, link);
    spec = { ...spec, weights: { ...spec.weights, path: link } };
    expect((await candidates())[0]?.obstacle).toContain('or replaced');
  });

  it("is no other model's as well, whichever backend of this stack that is on", async () => {
    const { pid } = await startTheirs();
    const second = world.connect({ backend: 'second' });
    const [before] = await candidates(second);
    await adopt(before!.copy);
    expect(await candidates(second)).toEqual([]);
    expect(instancesOf(await second.observe(io().signal)).filter(({ process }) => process?.pid === pid)).toEqual([]);
    const more = { ...spec, id: 'y-1', model: 'y', backend: 'second' };
    const taking = second.perform.adopt?.(step('adopt', more, { spec: more, copy: before!.copy.id, process: before!.copy.process }), io());
    expect(await problemIn(taking)).toMatchObject({ code: 'instance-changed' });
  });

  it("is found where pinned weights lie in another program's cache, before they stand where ours would open them", async () => {
    await startTheirs();
    const { path, sha256, bytes } = spec.weights;
    const origin = { kind: 'https' as const, url: 'https://example.org/chat.gguf' };
    const files = [{ path: 'chat.gguf', bytes, sha256 }];
    const remote = { origin, manifest: null, files, missing: [], ready: false, partialBytes: 0, here: path };
    const artifact = { path: `${path}.not-there-yet`, sha256, bytes, source: origin.url, gguf: null, remote };
    const found = await driver.candidates?.([{ model: world.model(), artifact }], io().signal);
    expect(found).toMatchObject([{ obstacle: null, copy: { phase: 'serving' } }]);
  });

  it('becomes ours by a record alone, also to those that come later, and ends like any other', async () => {
    const { pid } = await startTheirs();
    const [found] = await candidates();
    await adopt(found!.copy);
    const fresh = world.connect();
    const ours = seen(await fresh.look(spec.id, io().signal));
    expect(ours).toMatchObject({ owner: 'ours', phase: 'serving', specHash: spec.specHash, process: { pid } });
    expect(instancesOf(await fresh.observe(io().signal)).filter(({ process }) => process?.pid === pid)).toHaveLength(1);
    expect(await candidates(fresh)).toEqual([]);
    await adopt(found!.copy); // once more changes nothing
    await world.stop(fresh, spec, ours.process);
    expect(await fresh.look(spec.id, io().signal)).toBeNull();
  });

  it('is not taken over if another one has its number by now', async () => {
    await startTheirs();
    const [found] = await candidates();
    const copy = { ...found!.copy, process: { ...found!.copy.process!, started: 'another boot:1' } };
    expect(problemOf(await adopt(copy).catch((error: unknown) => error))).toMatchObject({ code: 'instance-changed' });
    expect(await driver.look(spec.id, io().signal)).toBeNull();
  });

  it('on every address of IPv6 answers here as well, and is shown at an address that is one', async () => {
    const { port, pid } = await startTheirs(['--host', '::']);
    expect(await candidates()).toMatchObject([{ obstacle: null, copy: { endpoint: `http://127.0.0.1:${port}` } }]);
    const shown = instancesOf(await driver.observe(io().signal)).find(({ process }) => process?.pid === pid);
    expect(shown?.endpoint).toBe(`http://127.0.0.1:${port}`);
  });

  it('that asks for a key, or belongs to a program that starts and ends it, says so', async () => {
    await startTheirs(['--api-key', 'theirs']);
    expect((await candidates())[0]?.obstacle).toContain('--api-key');
  });

  it('and that another stack took over is theirs: this one says whose, and leaves it', async () => {
    await startTheirs();
    const [found] = await candidates();
    const other = world.connect({ stateDir: join(world.dir, 'another-state') });
    await adopt(found!.copy);
    const [theirOwn] = await candidates(other);
    expect(theirOwn?.obstacle).toContain('belongs to stack contract');
    const taking = step('adopt', spec, { spec, copy: found!.copy.id, process: found!.copy.process });
    expect(problemOf(await other.perform.adopt?.(taking, io()).catch((error: unknown) => error))).toMatchObject({
      code: 'instance-changed',
    });
  });

  it('stays theirs when their claim is lost, and is free again when their state is', async () => {
    await startTheirs();
    const [found] = await candidates();
    await adopt(found!.copy);
    const other = world.connect({ stateDir: join(world.dir, 'another-state') });
    rmSync(join(world.dir, '.taken-over'), { recursive: true });
    expect((await candidates(other))[0]?.obstacle, 'their record says so').toContain('belongs to stack contract');
    await driver.tend?.(); // claims it anew
    rmSync(join(world.stateDir, 'instances'), { recursive: true });
    expect(await candidates(other)).toMatchObject([
      { obstacle: null, warning: expect.stringContaining('stack contract had taken it over') },
    ]);
    const taking = step('adopt', spec, { spec, copy: found!.copy.id, process: found!.copy.process });
    await other.perform.adopt?.(taking, io());
    expect((await candidates())[0]?.obstacle).toContain('belongs to stack contract');
    expect(await driver.look(spec.id, io().signal)).toBeNull();
  });

  it('is found again by the stack that took it over when its state is lost', async () => {
    const { pid } = await startTheirs();
    const [found] = await candidates();
    await adopt(found!.copy);
    rmSync(join(world.stateDir, 'instances'), { recursive: true });
    const fresh = world.connect();
    expect(await fresh.look(spec.id, io().signal)).toMatchObject({ owner: 'ours', specHash: spec.specHash, process: { pid } });
    expect(await candidates(fresh)).toEqual([]);
    await fresh.tend?.();
    rmSync(join(world.dir, '.taken-over'), { recursive: true });
    expect(await world.connect().look(spec.id, io().signal), 'its record is back').toMatchObject({ process: { pid } });
    await world.stop(fresh, spec, found!.copy.process);
    expect(await world.connect().look(spec.id, io().signal)).toBeNull();
  });

  it('and that leads a group with something else in it is ended alone', async () => {
    const port = await freePort();
    const { path } = spec.weights;
    const words = `-m ${basename(path)} -c 512 -np 1 -ctk q8_0 -ctv q8_0 -ngl 2 --port ${port}`;
    const script = `sleep 1000 & echo $!; exec '${engine}' ${words} >/dev/null`;
    const child = spawn('/bin/sh', ['-c', script], {
      cwd: join(path, '..'),
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
      env: { PATH: process.env['PATH'] },
    });
    theirs.push(child);
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    const beside = Number(said.toString());
    await eventually(async () => (await fetch(`http://127.0.0.1:${port}/health`).catch(() => null))?.ok === true);
    const [found] = await candidates();
    await adopt(found!.copy);
    await world.stop(driver, spec, found!.copy.process);
    await eventually(async () => (child.exitCode ?? child.signalCode) !== null);
    expect(process.kill(beside, 0)).toBe(true);
    process.kill(beside, 'SIGKILL');
  });
});
