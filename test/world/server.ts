import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { InstanceSpec } from '../../src/domain/desired.ts';
import { Realm, type Answer } from './world.ts';

/** What goes wrong with a request; README.md says what each kind does. */
export interface Fault {
  readonly kind: 'status' | 'half' | 'drop' | 'drop-after' | 'lie' | 'hang' | 'late';
  readonly method?: string;
  readonly path?: RegExp;
  /** Strikes at the n-th request that matches, counted from 1; absent: at each. */
  readonly at?: number;
  /** For `status`; 503 if absent. */
  readonly status?: number;
  /** Hears of each strike. */
  readonly struck?: () => void;
}

export interface WorldOptions {
  readonly latencyMs?: number;
  readonly startMs?: number;
  readonly probeMs?: number;
}

/** A running server, and the world in it. */
export interface World {
  readonly url: string;
  /** `GET /b1/instances`, in the order of arrival. */
  readonly requests: readonly string[];
  /** Largest number of acts that were under way at the same time on one realm. */
  readonly peak: ReadonlyMap<string, number>;
  realm(name: string): Realm;
  fault(fault: Fault): void;
  clearFaults(): void;
  /** Lets the acts of `late` faults happen. */
  settle(): void;
  close(): Promise<void>;
}

/** Starts a world on a free loopback port. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const service = new Service(options);
  const server = createServer((request, response) => void service.serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url,
    requests: service.requests,
    peak: service.peak,
    realm: (name) => service.realm(name),
    fault: (fault) => void service.faults.push({ fault, seen: 0 }),
    clearFaults: () => void service.faults.splice(0),
    settle: () => service.settle(),
    close,
  };
}

class Service {
  readonly requests: string[] = [];
  readonly faults: { fault: Fault; seen: number }[] = [];
  readonly peak = new Map<string, number>();
  readonly #active = new Map<string, number>();
  readonly #realms = new Map<string, Realm>();
  readonly #options: WorldOptions;
  #late: (() => void)[] = [];

  constructor(options: WorldOptions) {
    this.#options = options;
  }

  realm(name: string): Realm {
    const realm = this.#realms.get(name) ?? new Realm();
    this.#realms.set(name, realm);
    return realm;
  }

  settle(): void {
    for (const act of this.#late.splice(0)) act();
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? 'GET';
    const path = request.url ?? '/';
    this.requests.push(`${method} ${path}`);
    const body = await textOf(request).catch(() => null);
    const fault = this.#faultFor(method, path);
    if (body === null || fault?.kind === 'hang') return;
    if (fault?.kind === 'drop') return void request.socket.destroy();
    await this.#wait(this.#options.latencyMs);
    if (fault?.kind === 'status') return send(response, fault.status ?? 503, '<html><body>Service unavailable</body></html>');
    if (fault?.kind === 'lie') return send(response, 200, '{}');
    if (fault?.kind === 'late') {
      this.#late.push(() => void this.#act(method, path, body));
      return send(response, 200, '{}');
    }
    const answer = await this.#act(method, path, body);
    if (fault?.kind === 'drop-after') return void request.socket.destroy();
    const text = JSON.stringify(answer.body);
    send(response, answer.status, fault?.kind === 'half' ? text.slice(0, text.length / 2) : text);
  }

  async #act(method: string, path: string, body: string): Promise<Answer> {
    const [realmName = '', , id = '', verb = ''] = path.slice(1).split('/').map(decodeURIComponent);
    const realm = this.realm(realmName);
    if (method === 'GET') return id === '' ? realm.list() : realm.look(id);
    return this.#counted(realmName, async () => {
      if (method === 'PUT') await this.#wait(this.#options.startMs);
      if (verb === 'probe') await this.#wait(this.#options.probeMs);
      return verb === 'drain' ? this.#drain(realm, id) : change(realm, method, id, verb, body);
    });
  }

  async #drain(realm: Realm, id: string): Promise<Answer> {
    while ((realm.instances.get(id)?.activeRequests ?? 0) > 0) await pause(5);
    return realm.look(id);
  }

  async #counted<T>(realm: string, act: () => Promise<T>): Promise<T> {
    const active = (this.#active.get(realm) ?? 0) + 1;
    this.#active.set(realm, active);
    this.peak.set(realm, Math.max(active, this.peak.get(realm) ?? 0));
    return act().finally(() => this.#active.set(realm, (this.#active.get(realm) ?? 1) - 1));
  }

  #faultFor(method: string, path: string): Fault | null {
    let struck: Fault | null = null;
    for (const entry of this.faults) {
      const { fault } = entry;
      if ((fault.method ?? method) !== method || !(fault.path ?? /^/).test(path)) continue;
      entry.seen += 1;
      if (fault.at === undefined || fault.at === entry.seen) struck ??= fault;
    }
    struck?.struck?.();
    return struck;
  }

  async #wait(ms: number | undefined): Promise<void> {
    if (ms) await pause(ms);
  }
}

function change(realm: Realm, method: string, id: string, verb: string, body: string): Answer {
  if (method === 'DELETE') return realm.stop(id);
  if (verb === 'probe') return realm.probe(id);
  if (method !== 'PUT') return { status: 405, body: { error: `${method} is not understood here` } };
  const { spec, mark } = JSON.parse(body) as { spec: InstanceSpec; mark: string };
  return realm.start(id, spec, mark);
}

async function textOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': text.startsWith('<') ? 'text/html' : 'application/json' }).end(text);
}
