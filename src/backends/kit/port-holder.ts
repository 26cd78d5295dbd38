import { createServer } from 'node:net';
import { basename } from 'node:path';
import type { InstanceSpec } from '../../domain/desired.ts';
import type { ObservedInstance } from '../../domain/observed.ts';
import { ProblemError } from '../../domain/problem.ts';
import { portsListenedOn, socketsOn, socketsOfProcess } from './listeners.ts';
import { decodeMarker } from './marker.ts';
import { endpointOf, isAdopted, type Parts } from './parts.ts';
import type { ProcessEntry } from './process-table.ts';

/** Somebody who is none of this stack's and listens on a port of this machine. */
export interface PortHolder {
  readonly port: number;
  /** null: another user's, or this machine does not tell. */
  readonly process: ProcessEntry | null;
}

/** What tells processes of a stack from others. */
interface Owner {
  readonly stackId: string;
  readonly records?: Pick<Parts['records'], 'adopted'>;
}

/** Who keeps a port from us; null: nobody, or a process of this stack, whose ports the planner hands on. */
export async function holderOf(port: number, entries: readonly ProcessEntry[], parts: Owner): Promise<PortHolder | null> {
  const sockets = socketsOn(port);
  if (sockets === null) return (await isFree(port)) ? null : { port, process: null };
  if (sockets.size === 0) return null;
  const process = entries.find(({ pid }) => socketsOfProcess(pid).some((socket) => sockets.has(socket))) ?? null;
  // One that is about to end has lost its mark, and is waited for by whoever starts.
  const isOurs =
    process !== null && (process.args.length === 0 || decodeMarker(process.marker)?.stackId === parts.stackId || isAdopted(process, parts));
  return isOurs ? null : { port, process };
}

/** What is not to be started because of it is not begun, and nothing is ended for it: throws `port-taken`. */
export async function refuseTakenPort(spec: InstanceSpec, parts: Parts): Promise<void> {
  const port = parts.engine.fixedPort?.(spec) ?? null;
  const holder = port === null ? null : await holderOf(port, await parts.table.list(), parts);
  if (holder === null) return;
  throw new ProblemError({
    code: 'port-taken',
    summary: `${spec.model} cannot get port ${holder.port}: ${nameOf(holder)}, which is not managed by this stack, holds it. ${spec.model} was left as it is.`,
    fix: 'Free that port, or take `options.port` away so that llmops picks a free one.',
  });
}

/** Strangers on these ports, so that a plan tells who is in the way before anything is ended. */
export async function strangersOn(ports: readonly number[], parts: Parts): Promise<readonly ObservedInstance[]> {
  const listened = portsListenedOn();
  const suspects = listened === null ? ports : ports.filter((port) => listened.has(port));
  if (suspects.length === 0) return [];
  const entries = await parts.table.list();
  const holders = await Promise.all(suspects.map((port) => holderOf(port, entries, parts)));
  return holders.filter((holder) => holder !== null).map((holder) => stranger(holder, parts.spec.name));
}

function stranger(holder: PortHolder, backend: string): ObservedInstance {
  const { port, process } = holder;
  return {
    id: `${nameOf(holder)}:${port}`,
    owner: 'foreign',
    backend,
    model: null,
    specHash: null,
    phase: 'unknown',
    endpoint: endpointOf(port),
    configured: {},
    loaded: null,
    activeRequests: null,
    memoryBytes: null,
    startedAt: process?.startedAt ?? null,
    process: process && { pid: process.pid, started: process.started },
    logFile: null,
    problem: null,
  };
}

/** Its program, as far as that is known. */
function nameOf({ process }: PortHolder): string {
  const [program] = process?.args ?? [];
  return program === undefined ? 'a process' : basename(program);
}

/** The only way to tell where the machine does not. */
function isFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}
